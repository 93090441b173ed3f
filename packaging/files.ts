// Which files of the user's go into a build, and how they get there.
import { constants, existsSync } from "node:fs";
import { copyFile, lstat, mkdir, readdir, realpath, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CONFIG_FILE_NAME, packageFile, SWAGGER_FILE_NAMES } from "../src/host.ts";
import { CREDENTIALS, type LeaveOut, leaveOutRules, namesCredentials } from "./left-out.ts";
import { BUILD_FILE, problem } from "./out-folder.ts";
import { isInside, listFiles } from "./paths.ts";

/** A file that goes in. */
export interface TakenFile {
  /** Where it is. */
  readonly source: string;
  /** Below the folder, with slashes. */
  readonly path: string;
  readonly bytes: number;
}

export interface LeftOut {
  /** As the user knows it, with slashes; a folder's ends with one. */
  readonly path: string;
  readonly why: string;
}

export interface Inventory {
  /** Sorted by path. */
  readonly files: readonly TakenFile[];
  readonly leftOut: readonly LeftOut[];
  readonly bytes: number;
}

export interface InventoryOptions {
  readonly leaveOut?: LeaveOut | undefined;
  /** Absolute paths that are left out without a word: the build itself may lie inside. */
  readonly except?: readonly string[] | undefined;
  /** Name of the folder in what is said of it; default: none. */
  readonly name?: string | undefined;
}

/** Lists a folder of the user's; reads nothing but names and sizes. Links are followed. */
export async function takeInventory(folder: string, options: InventoryOptions = {}): Promise<Inventory> {
  const { leaveOut = leaveOutRules(folder), except = [], name } = options;
  const files: TakenFile[] = [];
  const leftOut: LeftOut[] = [];
  const shown = (path: string): string => (name === undefined ? path : `${name}/${path}`);

  const walk = async (place: string, prefix: string, above: readonly string[]): Promise<void> => {
    const names = (await readdir(place)).sort();
    for (const entry of names) {
      const source = join(place, entry);
      const path = `${prefix}${entry}`;
      if (except.includes(source)) continue;
      const found = await stat(source).catch(() => undefined);
      if (found === undefined) {
        leftOut.push({ path: shown(path), why: "a link that leads nowhere" });
        continue;
      }
      const isFolder = found.isDirectory();
      const real = await realpath(source);
      const isLink = real !== join(above.at(-1)!, entry);
      let why = leaveOut(path, isFolder, source);
      if (why === undefined && isLink && namesCredentials(real)) why = CREDENTIALS;
      if (why === undefined && isFolder && above.some((folder) => isInside(folder, real)))
        why = "a link to a folder that holds it";
      if (why === undefined && isFolder && existsSync(join(source, BUILD_FILE))) why = "a build of scorefn";
      if (why === undefined && !isFolder && !found.isFile()) why = "not a file";
      if (why !== undefined) leftOut.push({ path: shown(isFolder ? `${path}/` : path), why });
      else if (isFolder) await walk(source, `${path}/`, [...above, real]);
      else files.push({ source, path, bytes: found.size });
    }
  };
  await walk(folder, "", [await realpath(folder)]);
  files.sort((one, other) => (one.path < other.path ? -1 : 1));
  return { files, leftOut, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Copies what an inventory lists below a folder.
 *  @param onCopied gets the bytes so far   @throws ConfigError when there is something in the way, or a file cannot be read */
export async function copyInventory(
  { files }: Inventory,
  to: string,
  onCopied: (bytes: number) => void = () => {},
): Promise<void> {
  let copied = 0;
  for (const { source, path, bytes } of files) {
    await place(source, to, path);
    copied += bytes;
    onCopied(copied);
  }
}

/** Copies one file to a path below a folder, which must be free. */
export async function place(source: string, to: string, path: string): Promise<void> {
  const target = join(to, path);
  try {
    await mkdir(dirname(target), { recursive: true });
    // A copy that shares its blocks, where the file system can.
    await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST" || code === "ENOTDIR") {
      throw problem(`${source} would lie at ${path} in the build, where scorefn has a file of its own; rename it`);
    }
    throw problem(`${source} cannot be copied: ${message}`);
  }
}

/** Copies what a server started in the folder would read at its start, though no script imports it. */
export async function copySettings(from: string, to: string): Promise<void> {
  for (const name of [CONFIG_FILE_NAME, ...SWAGGER_FILE_NAMES]) {
    const source = join(from, name);
    // A script may have imported it, so that it is there already.
    if (existsSync(source) && !existsSync(join(to, name))) await place(source, to, name);
  }
}

/** Bytes of all files below a folder; 0 when there is none. */
export async function folderBytes(folder: string): Promise<number> {
  const files = existsSync(folder) ? await listFiles(folder) : [];
  const sizes = await Promise.all(files.map(async (path) => (await lstat(join(folder, path))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

export async function fileBytes(file: string): Promise<number> {
  return (await stat(file)).size;
}

/** @throws ConfigError when the user has a file where the build needs one of its own */
export async function refuseTaken(folder: string, paths: readonly string[]): Promise<void> {
  const taken = paths.filter((path) => existsSync(join(folder, path)));
  if (taken.length > 0) throw problem(`the script's folder has ${taken.join(", ")}, which the build needs; rename it`);
}

/** Our own files for a Python script: what runs it, and nothing that only builds need. */
export function takeWorker(): Promise<Inventory> {
  return takeInventory(packageFile("python"), {
    leaveOut: (path) => (/^try_build\.py$|\.toml$|__pycache__/.test(path) ? "only builds need it" : undefined),
  });
}

const DOCS_PAGE = "dist/src/docs-page/static";

/** Takes along the page to try a script with. @param own folder where our own files are looked for */
export async function copyDocsPage(own: string): Promise<void> {
  const page = await takeInventory(packageFile(DOCS_PAGE), { leaveOut: () => undefined });
  await copyInventory(page, join(own, DOCS_PAGE));
}

/** Statement of an entry whose build has that page, before its settings are read: it is on unless they say otherwise. */
export const DOCS_ON = 'process.env.SCOREFN_DOCS||="/docs";';

/** Writes what was rendered, by its paths below a folder. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}
