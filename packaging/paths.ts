import { existsSync, realpathSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";

/** Whether a path is a folder or lies in it. Compares names of folders, not letters. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && way !== path);
}

/** An absolute path without links, as far as it exists. */
export function withoutLinks(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const above = dirname(path);
  return above === path ? path : join(withoutLinks(above), basename(path));
}

export function slashed(path: string): string {
  return path.split(sep).join("/");
}

/** Paths of all files and links below a folder, with slashes, sorted. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => slashed(relative(folder, join(entry.parentPath, entry.name))))
    .sort();
}

/** A path as it is typed in a shell in this folder. */
export function typed(path: string): string {
  const shown = relative(process.cwd(), path) || ".";
  return PLAIN.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

/** What no shell reads as anything but itself. */
const PLAIN = /^[\w@%+:,./\\-]+$/;
