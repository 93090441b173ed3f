// The process of an endpoint: what it holds, from its lock to its last answer.
import { rm } from "node:fs/promises";
import { type Log, type Scorer, VERSION } from "../../src/host.ts";
import { addressOf, LOOPBACK } from "./address.ts";
import { openBoundedLog } from "./bounded-log.ts";
import type { Hello } from "./channel/messages.ts";
import { controlOf } from "./channel/routes.ts";
import { listenForControl } from "./channel/server.ts";
import { Endpoint } from "./endpoint.ts";
import { conflict, notFound, OperationError } from "./errors.ts";
import { listenAtFreePort } from "./first-port.ts";
import { GRACE_MS } from "./grace.ts";
import { openLog } from "./log.ts";
import { type EndpointFolder, makeFolder, removeFolder } from "./state/folders.ts";
import { type Kept, setAside } from "./state/kept-file.ts";
import { takeLock } from "./state/lock.ts";
import { type KeptEndpoint, NO_STORE, openStore, readCredentials, readState } from "./state/store.ts";
import type { KeptCredentials, Progress, RunningParts } from "./types.ts";

/** What answers requests at an address. */
export interface Listening {
  readonly port: number;
  close(graceMs: number): Promise<void>;
}

/** @throws ScoreError `ERR_PORT` with the cause and the cure */
export type Listen = (
  scorer: Scorer,
  address: { readonly host: string; readonly port: number },
  log: Log,
) => Promise<Listening>;

export interface Opening {
  readonly folder: EndpointFolder;
  readonly parts: RunningParts;
  readonly listen: Listen;
  readonly progress: Progress;
  /** `create`: there must be none of this name. `resume`: from what is kept. `serve`: nothing is kept. */
  readonly mode:
    | { readonly kind: "create" | "serve"; readonly state: KeptEndpoint }
    | { readonly kind: "resume"; readonly port: number | undefined; readonly host: string | undefined };
  /** Gets the log, whole lines. Default: the endpoint's log file. */
  readonly writeLog?: (text: string) => void;
}

export interface RunningEndpoint {
  readonly endpoint: Endpoint;
  readonly address: string;
  /** Resolves when somebody has deleted the endpoint. */
  readonly deleted: Promise<void>;
  /** Ends in good order. @param graceMs what running requests get */
  close(graceMs: number): Promise<void>;
}

/** Opens the endpoint: it listens, and takes commands. Its deployments come up later, with `resume()`.
 *  @throws OperationError or ScoreError; nothing is left then that was not there before */
