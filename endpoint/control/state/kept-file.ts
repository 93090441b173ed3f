// A JSON file that survives whatever happens while it is written: the file itself is always whole, and the one before it is kept.
import * as promises from "node:fs/promises";
import { dirname } from "node:path";

/** Only the user may read what is kept: it names paths, and one of the files holds keys. */
const FILE_MODE = 0o600;

/** What writing does to the disk, a step a call. */
export type Disk = Pick<typeof promises, "link" | "open" | "rename" | "rm">;

/** Puts the value in the place of what the file holds. Killed at any step, the file holds the one or the other.
 *  @throws the disk's error; the file is as before then */
export async function writeKept(path: string, value: unknown, disk: Disk = promises): Promise<void> {
  const [fresh, spare, previous] = [`${path}.new`, `${path}.spare`, previousOf(path)];
  // Left behind by a write that was killed.
  await disk.rm(fresh, { force: true });
  await disk.rm(spare, { force: true });
  const file = await disk.open(fresh, "wx", FILE_MODE);
  try {
    await file.writeFile(`${JSON.stringify(value, null, 2)}\n`);
    // Otherwise the new name may be on the disk before the content when the power fails.
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await disk.link(path, spare);
    await disk.rename(spare, previous);
  } catch (error) {
    // There is no file yet, or the file system has no hard links: no previous file is kept then.
    if (!["ENOENT", "EPERM", "ENOTSUP", "ENOSYS"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
  await disk.rename(fresh, path);
  await syncFolder(dirname(path), disk);
}

/** What was kept, and which files could not be used. */
export interface Kept<T> {
  /** Undefined: there is nothing that can be used. */
  readonly value: T | undefined;
  /** A line for each file that cannot be used: why, and what becomes of it. */
  readonly notes: readonly string[];
  /** Those files. */
  readonly broken: readonly string[];
  /** True: there is no file, whole or not. */
  readonly isNew: boolean;
}

/** Reads the file, or the one before it when the file cannot be used.
 *  @param read gives the value, or throws an error that says what is wrong with the content */
export async function readKept<T>(path: string, read: (content: unknown) => T): Promise<Kept<T>> {
  const notes: string[] = [];
  const broken: string[] = [];
  for (const candidate of [path, previousOf(path)]) {
    try {
      const value = read(JSON.parse(await promises.readFile(candidate, "utf8")) as unknown);
      if (notes.length > 0) notes.push(`${candidate} is used instead, from before the last change`);
      return { value, notes, broken, isNew: false };
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) continue;
      broken.push(candidate);
      notes.push(`${candidate} cannot be used (${(error as Error).message}); it is kept as ${candidate}${UNREADABLE}`);
    }
  }
  return { value: undefined, notes, broken, isNew: broken.length === 0 };
}

const UNREADABLE = ".unreadable";

/** Renames files that cannot be used. Otherwise the next write would make one of them the previous file, in the place of the last
 *  good one; and a person may still find something in them. */
export async function setAside({ broken }: Pick<Kept<unknown>, "broken">): Promise<void> {
  for (const path of broken) await promises.rename(path, path + UNREADABLE);
}

/** Where the file is kept that the last write has replaced. */
export function previousOf(path: string): string {
  return `${path}.previous`;
}

async function syncFolder(folder: string, disk: Disk): Promise<void> {
  // Not every system opens folders.
  const handle = await disk.open(folder, "r").catch(() => undefined);
  try {
    await handle?.sync();
  } catch {
    // Nor does every system sync them.
  } finally {
    await handle?.close();
  }
}
