// What `scorefn online-deployment` does.
import { resolve } from "node:path";
import { invalid } from "../../../endpoint/control/errors.ts";
import type { AssetOptions } from "../../../endpoint/control/types.ts";
import type { Document } from "../../../endpoint/types.ts";
import type { OnlineFlags } from "./command-line.ts";
import { assetOptions, changesOf, required, saysAssets, secretsOf, told } from "./documents.ts";
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
  const file = flags.text("--file");
  let document: Document | null = null;
  let names = { name: flags.text("--name"), endpointName: flags.text("--endpoint-name") };
  if (file !== undefined) {
    document = told(files.readDeploymentFile(resolve(host.cwd, file), names), host);
    names = files.deploymentSpec(document);
  }
  const name = names.name ?? required(flags, "--name", DEPLOYMENT);
  const endpoint = await reach(names.endpointName ?? required(flags, "--endpoint-name", ENDPOINT), host);
  const value = await endpoint.ask("PATCH", `/deployments/${pathWord(name)}`, {
    document,
    changes: changesOf(flags),
    folder: host.cwd,
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
  const [endpoint, name] = await reachDeployment(flags, host);
  if (flags.text("--container") === "storage-initializer") {
    return { text: "No container brings models here: they are read from where they lie.\n" };
  }
  const found = (await endpoint.ask("GET", `/logs/${name}?lines=${lines}`)) as readonly string[];
  const all = found.map((line) => `${line}\n`).join("");
  return flags.text("--output") === undefined && flags.text("--query") === undefined ? { text: all } : { value: all };
}

async function reachDeployment(flags: OnlineFlags, host: OnlineHost) {
  const name = required(flags, "--name", DEPLOYMENT);
  const endpoint = await reach(required(flags, "--endpoint-name", ENDPOINT), host);
  return [endpoint, pathWord(name)] as const;
}

function pathWord(name: string): string {
  return encodeURIComponent(name.toLowerCase());
}
