import { once } from "node:events";
import { createWriteStream, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import { problem } from "../out-folder.ts";
import { listFiles } from "../paths.ts";

/** The same in every zip, so that the same files make the same bytes: the earliest that a zip can tell. */
const DATE = new Date(1980, 0, 1);
/** Readable by all, executable as far as Linux cares for it: `-rwxr-xr-x`. */
const MODE = 0o100755;

/** What a zip holds. */
export interface ZipReport {
  readonly bytes: number;
  /** Paths in the zip, sorted. */
  readonly files: readonly string[];
}

/** Packs a folder, its own name left out, one file after the other.
 *  @param except paths of files that are left out, and names at its top */
export async function zipFolder(folder: string, file: string, except: readonly string[]): Promise<ZipReport> {
  const isTaken = (path: string): boolean =>
    !except.includes(path.split("/", 1)[0]!) &&
    !except.includes(path) &&
    // A link of the user's may lead anywhere.
    statSync(join(folder, path), { throwIfNoEntry: false })?.isFile() === true;
  const files = (await listFiles(folder)).filter(isTaken);
  const zip = new ZipFile();
  // A file that cannot be read is told of here only.
  const failed = once(zip, "error").then(([cause]: Error[]) => {
    throw problem(`${file} cannot be made: ${cause?.message}`);
  });
  failed.catch(() => {});
  for (const path of files) zip.addFile(join(folder, path), path, { mtime: DATE, mode: MODE, forceDosTimestamp: true });
  zip.end();
  await Promise.race([pipeline(zip.outputStream, createWriteStream(file)), failed]);
  return { files, bytes: (await stat(file)).size };
}
