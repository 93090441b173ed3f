import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { readFile } from "node:fs/promises";

/** Files up to this size are compared by their content, in bytes: far more than any code. Of larger ones, models for example,
 *  a new time is a change. */
const MAX_READ_BYTES = 16_777_216;

/** A file written so shortly before it was looked at may be written again without its time changing, in milliseconds: what
 *  the coarsest file systems keep times by. */
const COARSE_MS = 2_000;

/** So many files are read at a time: each takes a descriptor, which connections need as well, and room in memory. */
const MAX_READERS = 8;

/** What tells one content of a file from another. */
export interface FileState {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly inode: number;
  /** Undefined: too large to be read, or it may not be. */
  readonly hash: string | undefined;
  /** True: another content may have the same times. */
  readonly isFresh: boolean;
}

/** @param known as it was when it was last looked at   @returns the same object where nothing has been written */
export async function stateOf(path: string, stats: Stats, known: FileState | undefined): Promise<FileState> {
  const { size, mtimeMs, ctimeMs, ino: inode } = stats;
  const isSame =
    known?.size === size && known.mtimeMs === mtimeMs && known.ctimeMs === ctimeMs && known.inode === inode;
  if (isSame && !known.isFresh) return known;
  const isFresh = Date.now() - mtimeMs < COARSE_MS;
  return { size, mtimeMs, ctimeMs, inode, hash: await hashOf(path, size), isFresh };
}

export function hasChanged(before: FileState, now: FileState): boolean {
  if (before === now) return false;
  if (before.size !== now.size) return true;
  return before.hash === undefined || now.hash === undefined
    ? before.mtimeMs !== now.mtimeMs || before.hash !== now.hash
    : before.hash !== now.hash;
}

async function hashOf(path: string, size: number): Promise<string | undefined> {
  if (size > MAX_READ_BYTES) return undefined;
  await reader();
  try {
    return createHash("sha1")
      .update(await readFile(path))
      .digest("base64");
  } catch {
    return undefined;
  } finally {
    readerIsFree();
  }
}

let readers = 0;
const waiting: (() => void)[] = [];

async function reader(): Promise<void> {
  if (readers < MAX_READERS) readers++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
}

function readerIsFree(): void {
  const next = waiting.shift();
  if (next === undefined) readers--;
  else next();
}
