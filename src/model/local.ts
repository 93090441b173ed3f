// A model on a disk, perhaps a slow or a remote one.
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import { messageOf, property } from "../core/thrown.ts";
import { ModelChanged, type ModelFile, type ModelStore, modelError } from "./store.ts";

export function openLocal(path: string): ModelStore {
  return {
    async list() {
      try {
        const { isDirectory } = await describe(path);
        const files = isDirectory ? await filesBelow(path) : [path];
        return await Promise.all(files.map((file) => toFile(file, isDirectory ? path : undefined)));
      } catch (error) {
        throw explain(error, path);
      }
    },
    checksum: async () => undefined,
    async open({ name, tag }, from) {
      try {
        if ((await describe(name)).tag !== tag) throw new ModelChanged(name);
        return createReadStream(name, { start: from });
      } catch (error) {
        throw error instanceof ModelChanged ? error : explain(error, name);
      }
    },
  };
}

async function describe(path: string): Promise<{ isDirectory: boolean; bytes: number; tag: string }> {
  const found = await stat(path);
  return { isDirectory: found.isDirectory(), bytes: found.size, tag: `${found.size}-${found.mtimeMs}` };
}

async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    // A link is followed.
    if ((await stat(path)).isDirectory()) found.push(...(await filesBelow(path)));
    else found.push(path);
  }
  return found;
}

async function toFile(file: string, folder: string | undefined): Promise<ModelFile> {
  const { bytes, tag } = await describe(file);
  const path = folder === undefined ? basename(file) : relative(folder, file).split(sep).join("/");
  return { path, name: file, bytes, tag };
}

function explain(error: unknown, shown: string): Error {
  const code = property(error, "code");
  if (code === "ENOENT" || code === "ENOTDIR") {
    return modelError("ERR_MODEL_NOT_FOUND", `There is no ${shown} (${code}): check the address.`, error);
  }
  if (code === "EACCES" || code === "EPERM") {
    return modelError("ERR_MODEL_ACCESS", `${shown} may not be read (${code}): check its permissions.`, error);
  }
  return modelError("ERR_MODEL_FETCH", `${shown} cannot be read: ${messageOf(error)}`, error);
}
