import { readFileSync } from "node:fs";
import { type PyValue, readPythonJson } from "../json/python-json.ts";

/** @throws Error with the reason in words for the author of the file; with the system's `code` if the file could not be
 *    read */
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
