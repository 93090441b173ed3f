import { readFileSync } from "node:fs";
import { type PyValue, readPythonJson } from "../json/python-json.ts";

/** @throws Error that says why there is no value, in words for whoever wrote the file; with the system's `code` where it
 *    could not be read */
export function readJsonFile(path: string): PyValue {
  const bytes = readFileSync(path);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Error("it is not UTF-8");
  }
  try {
    return readPythonJson(text);
  } catch (cause) {
    throw new Error(`it is not JSON: ${(cause as Error).message}`, { cause });
  }
}
