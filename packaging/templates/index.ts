// The files of a build that are not made from the script, as they lie in the folders beside this file.
import { readFileSync } from "node:fs";
import { packageFile } from "../../src/host.ts";

/** @param path below this folder */
export function readTemplate(path: string): string {
  return readFileSync(packageFile(`packaging/templates/${path}`), "utf8");
}

/** Changes the one place of a template that holds a text.
 *  @throws Error when there is no such place, or more than one */
export function replaceOnce(template: string, from: string, to: string): string {
  const parts = template.split(from);
  if (parts.length !== 2) throw new Error(`a template has ${JSON.stringify(from)} ${parts.length - 1} times`);
  return parts.join(to);
}

/** Python of an image when nobody has chosen one. */
export const DEFAULT_PYTHON = "3.11";

/** Folder of an image that has no model; an empty one is made, which no script asks for. */
export const NO_MODEL = "scorefn-model";

/** @param node major version */
export function nodeImage(node: number): string {
  return `node:${node}-bookworm-slim`;
}

/** @param version as in `3.11` */
export function pythonImage(version: string): string {
  return `python:${version}-slim-bookworm`;
}
