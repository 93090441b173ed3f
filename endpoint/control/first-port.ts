import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Log, ScoreError, type Scorer } from "../../src/host.ts";
import type { Listen, Listening } from "./running.ts";
import { type EndpointFolder, endpointFolder, endpointNames } from "./state/folders.ts";

/** An endpoint keeps its port: 20,000 to 29,999. Systems give higher ports to outgoing connections, one of which could take the port
 *  while the process of the endpoint does not run. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** How many ports are tried; hardly ever are more in use. */
const TRIES = 100;

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
  // Endpoints of other users and other folders begin elsewhere: whether they run just now cannot be seen.
  const start = createHash("sha256").update(path).digest().readUInt32BE();
  for (let index = 0; index < TRIES; index++) {
    const port = FIRST_PORT + ((start + index) % PORTS);
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
