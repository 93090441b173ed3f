// What `scorefn online-endpoint` does, but for serving.
import { dirname } from "node:path";
import { LOOPBACK } from "../../../endpoint/control/address.ts";
import { SilentError } from "../../../endpoint/control/channel/client.ts";
import { conflict, invalid, OperationError } from "../../../endpoint/control/errors.ts";
import { keptEndpoint } from "../../../endpoint/control/kept-view.ts";
import type { Shown } from "../../../endpoint/control/shown.ts";
import {
  type EndpointFolder,
  endpointNames,
  homeFolder,
  removeFolder,
} from "../../../endpoint/control/state/folders.ts";
import { lockHolder, takeLock } from "../../../endpoint/control/state/lock.ts";
import { type KeptEndpoint, readState } from "../../../endpoint/control/state/store.ts";
import type { Document, EndpointReport } from "../../../endpoint/types.ts";
import type { OnlineFlags } from "./command-line.ts";
import { changesOf, endpointOptions, filePath, hostOf, portOf, required, told } from "./documents.ts";
import { figuresTable } from "./figures-table.ts";
import { invoke } from "./invoke.ts";
import { launch } from "./launch.ts";
import type { OnlineHost } from "./program.ts";
import { awaitHello, folderOf, missing, reach, reached, tryHello } from "./reach.ts";
import { endCommand } from "./signals.ts";

/** What a verb prints: a value in the form that the user asks for, or a text. */
export type Outcome =
  /** @property failure why the exit code is 1 all the same */
  | { readonly value: unknown; readonly failure?: string | null }
  | { readonly text: string; readonly failure?: string | null };

export type VerbRun = (flags: OnlineFlags, host: OnlineHost) => Promise<Outcome>;

const AUTH_MODES: readonly string[] = ["key", "aml_token", "aad_token"];

const NAMES_IT = "names the endpoint";

export const ENDPOINT_VERBS: Readonly<Record<string, VerbRun>> = {
  create,
  update,
  list,
  delete: remove,
  report,
  invoke: async (flags, host) => ({ value: await invoke(flags, host) }),
  show: async (flags, host) => {
    const endpoint = await reach(required(flags, "--name", NAMES_IT), host);
    return { value: await endpoint.ask("GET", "/endpoint") };
  },
  "get-credentials": async (flags, host) => {
    const endpoint = await reach(required(flags, "--name", NAMES_IT), host);
    return { value: await endpoint.ask("GET", "/credentials") };
  },
  "regenerate-keys": async (flags, host) => {
    const type = flags.text("--key-type") ?? "primary";
    const endpoint = await reach(required(flags, "--name", NAMES_IT), host);
    await endpoint.ask("POST", "/keys", { type });
    return { value: null };
  },
  open: async (flags, host) => {
    const endpoint = await reach(required(flags, "--name", NAMES_IT), host);
    return { text: `${String(await endpoint.ask("POST", "/page"))}\n` };
  },
};

async function create(flags: OnlineFlags, host: OnlineHost): Promise<Outcome> {
  const files = await host.parts.files();
  const path = filePath(flags, host);
  const mode = flags.text("--auth-mode");
  if (mode !== undefined && !AUTH_MODES.includes(mode.toLowerCase())) {
    throw invalid(`--auth-mode ${mode} is not a way to let clients in; it takes ${AUTH_MODES.join(", ")}`);
  }
  const set = [...(mode === undefined ? [] : [`auth_mode=${mode}`]), ...flags.all("--set")];
  if (path === undefined) required(flags, "--name", `${NAMES_IT}, because there is no --file`);
  const overrides = { name: flags.text("--name"), set };
  const read = path === undefined ? files.endpointDocument(overrides) : files.readEndpointFile(path, overrides);
  const document = told(read, host);
  const { name, traffic, mirrorTraffic } = files.endpointSpec(document);
  const [first] = [...Object.keys(traffic), ...Object.keys(mirrorTraffic)];
  if (first !== undefined) {
    throw invalid(
      `the file gives traffic to ${first}, and a new endpoint has no deployments yet; leave traffic and mirror_traffic out of the file and create the deployment with --all-traffic, or start all files together with online-endpoint serve`,
    );
  }
  const state: KeptEndpoint = {
    document,
    host: hostOf(flags) ?? LOOPBACK,
    port: portOf(flags) ?? 0,
    options: await endpointOptions(flags, host),
    deployments: {},
  };
  const folder = folderOf(name, host);
  if (lockHolder(folder.path) !== undefined || !(await readState(folder)).isNew) {
    throw conflict(`the endpoint ${name} exists; change it with online-endpoint update, or delete it first`);
  }
  await launch(folder, { kind: "create", state }, host);
  const endpoint = await reach(name, host);
  return { value: await endpoint.ask("GET", "/endpoint") };
}

