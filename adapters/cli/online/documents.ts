// From flags and files to what an endpoint is told.
import { resolve } from "node:path";
import { SECRET_PREFIX } from "../../../endpoint/assets/secrets.ts";
import { LOOPBACK } from "../../../endpoint/control/address.ts";
import { invalid } from "../../../endpoint/control/errors.ts";
import type { AssetOptions, Change, EndpointOptions, SecretVariables } from "../../../endpoint/control/types.ts";
import type { GatewayForm, ReadResult } from "../../../endpoint/types.ts";
import type { OnlineFlags } from "./command-line.ts";
import type { OnlineHost } from "./program.ts";

const MAX_PORT = 65_535;

const PAIR_FLAGS = ["--model", "--environment", "--python", "--upstream"];

/** The flags about assets. */
const ASSET_FLAGS = [...PAIR_FLAGS, "--no-environments", "--secrets"];

/** Shows the warnings. @returns the document */
export function told({ document, warnings }: ReadResult, { tell }: OnlineHost): ReadResult["document"] {
  for (const warning of warnings) tell(`warning: ${warning}\n`);
  return document;
}

/** The file that `--file` names; undefined: there is none. */
export function filePath(flags: OnlineFlags, { cwd }: OnlineHost): string | undefined {
  const file = flags.text("--file");
  return file === undefined ? undefined : resolve(cwd, file);
}

export async function assetOptions(flags: OnlineFlags, { parts, cwd }: OnlineHost): Promise<AssetOptions> {
  const secrets = flags.text("--secrets");
  const none = {
    models: {},
    environments: {},
    pythons: {},
    upstreams: {},
    makesEnvironments: !flags.isOn("--no-environments"),
  };
  const options = { ...none, secretsFile: secrets === undefined ? null : resolve(cwd, secrets) };
  if (!PAIR_FLAGS.some((name) => flags.all(name).length > 0)) return options;
  const { pairs } = await parts.flags();
  return {
    ...options,
    models: pairs("model", flags.all("--model")),
    environments: pairs("environment", flags.all("--environment")),
    pythons: pairs("python", flags.all("--python")),
    upstreams: pairs("upstream", flags.all("--upstream")),
  };
}

/** The variables with secrets: the process of the endpoint may have been started without them. */
export function secretsOf({ env }: OnlineHost): SecretVariables {
  const all = Object.entries(env).filter(([name, value]) => name.startsWith(SECRET_PREFIX) && value !== undefined);
  return Object.fromEntries(all) as SecretVariables;
}

export function saysAssets(flags: OnlineFlags): boolean {
  return flags.given().some((name) => ASSET_FLAGS.includes(name));
}

export async function endpointOptions(flags: OnlineFlags, host: OnlineHost): Promise<EndpointOptions> {
  return {
    gateway: (flags.text("--gateway") ?? null) as GatewayForm | null,
    cloudErrorText: flags.isOn("--cloud-error-text"),
    tolerance: numberOf(flags, "--tolerance") ?? 0,
    ignore: flags.all("--ignore"),
    metrics: metricsOf(flags),
    keepsAuthorization: flags.isOn("--keep-authorization"),
    maxRate: rateOf(flags),
    assets: await assetOptions(flags, host),
  };
}

/** @throws OperationError */
function metricsOf(flags: OnlineFlags): string | null {
  const path = flags.text("--metrics") ?? null;
  if (path === null || (/^\/[\w./-]+$/.test(path) && path !== "/score" && path !== "/swagger.json")) return path;
  throw invalid(`--metrics ${path} is not a path for metrics; write one such as /metrics`);
}

/** @throws OperationError for less than one a second, with which nothing would ever pass */
function rateOf(flags: OnlineFlags): number | null {
  const rate = numberOf(flags, "--max-rate");
  if (rate === undefined || rate >= 1) return rate ?? null;
  throw invalid(`--max-rate ${rate} must be 1 or greater`);
}

/** @throws OperationError */
export function portOf(flags: OnlineFlags): number | undefined {
  const text = flags.text("--port");
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > MAX_PORT)
    throw invalid(`--port ${text} is not a port; name one from 1 to ${MAX_PORT}, or 0 for a free one`);
  return port;
}

/** @throws OperationError for an empty address, at which a server listens on all interfaces */
export function hostOf(flags: OnlineFlags): string | undefined {
  const host = flags.text("--host")?.trim();
  if (host === "") throw invalid(`--host is empty; name an address, such as ${LOOPBACK} for this machine alone`);
  return host;
}

function numberOf(flags: OnlineFlags, name: string): number | undefined {
  const text = flags.text(name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number) || number < 0)
    throw invalid(`${name} ${text} must be a number, 0 or greater`);
  return number;
}

/** @throws OperationError */
export function changesOf(flags: OnlineFlags): Change[] {
  const forceString = flags.isOn("--force-string");
  const kinds = ["set", "add", "remove"] as const;
  return kinds.flatMap((kind) => flags.groups(`--${kind}`).map((words) => ({ kind, words, forceString })));
}

/** @throws OperationError that names the flag */
export function required(flags: OnlineFlags, name: string, why: string): string {
  const text = flags.text(name);
  if (text === undefined || text === "") throw invalid(`${name} is missing; it ${why}`);
  return text;
}
