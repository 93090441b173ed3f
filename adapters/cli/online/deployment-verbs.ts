// What `scorefn online-deployment` does.
import { dirname, resolve } from "node:path";
import { invalid } from "../../../endpoint/control/errors.ts";
import type { AssetOptions } from "../../../endpoint/control/types.ts";
import type { Document } from "../../../endpoint/types.ts";
import type { OnlineFlags } from "./command-line.ts";
import { assetOptions, changesOf, filePath, required, saysAssets, secretsOf, told } from "./documents.ts";
import { confirm, type Outcome, type VerbRun } from "./endpoint-verbs.ts";
import type { OnlineHost } from "./program.ts";
import { reach } from "./reach.ts";

/** What az shows of a log without `--lines`. */
const DEFAULT_LINES = 5_000;

const ENDPOINT = "names the endpoint";
const DEPLOYMENT = "names the deployment";

export const DEPLOYMENT_VERBS: Readonly<Record<string, VerbRun>> = {
  create,
  update,
  show: async (flags, host) => {
    const [endpoint, name] = await reachDeployment(flags, host);
    return { value: await endpoint.ask("GET", `/deployments/${name}`) };
  },
  list: async (flags, host) => {
    const endpoint = await reach(required(flags, "--endpoint-name", ENDPOINT), host);
    return { value: await endpoint.ask("GET", "/deployments") };
  },
  delete: async (flags, host) => {
    const [endpoint, name] = await reachDeployment(flags, host);
    await endpoint.ask("GET", `/deployments/${name}`);
    await confirm(`Are you sure you want to delete the deployment ${name}?`, flags, host);
    await endpoint.ask("DELETE", `/deployments/${name}`, { noWait: flags.isOn("--no-wait") });
    return { value: null };
  },
  "get-logs": getLogs,
};

async function create(flags: OnlineFlags, host: OnlineHost): Promise<Outcome> {
  const files = await host.parts.files();
  const file = required(flags, "--file", "names the deployment's YAML file");
  const overrides = {
    name: flags.text("--name"),
    endpointName: flags.text("--endpoint-name"),
    set: flags.all("--set"),
  };
  const document = told(files.readDeploymentFile(resolve(host.cwd, file), overrides), host);
  const { name, endpointName } = files.deploymentSpec(document);
  const endpoint = await reach(endpointName, host);
  const value = await endpoint.ask("POST", "/deployments", {
    document,
    assets: await ownAssets(name, flags, host),
    allTraffic: flags.isOn("--all-traffic"),
    secrets: secretsOf(host),
    noWait: flags.isOn("--no-wait"),
  });
  return { value };
}

async function update(flags: OnlineFlags, host: OnlineHost): Promise<Outcome> {
  const files = await host.parts.files();
  const path = filePath(flags, host);
  const given = { name: flags.text("--name"), endpointName: flags.text("--endpoint-name"), set: flags.all("--set") };
  const file = path === undefined ? undefined : files.openUpdateFile("deployment", path, given);
  const name = file?.name ?? required(flags, "--name", DEPLOYMENT);
  const endpoint = await reach(file?.endpointName ?? required(flags, "--endpoint-name", ENDPOINT), host);
  const old = async () => (await endpoint.ask("GET", `/documents/${pathWord(name)}`)) as Document;
  const value = await endpoint.ask("PATCH", `/deployments/${pathWord(name)}`, {
    document: file === undefined ? null : told(file.mergedWith(await old()), host),
    changes: changesOf(flags),
    folder: path === undefined ? host.cwd : dirname(path),
    assets: saysAssets(flags) ? await ownAssets(name, flags, host) : undefined,
    secrets: secretsOf(host),
    noWait: flags.isOn("--no-wait"),
  });
  return { value };
}

/** @throws OperationError for what is said of another deployment: it would count for none */
async function ownAssets(name: string, flags: OnlineFlags, host: OnlineHost): Promise<AssetOptions> {
  const options = await assetOptions(flags, host);
  for (const [flag, pairs] of [
    ["--python", options.pythons],
    ["--upstream", options.upstreams],
  ] as const) {
    const other = Object.keys(pairs).find((key) => key.toLowerCase() !== name.toLowerCase());
    if (other !== undefined)
      throw invalid(`${flag} ${other}: this command is for the deployment ${name}; write ${flag} ${name}=...`);
  }
  return options;
}

async function getLogs(flags: OnlineFlags, host: OnlineHost): Promise<Outcome> {
  const text = flags.text("--lines") ?? String(DEFAULT_LINES);
  const lines = Number(text);
  if (!/^\d{1,9}$/.test(text)) throw invalid(`--lines ${text} is not a number of lines`);
  const isValue = flags.text("--output") !== undefined || flags.text("--query") !== undefined;
  if (isValue && flags.isOn("--follow")) {
    throw invalid(
      "--follow writes lines as they come, and --output and --query need all of them; leave one or the others out",
    );
  }
  const [endpoint, name] = await reachDeployment(flags, host);
  if (flags.text("--container") === "storage-initializer") {
    return { text: "No container brings models here: they are read from where they lie.\n" };
  }
  if (flags.isOn("--follow")) {
    const print = (more: readonly string[]): Promise<boolean> => host.writeOn(more.map((line) => `${line}\n`).join(""));
    await endpoint.ask("GET", `/log/${name}?lines=${lines}`, undefined, print);
    return { text: "" };
  }
  const found = (await endpoint.ask("GET", `/logs/${name}?lines=${lines}`)) as readonly string[];
  const all = found.map((line) => `${line}\n`).join("");
  return isValue ? { value: all } : { text: all };
}

async function reachDeployment(flags: OnlineFlags, host: OnlineHost) {
  const name = required(flags, "--name", DEPLOYMENT);
  const endpoint = await reach(required(flags, "--endpoint-name", ENDPOINT), host);
  return [endpoint, pathWord(name)] as const;
}

function pathWord(name: string): string {
  return encodeURIComponent(name.toLowerCase());
}
