// `online-endpoint serve`: an endpoint with its deployments in the foreground. Nothing is kept of it.
import { resolve } from "node:path";
import { LOOPBACK } from "../../../endpoint/control/address.ts";
import { describe, invalid } from "../../../endpoint/control/errors.ts";
import { GRACE_MS } from "../../../endpoint/control/grace.ts";
import { openEndpoint, type RunningEndpoint } from "../../../endpoint/control/running.ts";
import type { FilesPart } from "../../../endpoint/control/types.ts";
import type { Document, Shares } from "../../../endpoint/types.ts";
import { watchLauncher } from "../launcher.ts";
import type { OnlineFlags } from "./command-line.ts";
import { endpointOptions, hostOf, portOf, told } from "./documents.ts";
import { listen } from "./listening.ts";
import type { OnlineHost } from "./program.ts";
import { folderOf } from "./reach.ts";
import { watchSignals } from "./signals.ts";

/** Azure's port. */
const DEFAULT_PORT = 5001;

/** What the files describe. */
interface Service {
  /** Without traffic: there are no deployments yet. */
  readonly endpoint: Document;
  readonly deployments: readonly Document[];
  readonly traffic: Shares;
  readonly mirrorTraffic: Shares;
  readonly notices: readonly string[];
}

/** @returns the exit code   @throws ScoreError when it does not come up; nothing is left of it then */
export async function serve(flags: OnlineFlags, host: OnlineHost): Promise<number> {
  const signals = watchSignals();
  watchLauncher(() => process.kill(process.pid, "SIGTERM"));
  const files = await host.parts.files();
  const service = readService(flags, files, host);
  const options = await endpointOptions(flags, host);
  const { name } = files.endpointSpec(service.endpoint);
  const address = { host: hostOf(flags) ?? LOOPBACK, port: portOf(flags) ?? DEFAULT_PORT };
  const progress = (line: string): void => host.tell(`${line}\n`);
  for (const notice of service.notices) progress(notice);
  const parts = await host.parts.running();
  await parts.checkAssets(service.deployments.map(files.deploymentSpec), options.assets);
  const running = await openEndpoint({
    folder: folderOf(name, host),
    parts,
    listen,
    progress,
    mode: { kind: "serve", state: { document: service.endpoint, ...address, options, deployments: {} } },
    writeLog: host.openLog?.() ?? host.write,
  });
  let isStopped = false;
  const stop = signals.first.then(() => {
    isStopped = true;
    return Promise.race([running.close(GRACE_MS), signals.second]);
  });
  try {
    await bringUp(running, service, options.assets, progress);
  } catch (error) {
    if (!isStopped) {
      await running.close(0);
      throw error;
    }
  }
  if (!isStopped) host.write(banner(running, name));
  await Promise.race([stop, running.deleted]);
  return 0;
}

/** Brings up all deployments side by side. If one of them fails, none is served; the error names all that have failed. */
async function bringUp(
  { endpoint }: RunningEndpoint,
  { deployments, traffic, mirrorTraffic }: Service,
  assets: Parameters<typeof endpoint.createDeployment>[0]["assets"],
  progress: (line: string) => void,
): Promise<void> {
  const listener = { progress, accepted: () => {} };
  const created = await Promise.allSettled(
    deployments.map((document) => endpoint.createDeployment({ document, assets, allTraffic: false }, listener)),
  );
  const failures = created.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  if (failures.length > 0) throw invalid(failures.map(describe).join("\n"));
  await endpoint.update({ document: null, changes: [], folder: "/", traffic, mirrorTraffic });
}

function banner({ endpoint, address }: RunningEndpoint, name: string): string {
  return [
    `endpoint ${name}`,
    `scoring URI: ${String(endpoint.show().scoring_uri)}`,
    `keys:        scorefn online-endpoint get-credentials -n ${name}`,
    `page:        scorefn online-endpoint open -n ${name}`,
    `listens at ${address}; Ctrl+C stops it`,
    "",
  ].join("\n");
}

/** The files in any order. @throws ScoreError */
function readService(flags: OnlineFlags, files: FilesPart, host: OnlineHost): Service {
  const paths = flags.all("--file").map((path) => resolve(host.cwd, path));
  if (paths.length === 0)
    throw invalid("--file is missing; it names the YAML file of the endpoint or of a deployment, once for each");
  const kinds = paths.map((path) => ({ path, kind: files.kindOfFile(path) }));
  const [first, ...more] = kinds.filter(({ kind }) => kind === "endpoint");
  if (more.length > 0) throw invalid(`${first!.path} and ${more[0]!.path} are both endpoints; one is served at a time`);
  const given = flags.text("--name");
  const whole = first === undefined ? undefined : told(files.readEndpointFile(first.path, { name: given }), host);
  const endpointName = whole === undefined ? given : files.endpointSpec(whole).name;
  const deployments = kinds.flatMap(({ path, kind }) =>
    kind === "deployment" ? [told(files.readDeploymentFile(path, { endpointName }), host)] : [],
  );
  const specs = deployments.map((document) => files.deploymentSpec(document));
  const endpoint = whole ?? withoutFile(files, specs[0]!);
  const { traffic: _traffic, mirror_traffic: _mirror, ...bare } = endpoint as Record<string, unknown>;
  const spec = files.endpointSpec(endpoint);
  const names = specs.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw invalid(`two files describe the deployment ${twice}; deployments of one endpoint need names of their own`);
  const gets = Object.keys(spec.traffic).length === 0 && names.length === 1;
  const traffic = gets ? { [names[0]!]: 100 } : spec.traffic;
  files.checkTraffic(traffic, spec.mirrorTraffic, names, spec.kind);
  const notices = gets ? [`no traffic is given, so the only deployment, ${names[0]}, gets all of it`] : [];
  return { endpoint: bare, deployments, traffic, mirrorTraffic: spec.mirrorTraffic, notices };
}

/** An endpoint of the same kind as its deployments. */
function withoutFile(
  files: FilesPart,
  { endpointName, kind }: { readonly endpointName: string; readonly kind: string },
): Document {
  const set = kind === "kubernetes" ? ["compute=azureml:local"] : [];
  return files.endpointDocument({ name: endpointName, set }).document;
}
