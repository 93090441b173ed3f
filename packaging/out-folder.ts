// The folder of a build: made beside, put into place when it is complete, and never at the cost of the user's own files.
import { createHash } from "node:crypto";
import { constants, createReadStream, existsSync, lstatSync, readdirSync } from "node:fs";
import {
  chmod,
  copyFile,
  link,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ConfigError, VERSION } from "../src/host.ts";
import { listFiles, withoutLinks } from "./paths.ts";

/** Name of the file that describes a build, and tells it from a folder of somebody else's. */
export const BUILD_FILE = "scorefn-build.json";

/** What stands in that file. */
export interface BuildDescription {
  readonly target: string;
  readonly scorefn: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** SHA-256 of every file that the build made, by its path. */
  readonly files: Readonly<Record<string, string>>;
}

/** Made by tools that run there, and made again: not worth keeping. */
const CACHES = /(?:^|\/)__pycache__\/|\.pyc$/;

/** A build under way. */
export interface OutFolder {
  /** Where it is made; beside the folder it will be. */
  readonly staging: string;
  /** Files of the user's that are in it now, as `keepEdits` has found them. */
  readonly kept: readonly string[];
  /** To be called when all is laid out: brings along what the user has edited in the older build, or added to it. */
  keepEdits(): Promise<void>;
  /** Puts the build into place. */
  finish(description: Pick<BuildDescription, "target" | "settings">): Promise<void>;
  /** Removes what was made so far; the older build stays as it is. */
  discard(): Promise<void>;
}

/** A folder of its own beside the one that is built. */
async function makeBeside(out: string): Promise<string> {
  try {
    await mkdir(dirname(out), { recursive: true });
    return await mkdtemp(join(dirname(out), `.${basename(out)}-building-`));
  } catch (error) {
    throw problem(`a build cannot be written to ${dirname(out)} (${(error as Error).message}); choose another --out`);
  }
}

/** @param late files that are made after `keepEdits`
 *  @throws ConfigError when there is something in the folder that is not a build */
export async function openOutFolder(given: string, late: readonly string[] = []): Promise<OutFolder> {
  const out = withoutLinks(given);
  const older = await readOlder(out);
  const staging = await makeBeside(out);
  // From now on it is known for what it is, wherever it lies.
  await writeFile(join(staging, BUILD_FILE), "{}\n");
  await chmod(staging, FOLDER_MODE);
  const made: Record<string, string> = {};
  const kept: string[] = [];

  /** Takes up what the build has made since the last time. */
  async function takeUp(): Promise<void> {
    const known = new Set([...kept, ...Object.keys(made), BUILD_FILE]);
    for (const path of await listFiles(staging)) if (!known.has(path)) await settle(path);
  }

  /** Decides about one file that the build has made: the user's own version of it wins. */
  async function settle(path: string): Promise<void> {
    const to = join(staging, path);
    await settleMode(to);
    made[path] = await sha256(to);
    const own = older.files[path];
    if (own === undefined || own === older.made[path] || own === made[path]) return;
    if (made[path] !== older.made[path] || `${path}.new` in older.files) {
      await rename(to, `${to}.new`);
      await settle(`${path}.new`);
    } else await rm(to);
    await keep(path);
  }

  async function keep(path: string): Promise<void> {
    await bringAlong(out, staging, path).catch((cause: Error) => {
      throw problem(`${join(out, path)} was edited or added by you, and cannot be kept: ${cause.message}`);
    });
    kept.push(path);
  }

  return {
    staging,
    kept,
    async keepEdits() {
      await takeUp();
      for (const [path, hash] of Object.entries(older.files)) {
        if (!(path in made) && !late.includes(path) && hash !== older.made[path]) await keep(path);
      }
      kept.sort();
    },
    async finish({ target, settings }) {
      await takeUp();
      kept.sort();
      const files = Object.fromEntries(Object.entries(made).sort(([one], [other]) => (one < other ? -1 : 1)));
      const description: BuildDescription = { target, scorefn: VERSION, settings, files };
      await writeFile(join(staging, BUILD_FILE), `${JSON.stringify(description, undefined, 2)}\n`);
      await swap(staging, out);
    },
    discard: () => rm(staging, { recursive: true, force: true }),
  };
}

