// Where files with settings may lie.
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { SwaggerVersion } from "../core/swagger-versions.ts";
import type { SettingsReader } from "./reader.ts";

/** Name of the configuration file where none is named. */
export const CONFIG_FILE_NAME = "config.json";

/** Where a user's own swagger document of a version may be, the first that says something first (contract SW-7). */
export const SWAGGER_PLACES: readonly (readonly [SwaggerVersion, ...names: string[]])[] = [
  ["2", "swagger.json", "swagger2.json"],
  ["3", "swagger3.json"],
  ["3.1", "swagger3.1.json"],
];

/** Every name such a file can have. */
export const SWAGGER_FILE_NAMES: readonly string[] = /* @__PURE__ */ SWAGGER_PLACES.flatMap(([, ...names]) => names);

/** The configuration files that count where none is named, the first that is there first (contract CFG-1).
 *  @param cwd absolute; what relative paths are relative to */
export function configPlaces(read: SettingsReader, cwd: string): readonly string[] {
  const script = read.text("entryScript");
  const folders = [read.text("appRoot") ?? "", ...(script ? [dirname(script)] : [])];
  return folders.map((folder) => resolve(cwd, folder, CONFIG_FILE_NAME));
}

/** False: no file has settings, or documents that replace generated ones. */
export function mayHaveFiles(read: SettingsReader, cwd: string): boolean {
  if (read.text("configFile")) return true;
  const appRoot = resolve(cwd, read.text("appRoot") ?? "");
  return [...configPlaces(read, cwd), ...SWAGGER_FILE_NAMES.map((name) => join(appRoot, name))].some(existsSync);
}
