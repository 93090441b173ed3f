// What can be said of a model's file before the engine sees it.
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { messageOf, property } from "../../core/thrown.ts";
import { loadFailure } from "./load-failure.ts";
import { type Rewritten, withoutZipMaps } from "./zipmap.ts";

const LFS_POINTER = "version https://git-lfs.github.com/";

/** @throws ScriptLoadError `ERR_MODEL_LOAD` when there is no file with something in it */
export function checkFile(path: string): void {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) throw loadFailure(`${path} is not there`);
  if (!file.isFile()) throw loadFailure(`${path} cannot be loaded: it is no file`);
  if (file.size === 0) throw loadFailure(`${path} cannot be loaded: it is empty`, { hint: "export or copy it anew" });
  if (beginningOf(path) === LFS_POINTER) {
    throw loadFailure(`${path} cannot be loaded: it is a pointer of Git LFS and not the model itself`, {
      hint: "git lfs pull",
    });
  }
}

/** @returns the model without ZipMap; undefined: it has none   @throws whatever reading it ends with */
export async function rewritten(path: string): Promise<Rewritten | undefined> {
  return withoutZipMaps(await readFile(path));
}

function beginningOf(path: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (cause) {
    const isDenied = property(cause, "code") === "EACCES";
    throw loadFailure(`${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      ...(isDenied && { hint: "give the user that the server runs as the right to read it" }),
    });
  }
  try {
    const bytes = Buffer.alloc(LFS_POINTER.length);
    return bytes.toString("latin1", 0, readSync(descriptor, bytes));
  } finally {
    closeSync(descriptor);
  }
}
