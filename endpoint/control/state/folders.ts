// Where endpoints of this user are kept.
import { createHash, randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { chmod, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { homedir, tmpdir, userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type Environment, processEnvironment } from "../../../src/host.ts";
import { ENDPOINT_NAME, ENDPOINT_NAME_RULE, MAX_NAME_LENGTH } from "../../spec/names.ts";
import { invalid, OperationError } from "../errors.ts";
import { previousOf } from "./kept-file.ts";

const FOLDER_MODE = 0o700;

/** Bytes of a Unix socket's path, its end included: 104 on macOS and BSD, 108 on Linux. */
const MAX_SOCKET_PATH_BYTES = 103;

/** The files of one endpoint. */
export interface EndpointFolder {
  readonly name: string;
  readonly path: string;
  readonly state: string;
  readonly credentials: string;
  /** Where the endpoint's process takes commands. */
  readonly socket: string;
  readonly log: string;
  /** What versions of deployments need while they run. */
  readonly versions: string;
  /** What the process writes outside of its log: the error that ends it, for example. */
  readonly output: string;
}

/** @param env decides where: `SCOREFN_HOME`, else the user's home folder   @returns an absolute path */
export function homeFolder(env: Environment = processEnvironment): string {
  const { SCOREFN_HOME } = env;
  return SCOREFN_HOME ? resolve(SCOREFN_HOME) : resolve(env.HOME || homedir(), ".scorefn");
}

/** So nothing names a folder that leads out of it. */
function isEndpointName(name: string): boolean {
  return ENDPOINT_NAME.test(name) && name.length <= MAX_NAME_LENGTH && name === name.toLowerCase();
}

/** @param name in lower case   @throws OperationError when it is no endpoint's name */
export function endpointFolder(home: string, name: string): EndpointFolder {
  if (!isEndpointName(name)) {
    const rule = `must have at most ${MAX_NAME_LENGTH} characters, ${ENDPOINT_NAME_RULE}`;
    throw invalid(`${JSON.stringify(name)} cannot be the name of an endpoint: it ${rule}`);
  }
  const path = join(home, "endpoints", name);
  return {
    name,
    path,
    state: join(path, "state.json"),
    credentials: join(path, "credentials.json"),
    socket: socketPath(path),
    log: join(path, "endpoint.log"),
    versions: join(path, "versions"),
    output: join(path, "output.log"),
  };
}

/** Names of all endpoints that have a folder. */
export function endpointNames(home: string): string[] {
  try {
    const entries = readdirSync(join(home, "endpoints"), { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() && isEndpointName(entry.name) ? [entry.name] : [])).sort();
  } catch {
    return [];
  }
}

/** @throws OperationError with the cause and the cure */
export async function makeFolder({ path, socket }: EndpointFolder): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE });
    await chmod(path, FOLDER_MODE);
    if (!socket.startsWith(path)) await makeSocketFolder();
  } catch (error) {
    throw new OperationError(
      "failed",
      `the state folder ${path} cannot be written: ${(error as Error).message}; name a folder of yours with SCOREFN_HOME`,
      error,
    );
  }
}

/** Begins the name of a folder that is being removed. No endpoint has such a name. */
const GONE = ".gone-";

/** Removes it in one step, because half a folder would be an endpoint that comes back. The caller holds the folder's lock, which
 *  goes with it: as soon as the folder is gone, another endpoint of this name may have a folder, a lock and a socket at these paths. */
export async function removeFolder({ path, socket, state }: EndpointFolder): Promise<void> {
  const parent = dirname(path);
  if (process.platform !== "win32") await rm(socket, { force: true });
  try {
    await rename(path, join(parent, GONE + randomUUID()));
  } catch {
    // Windows moves no folder in which a file is open. Without its state it is no endpoint, whatever else stays.
    for (const file of [state, previousOf(state)]) await rm(file, { force: true });
    await rm(path, { recursive: true, force: true });
  }
  // Also removes what processes left that were killed here. A folder that cannot be removed is in nobody's way.
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    if (name.startsWith(GONE)) await rm(join(parent, name), { recursive: true, force: true }).catch(() => {});
  }
}

/** In the endpoint's folder, unless that path is too long for a socket. */
function socketPath(folder: string): string {
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 32);
  if (process.platform === "win32") return `\\\\.\\pipe\\scorefn-${hash}`;
  const path = join(folder, "control.sock");
  return Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES ? path : join(socketFolder(), hash);
}

/** Everybody can write to the folder for temporary files, so somebody else may have made this one first. */
async function makeSocketFolder(): Promise<void> {
  if (process.platform === "win32") return;
  const path = socketFolder();
  await mkdir(path, { recursive: true, mode: FOLDER_MODE });
  const { uid, mode } = await stat(path);
  if (uid !== userInfo().uid || (mode & 0o077) !== 0) throw new Error(`${path} is open to others`);
}

function socketFolder(): string {
  return join(tmpdir(), `scorefn-${userInfo().uid}`);
}
