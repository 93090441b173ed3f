import { join } from "node:path";
import { PyFloat, type PyValue, renderPythonJson } from "../json/python-json.ts";
import type { SwaggerFile } from "../swagger/served.ts";
import { readJsonFile } from "./json-file.ts";
import { SWAGGER_PLACES } from "./places.ts";
import type { Problem } from "./problems.ts";

/** Reads the user's swagger documents, once: they are what is served until the server ends.
 *  @param reject gets every file that cannot be read or is not JSON (contract SW-8)
 *  @returns also files that hold nothing to serve, which the log mentions all the same */
export function readSwaggerFiles(appRoot: string, reject: (problem: Problem) => void): readonly SwaggerFile[] {
  const files: SwaggerFile[] = [];
  for (const [version, ...names] of SWAGGER_PLACES) {
    for (const name of names) {
      const path = join(appRoot, name);
      try {
        const value = readJsonFile(path);
        const text = isEmpty(value) ? undefined : renderPythonJson(value);
        files.push({ version, path, text });
        if (text !== undefined) break;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code === "ENOENT" || code === "ENOTDIR") continue;
        reject({ kind: "file", level: "ERROR", text: `The swagger file ${path} cannot be used: ${message}` });
      }
    }
  }
  return files;
}

/** What Python counts as false. */
function isEmpty(value: PyValue): boolean {
  if (value instanceof PyFloat) return value.value === 0;
  if (value instanceof Map) return value.size === 0;
  return Array.isArray(value) ? value.length === 0 : !value;
}
