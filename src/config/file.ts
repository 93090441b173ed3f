// config.json, the layer of settings below the environment (contract CFG-1 to CFG-10).
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { PyFloat, type PyValue } from "../json/python-json.ts";
import { readJsonFile } from "./json-file.ts";
import { configPlaces } from "./places.ts";
import type { Layer, SettingsReader } from "./reader.ts";
import { isFileSetting, SETTINGS, type Setting } from "./settings.ts";
import { type Parsed, readBoolean } from "./values.ts";

/** What a configuration file says. */
export interface ConfigFile {
  /** Where it lies; undefined: there is none. */
  readonly path: string | undefined;
  readonly layer: Layer;
  /** Messages of WARNING records on logger `azmlinfsrv`. */
  readonly warnings: readonly string[];
}

/** Finds and reads the configuration file. One that is not a JSON object becomes a problem (contract CFG-10).
 *  @param read knows flags and environment   @param cwd absolute; what relative paths are relative to */
export function loadConfigFile(read: SettingsReader, cwd: string): ConfigFile {
  const named = read.text("configFile");
  const places = configPlaces(read, cwd);
  const explicit = named ? resolve(cwd, named) : undefined;
  const path = (explicit === undefined ? places : [explicit, ...places]).find(isUsable);
  const warnings: string[] = [];
  if (explicit !== undefined && path !== explicit) {
    const instead = path === undefined ? "there is no other" : `${path} is used instead`;
    warnings.push(`The config file ${explicit} is missing or empty; ${instead}.`);
  }
  if (path === undefined) return { path, layer: () => undefined, warnings };
  const members = readMembers(path, read);
  warnings.push(...extraKeys(members));
  return { path, layer: fileLayer(members), warnings };
}

/** True for what exists and is not empty (contract CFG-2); a folder is an error later, not passed over. */
function isUsable(path: string): boolean {
  try {
    const entry = statSync(path);
    return entry.isDirectory() || entry.size > 0;
  } catch {
    return false;
  }
}

type Members = ReadonlyMap<string, PyValue>;

function readMembers(path: string, { problems }: SettingsReader): Members {
  try {
    const value = readJsonFile(path);
    if (value instanceof Map) return value;
    throw new Error("it is not a JSON object");
  } catch (error) {
    problems.push({ kind: "file", text: `Invalid config file!: ${path}: ${(error as Error).message}` });
    return new Map();
  }
}

/** The warning of contract CFG-9, if there are such keys. */
function extraKeys(members: Members): string[] {
  const known = Object.values(SETTINGS).filter(isFileSetting);
  const extra = [...members.keys()].filter((key) => !known.some(({ variable }) => variable === key));
  if (extra.length === 0) return [];
  const list = extra.map((key) => `'${key.replace(/[\\']/g, "\\$&")}'`).join(", ");
  return [`Found extra keys in the config file that are not supported by the server.\nExtra keys = [${list}]`];
}

function fileLayer(members: Members): Layer {
  return (setting) => {
    const variable = setting.variable ?? "";
    const value = isFileSetting(setting) ? members.get(variable) : undefined;
    if (value === undefined || value === null) return undefined;
    const parsed = toText(setting, value);
    const source = "file";
    return "value" in parsed
      ? { text: parsed.value, variable, source }
      : { text: String(value), variable, source, reason: parsed.reason };
  };
}

/** A value as text of the variable (contract CFG-7). */
function toText({ kind }: Setting, member: PyValue): Parsed<string> {
  const value = member instanceof PyFloat ? member.value : member;
  if (kind === "integer") return integerText(value);
  if (kind === "boolean") return booleanText(value);
  return typeof value === "string" ? { value } : { reason: "Input should be a valid string" };
}

function integerText(value: PyValue): Parsed<string> {
  if (typeof value === "object") return { reason: "Input should be a valid integer" };
  if (typeof value === "number" && !Number.isFinite(value)) return { reason: "Input should be a finite number" };
  if (typeof value === "number" && !Number.isInteger(value)) {
    return { reason: "Input should be a valid integer, got a number with a fractional part" };
  }
  return { value: String(typeof value === "boolean" ? Number(value) : value) };
}

/** In one spelling, as AML_APP_INSIGHTS_ENABLED is compared with `true`. */
function booleanText(value: PyValue): Parsed<string> {
  const isWord = typeof value === "string" || typeof value === "boolean" || Number.isInteger(value);
  if (!isWord) return { reason: "Input should be a valid boolean" };
  const parsed = readBoolean(String(value));
  return "value" in parsed ? { value: String(parsed.value) } : parsed;
}