export async function openEndpoint(opening: Opening): Promise<RunningEndpoint> {
  const { folder, mode } = opening;
  await makeFolder(folder);
  const attempt = lock(folder);
  if ("heldBy" in attempt) {
    const message = `the endpoint ${folder.name} runs already, as process ${attempt.heldBy.pid}`;
    throw new OperationError(mode.kind === "resume" ? "busy" : "conflict", message);
  }
  const undo: (() => unknown)[] = [attempt.release];
  try {
    return await open(opening, attempt.release, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

function lock(folder: EndpointFolder): ReturnType<typeof takeLock> {
  try {
    return takeLock(folder.path);
  } catch (error) {
    const message = `the state folder ${folder.path} cannot be written: ${(error as Error).message}; name a folder of yours with SCOREFN_HOME`;
    throw new OperationError("failed", message, error);
  }
}

async function open(
  { folder, parts, listen, progress, mode, writeLog: given }: Opening,
  release: () => void,
  undo: (() => unknown)[],
): Promise<RunningEndpoint> {
  const kept = await readState(folder, ({ document, deployments }) => {
    const spec = parts.files.endpointSpec(document);
    parts.files.checkTraffic(spec.traffic, spec.mirrorTraffic, Object.keys(deployments), spec.kind);
    for (const deployment of Object.values(deployments)) parts.files.deploymentSpec(deployment.document);
  });
  const state = await firstState(folder, mode, kept, progress);
  // Nothing was kept there. The lock goes with the folder: a lock at its path may then be somebody else's.
  if (mode.kind !== "resume") undo.splice(0, undo.length, () => removeFolder(folder));
  // Left behind by a process that was killed.
  await rm(folder.versions, { recursive: true, force: true });
  const file = mode.kind === "serve" ? undefined : openBoundedLog(folder.log);
  const { log, flush } = openLog(given ?? ((text) => file?.write(text)));
  const store = mode.kind === "serve" ? NO_STORE : openStore(folder);
  const credentials = await firstCredentials(folder, parts, mode.kind, progress);
  if (credentials.isNew) await store.saveCredentials(credentials.kept);

  const endpoint = new Endpoint({
    state,
    credentials: credentials.kept,
    parts,
    store,
    log,
    folder: folder.versions,
  });
  undo.push(() => endpoint.close(0));
  const { scorer } = endpoint.front;
  const server =
    state.port === 0 && mode.kind !== "serve"
      ? await listenAtFreePort(folder, state.host, scorer, listen, log)
      : await listen(scorer, { host: state.host, port: state.port }, log);
  undo.push(() => server.close(0));
  const address = addressOf(state.host, server.port);
  endpoint.listensAt(address);
  if (kept.value?.port !== server.port || kept.value.host !== state.host)
    await endpoint.keepAddress(state.host, server.port);

  let page: Promise<string> | undefined;
  let pageServer: Listening | undefined;
  const openPage = async (): Promise<string> => {
    const { scorer, path } = endpoint.front.createPage({
      report: () => endpoint.report(),
      setTraffic: (traffic, mirrorTraffic) => endpoint.setTraffic(traffic, mirrorTraffic),
    });
    pageServer = await listen(scorer, { host: LOOPBACK, port: 0 }, log);
    return `http://${LOOPBACK}:${pageServer.port}${path}`;
  };
  const pageAddress = (): Promise<string> => {
    page ??= openPage().catch((error: unknown) => {
      page = undefined;
      throw error;
    });
    return page;
  };

  const end = async (graceMs?: number): Promise<void> => {
    await Promise.all([server.close(graceMs ?? GRACE_MS), pageServer?.close(0), endpoint.close(graceMs)]);
    flush();
    await file?.flush();
  };
  let tellDeleted: () => void = () => {};
  const deleted = new Promise<void>((resolve) => {
    tellDeleted = resolve;
  });
  const hello = (): Hello => ({
    endpoint: folder.name,
    pid: process.pid,
    version: VERSION,
    scoringUri: String(endpoint.show().scoring_uri),
  });
  const remove = async (accepted: () => void): Promise<void> => {
    const ended = end();
    accepted();
    try {
      await ended;
    } finally {
      // The socket's path is free before the folder is gone, so that another endpoint of this name can start at once.
      const closed = socket.close();
      // The process ends even when the folder cannot be removed.
      await removeFolder(folder).finally(() => void closed.then(tellDeleted));
    }
  };
  const socket = await listenForControl(folder.socket, controlOf(endpoint, { hello, remove, page: pageAddress }));
  log.server.info(`The endpoint ${folder.name} listens at ${address}, as process ${process.pid}`);
  return {
    endpoint,
    address,
    deleted,
    close: async (graceMs) => {
      await end(graceMs);
      await socket.close();
      if (mode.kind === "serve") await removeFolder(folder);
      else release();
    },
  };
}

async function firstState(
  folder: EndpointFolder,
  mode: Opening["mode"],
  kept: Kept<KeptEndpoint>,
  progress: Progress,
): Promise<KeptEndpoint> {
  if (mode.kind !== "resume") {
    if (!kept.isNew) {
      throw conflict(`the endpoint ${folder.name} exists; change it with online-endpoint update, or delete it first`);
    }
    return mode.state;
  }
  if (kept.isNew) throw notFound(`there is no endpoint ${folder.name}`);
  for (const note of kept.notes) progress(`warning: ${note}`);
  await setAside(kept);
  if (kept.value === undefined) {
    progress(`warning: the endpoint ${folder.name} starts empty, because none of its stored files can be used`);
    return emptyState(folder.name);
  }
  return { ...kept.value, host: mode.host ?? kept.value.host, port: mode.port ?? kept.value.port };
}

/** For an endpoint of whose files none can be used. */
function emptyState(name: string): KeptEndpoint {
  const assets = {
    models: {},
    environments: {},
    pythons: {},
    upstreams: {},
    secretsFile: null,
    makesEnvironments: true,
  };
  const options = { gateway: null, cloudErrorText: false, tolerance: 0, ignore: [], assets };
  return { document: { name }, host: LOOPBACK, port: 0, options, deployments: {} };
}

async function firstCredentials(
  folder: EndpointFolder,
  parts: RunningParts,
  kind: Opening["mode"]["kind"],
  progress: Progress,
): Promise<{ readonly kept: KeptCredentials; readonly isNew: boolean }> {
  if (kind !== "resume") return { kept: parts.credentials.create(), isNew: true };
  const found = await readCredentials(folder, (kept) => void parts.credentials.open(kept, folder.name));
  for (const note of found.notes) progress(`warning: ${note}`);
  await setAside(found);
  if (found.value !== undefined) return { kept: found.value, isNew: false };
  progress(`warning: the endpoint ${folder.name} has new keys, because the stored ones cannot be used`);
  return { kept: parts.credentials.create(), isNew: true };
}