interface Older {
  /** Files that are there now and are not a cache, with their hashes. */
  readonly files: Readonly<Record<string, string>>;
  /** Files that the older build made, with the hashes they had. */
  readonly made: Readonly<Record<string, string>>;
}

/** @param out not a link   @returns whether there is an older build
 *  @throws ConfigError when there is something in the folder that is not a build */
export function refuseForeign(out: string): boolean {
  if (existsSync(out) && !lstatSync(out).isDirectory()) throw problem(`${out} is not a folder; choose another --out`);
  const entries = existsSync(out) ? readdirSync(out) : [];
  if (entries.length > 0 && !entries.includes(BUILD_FILE)) {
    throw problem(`${out} is neither empty nor a build of scorefn; choose another folder`);
  }
  return entries.length > 0;
}

async function readOlder(out: string): Promise<Older> {
  if (!refuseForeign(out)) return { files: {}, made: {} };
  const made = (await readDescription(out)).files;
  const files: Record<string, string> = {};
  for (const path of await listFiles(out)) {
    if (path === BUILD_FILE || (CACHES.test(path) && !(path in made))) continue;
    const place = join(out, path);
    const { isFile, isLink } = kindOf(place);
    if (isLink) files[path] = `link to ${await readlink(place)}`;
    else if (isFile) files[path] = await sha256(place);
    else throw problem(`${place} is neither a file nor a link, so it cannot be kept; move it away`);
  }
  return { files, made };
}

function kindOf(place: string): { isFile: boolean; isLink: boolean } {
  const found = lstatSync(place);
  return { isFile: found.isFile(), isLink: found.isSymbolicLink() };
}

/** @throws ConfigError when the folder is not a build, or one of a version that cannot be read */
export async function readDescription(directory: string): Promise<BuildDescription> {
  const file = join(directory, BUILD_FILE);
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) {
    throw problem(`${directory} is not a scorefn build; make one with scorefn build`);
  }
  let read: Partial<BuildDescription> = {};
  try {
    read = JSON.parse(text) as Partial<BuildDescription>;
  } catch {
    // Said below.
  }
  const { target, scorefn, settings, files } = read;
  if (target === undefined || scorefn === undefined || settings === undefined || files === undefined) {
    throw problem(`${file} cannot be read, or is of another version of scorefn; build into a new folder`);
  }
  return { target, scorefn, settings, files };
}

/** The same file twice, where the file system can; nothing is lost then when the older folder is removed. */
async function bringAlong(from: string, to: string, path: string): Promise<void> {
  const folders = path.split("/").slice(0, -1);
  for (const [index] of folders.entries()) {
    const folder = folders.slice(0, index + 1).join("/");
    if (!existsSync(join(to, folder))) await mkdir(join(to, folder), { mode: lstatSync(join(from, folder)).mode });
  }
  const [source, target] = [join(from, path), join(to, path)];
  if (kindOf(source).isLink) await symlink(await readlink(source), target);
  else await link(source, target).catch(() => copyFile(source, target, constants.COPYFILE_EXCL));
}

/** Whoever runs the function is not who has built it. */
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;
const ANY_EXECUTE = 0o111;

/** Makes a file that the build made readable by all, with its folders. */
async function settleMode(file: string): Promise<void> {
  await chmod(file, lstatSync(file).mode & ANY_EXECUTE ? FOLDER_MODE : FILE_MODE);
  await chmod(dirname(file), FOLDER_MODE);
}

async function swap(staging: string, out: string): Promise<void> {
  const older = `${staging}-older`;
  const isThere = existsSync(out);
  const cannot = (cause: Error): never => {
    throw problem(`${out} cannot be replaced: ${cause.message}; choose another --out`);
  };
  if (isThere) await rename(out, older).catch(cannot);
  await rename(staging, out).catch(async (cause: Error) => {
    if (isThere) await rename(older, out);
    return cannot(cause);
  });
  if (isThere) await rm(older, { recursive: true, force: true });
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** What was asked cannot be built. */
export function problem(message: string): ConfigError {
  return new ConfigError("ERR_CONFIG", message);
}
