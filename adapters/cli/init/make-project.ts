import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

export interface ProjectFile {
  /** Below the project's folder, with slashes. */
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** What stands in a new repository or an environment's folder, and in no template. */
const HARMLESS =
  /^(?:\.git|\.gitattributes|\.github|\.hg|\.idea|\.venv|venv|\.DS_Store|Thumbs\.db|LICEN[CS]E(?:\.\w+)?)$/;
/** How many names are said. */
const MAX_NAMES = 5;

/** Why nothing was made: one line. */
export class CannotMake extends Error {}

/** Makes the folder, where there is none, and the files in it. Nothing that is there is touched; after a failure
 *  nothing of what was made is left. It does not let other code of this process run in between.
 *  @param folder absolute   @throws CannotMake */
export function makeProject(folder: string, files: readonly ProjectFile[]): void {
  const made: Made[] = [];
  try {
    if (!isUsable(folder)) makeFolder(folder, made);
    for (const { path, content } of files) {
      const file = join(folder, path);
      makeFolder(dirname(file), made);
      write(file, content, made);
    }
  } catch (error) {
    throw refusal(error as Error, folder, undo(made));
  }
}

/** Looks whether a project can be made there. @param folder absolute   @throws CannotMake */
export function checkFolder(folder: string): void {
  try {
    isUsable(folder);
  } catch (error) {
    throw refusal(error as Error, folder, []);
  }
}

/** @returns whether there is a folder already, an empty one   @throws when it will not do */
function isUsable(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return false;
  const target = statSync(folder, { throwIfNoEntry: false });
  if (target === undefined) throw new CannotMake(`${folder} is a link that leads nowhere; name another folder`);
  if (!target.isDirectory()) throw new CannotMake(`${folder} is a file; name another folder`);
  const inTheWay = readdirSync(folder).filter((name) => !HARMLESS.test(name));
  if (inTheWay.length === 0) return true;
  throw new CannotMake(`${folder} is not empty: ${listed(inTheWay.sort())}; name a new folder or an empty one`);
}

interface Made {
  readonly path: string;
  readonly isFolder: boolean;
}

function makeFolder(folder: string, made: Made[]): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  makeFolder(dirname(folder), made);
  mkdirSync(folder);
  made.push({ path: folder, isFolder: true });
}

function write(path: string, content: string | Uint8Array, made: Made[]): void {
  // Fails where there is something, be it a link that leads nowhere.
  const file = openSync(path, "wx");
  made.push({ path, isFolder: false });
  const bytes = Buffer.from(content);
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
  } finally {
    closeSync(file);
  }
}

/** Removes what was made, the last first. A folder that somebody has put something into stays.
 *  @returns what could not be removed */
function undo(made: readonly Made[]): string[] {
  return made.toReversed().flatMap(({ path, isFolder }) => {
    try {
      if (isFolder) rmdirSync(path);
      else unlinkSync(path);
      return [];
    } catch {
      return [path];
    }
  });
}

/** @param left what could not be removed */
function refusal(error: Error, folder: string, left: readonly string[]): CannotMake {
  if (error instanceof CannotMake) return error;
  const rest = left.length === 0 ? "nothing was made" : `these could not be removed again: ${listed(left)}`;
  return new CannotMake(`${reasonOf(error, folder)}; ${rest}`);
}

function reasonOf({ code, message, path }: NodeJS.ErrnoException, folder: string): string {
  const where = path ?? folder;
  switch (code) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return `${where} cannot be written by this user; name another folder`;
    case "ENOSPC":
    case "EDQUOT":
      return `the disk of ${folder} is full`;
    case "ENOTDIR":
      return `${where} is below a file`;
    case "EEXIST":
      return `${where} is in the way`;
    case "ELOOP":
      return `${where} is a link in a circle`;
    case "ENAMETOOLONG":
      return "the name of the folder is too long";
    default:
      return message;
  }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).join(", ");
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more` : shown;
}
