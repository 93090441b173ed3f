import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Log, ScoreError, type Scorer } from "../../src/host.ts";
import type { Listen, Listening } from "./running.ts";
import { type EndpointFolder, endpointFolder, endpointNames } from "./state/folders.ts";

/** An endpoint keeps its port, so it is none of those that systems hand out to connections, which one might have while the
 *  endpoint's process is not there; nor 5001, which a server in the foreground wants. */
const FIRST_PORT = 5101;
const LAST_PORT = 5999;

/** Listens at the first port that nobody has and no other endpoint of this user keeps.
 *  @throws ScoreError `ERR_PORT` */
export async function listenAtFreePort(
  { path, name }: EndpointFolder,
  host: string,
  scorer: Scorer,
  listen: Listen,
  log: Log,
): Promise<Listening> {
  const kept = keptPorts(dirname(dirname(path)), name);
  for (let port = FIRST_PORT; port <= LAST_PORT; port++) {
    if (kept.has(port)) continue;
    try {
      return await listen(scorer, { host, port }, log);
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
  }
  return listen(scorer, { host, port: 0 }, log);
}

function isTaken(error: unknown): boolean {
  return error instanceof ScoreError && (error.cause as NodeJS.ErrnoException | undefined)?.code === "EADDRINUSE";
}

function keptPorts(home: string, self: string): Set<unknown> {
  const others = endpointNames(home).filter((name) => name !== self);
  return new Set(others.map((name) => portIn(endpointFolder(home, name).state)));
}

function portIn(path: string): unknown {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { readonly port?: unknown }).port;
  } catch {
    return undefined;
  }
}