async function update(flags: OnlineFlags, host: OnlineHost): Promise<Outcome> {
  const files = await host.parts.files();
  const path = filePath(flags, host);
  const given = { name: flags.text("--name"), set: flags.all("--set") };
  const file = path === undefined ? undefined : files.openUpdateFile("endpoint", path, given);
  const name = file?.name ?? required(flags, "--name", NAMES_IT);
  const shares = (flag: string) => {
    const words = flags.all(flag);
    return words.length === 0 ? undefined : files.parseShares(words.join(" "), null, flag);
  };
  const [traffic, mirrorTraffic] = [shares("--traffic"), shares("--mirror-traffic")];
  const [port, address] = [portOf(flags), hostOf(flags)];
  if ((port !== undefined || address !== undefined) && (await tryHello(folderOf(name, host))) !== undefined) {
    const pid = lockHolder(folderOf(name, host).path)?.pid;
    throw conflict(
      `the endpoint ${name} runs; --port and --host count when it is started: end its process with: ${endCommand(pid!)}, and give the command again`,
    );
  }
  const endpoint = await reach(name, host, { kind: "resume", port, host: address });
  const old = async () => (await endpoint.ask("GET", "/document")) as Document;
  const value = await endpoint.ask("PATCH", "/endpoint", {
    document: file === undefined ? null : told(file.mergedWith(await old()), host),
    changes: changesOf(flags),
    folder: path === undefined ? host.cwd : dirname(path),
    traffic,
    mirrorTraffic,
  });
  return { value };
}

/** Endpoints that do not run are shown from their files. */
async function list(_flags: OnlineFlags, host: OnlineHost): Promise<Outcome> {
  const shown = endpointNames(homeFolder(host.env)).map(async (name) => {
    const folder = folderOf(name, host);
    const hello = await tryHello(folder).catch((error: unknown) => {
      if (!(error instanceof SilentError)) throw error;
      host.tell(`warning: ${error.message}\n`);
      return undefined;
    });
    if (hello !== undefined) {
      return reached(folder, hello, host)
        .ask("GET", "/endpoint")
        .catch((error: unknown) => {
          // Somebody has just deleted it.
          if (error instanceof OperationError && error.refusal === "not-found") return undefined;
          throw error;
        });
    }
    return kept(folder, host);
  });
  return { value: (await Promise.all(shown)).filter((one) => one !== undefined) };
}

/** @returns undefined when there is no endpoint, or when its files cannot be used: the next command that starts it says why */
async function kept(folder: EndpointFolder, host: OnlineHost): Promise<Shown | undefined> {
  const files = await host.parts.files();
  const { value, notes } = await readState(folder, (state) => void keptEndpoint(state, files));
  for (const note of notes) host.tell(`warning: ${note}\n`);
  return value === undefined ? undefined : keptEndpoint(value, files);
}

async function remove(flags: OnlineFlags, host: OnlineHost): Promise<Outcome> {
  const name = required(flags, "--name", NAMES_IT);
  const folder = folderOf(name, host);
  const exists = lockHolder(folder.path) !== undefined || !(await readState(folder)).isNew;
  if (!exists) throw missing(folder);
  await confirm(`Are you sure you want to delete the endpoint ${folder.name} and its deployments?`, flags, host);
  const hello = await awaitHello(folder);
  if (hello !== undefined) {
    await reached(folder, hello, host).ask("DELETE", "/endpoint", { noWait: flags.isOn("--no-wait") });
    return { value: null };
  }
  // Its process does not run, and need not be started for this.
  const attempt = takeLock(folder.path);
  if ("heldBy" in attempt) throw conflict(`the endpoint ${folder.name} is being started; delete it again`);
  await removeFolder(folder);
  return { value: null };
}

/** @throws OperationError when the user does not agree, or cannot be asked */
export async function confirm(question: string, flags: OnlineFlags, { ask }: OnlineHost): Promise<void> {
  if (flags.isOn("--yes")) return;
  if (ask === undefined) throw invalid("Unable to prompt for confirmation as no tty available. Use --yes.");
  const answer = await ask(`${question} (y/n): `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new OperationError("failed", "Operation cancelled.");
}

async function report(flags: OnlineFlags, host: OnlineHost): Promise<Outcome> {
  const isValue = flags.text("--output") !== undefined || flags.text("--query") !== undefined;
  if (isValue && flags.text("--report") !== undefined) {
    throw invalid("--report says how the report is written, and so do --output and --query; use the one or the others");
  }
  const endpoint = await reach(required(flags, "--name", NAMES_IT), host);
  const found = (await endpoint.ask("GET", "/report")) as EndpointReport;
  const form = (flags.text("--report") ?? "table") as "table" | "json" | "junit";
  const { render } = await host.parts.report();
  const { text, failure } = render(found, form, flags.text("--max-differences") ?? null);
  if (isValue) return { value: found, failure };
  return { text: form === "table" ? `${figuresTable(found)}\n${text}` : text, failure };
}
