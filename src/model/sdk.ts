import { createRequire } from "node:module";
import { join } from "node:path";
import { messageOf } from "../core/thrown.ts";
import { modelError } from "./store.ts";

/** Where a package was found, and what loads it. */
export interface FoundPackage {
  readonly file: string;
  readonly load: () => unknown;
}

/** Looks for a package that is no dependency: in the folders, in this order, else beside this file.
 *  @returns undefined: there is none */
export function findPackage(name: string, folders: readonly string[]): FoundPackage | undefined {
  const places = [...folders.map((folder) => join(folder, "package.json")), import.meta.url];
  for (const place of places) {
    const require = createRequire(place);
    try {
      const file = require.resolve(name);
      return { file, load: () => require(file) };
    } catch {
      // The next place may have it.
    }
  }
  return undefined;
}

/** Loads a cloud's own package: from the first of the folders that has it, else beside this one. It is loaded only when a
 *  model is fetched, and is no dependency.
 *  @param shown what it is needed for   @throws ScoreError `ERR_MODEL_SDK` */
export function loadSdk(name: string, folders: readonly string[], shown: string): unknown {
  const found = findPackage(name, folders);
  if (found !== undefined) {
    try {
      return found.load();
    } catch (cause) {
      const message = `${name} (${found.file}), which is needed to fetch ${shown}, cannot be loaded: ${messageOf(cause)}`;
      throw modelError("ERR_MODEL_SDK", message, cause);
    }
  }
  const where = folders[0] === undefined ? "" : ` in ${folders[0]}`;
  throw modelError(
    "ERR_MODEL_SDK",
    `To fetch ${shown} the package ${name} is needed: run npm install ${name}${where}.`,
  );
}
