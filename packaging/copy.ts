import { existsSync } from "node:fs";
import { cp, readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { CONFIG_FILE_NAME, SWAGGER_FILE_NAMES } from "../src/host.ts";
import { findPackage } from "./bundle.ts";

/** Folders that are never part of a program that is deployed. */
const LEFT_OUT = new Set([
  "node_modules",
  "__pycache__",
  ".git",
  ".venv",
  "venv",
  ".pytest_cache",
  ".mypy_cache",
  ".idea",
]);

/** Copies a folder of the user's without what tools leave there.
 *  @param except absolute paths that are left out, too: the build itself may lie inside */
export async function copyFolder(from: string, to: string, except: readonly string[] = []): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const isSkipped = LEFT_OUT.has(entry.name) || except.includes(source) || entry.name.endsWith(".pyc");
    if (isSkipped) continue;
    if (entry.isDirectory()) await copyFolder(source, join(to, entry.name), except);
    else await cp(source, join(to, entry.name), { dereference: true });
  }
}

/** Copies what a server started in the folder would read at its start, though no script imports it. */
export async function copySettings(from: string, to: string): Promise<void> {
  for (const name of [CONFIG_FILE_NAME, ...SWAGGER_FILE_NAMES]) {
    if (existsSync(join(from, name))) await cp(join(from, name), join(to, name), { dereference: true });
  }
}

/** Copies installed packages and all they depend on below `to`/node_modules, each for the one platform they are to run on.
 *  @param arch as in `process.arch`   @param platform as in `process.platform` */
export async function copyPackages(
  folders: readonly string[],
  to: string,
  platform: { readonly arch: string; readonly platform: string },
): Promise<void> {
  const copied = new Set<string>();
  const copy = async (name: string, folder: string): Promise<void> => {
    if (copied.has(name)) return;
    copied.add(name);
    const isWanted = (path: string): boolean => !isForeign(path.slice(folder.length), platform);
    await cp(folder, join(to, "node_modules", name), { recursive: true, dereference: true, filter: isWanted });
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
      await readFile(join(folder, "package.json"), "utf8"),
    ) as { dependencies?: object; optionalDependencies?: object };
    for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const place = findPackage(dependency, folder);
      if (place !== undefined && !place.startsWith(folder + sep)) await copy(dependency, place);
    }
  };
  for (const folder of folders) {
    const scope = basename(dirname(folder));
    await copy(scope.startsWith("@") ? `${scope}/${basename(folder)}` : basename(folder), folder);
  }
}

const PLATFORMS = ["linux", "darwin", "win32", "freebsd", "android"];
const ARCHITECTURES = ["x64", "arm64", "arm", "ia32"];

/** True for the parts of a package that are meant for other machines, by the names of their folders. */
function isForeign(path: string, { arch, platform }: { arch: string; platform: string }): boolean {
  const parts = path.split(sep).flatMap((part) => part.split("-"));
  return parts.some(
    (part) => (PLATFORMS.includes(part) && part !== platform) || (ARCHITECTURES.includes(part) && part !== arch),
  );
}

/** Bytes of all files below a folder; 0 when there is none. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(resolve(folder), { withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? folderBytes(path) : (await stat(path)).size;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
