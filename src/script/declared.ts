import { isRawHttp } from "../authoring/authoring.ts";
import type { Description, Issue, Parsed, SchemaMarker } from "../authoring/marker.ts";
import { BadInputError, ScriptLoadError, ScriptShapeError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { SWAGGER_VERSIONS } from "../core/swagger-versions.ts";
import type { ScriptFacts, ScriptSchemas } from "../core/types.ts";
import { renderPythonJson } from "../json/python-json.ts";
import { describeFailure, type Roots } from "../locate/describe.ts";
import { readLikePython, readMembers } from "./json-body.ts";
import type { OutputCheck } from "./result-guard.ts";

/** Issues of one request or result that are told. */
const MAX_ISSUES = 3;

/** @throws ScriptShapeError when run() is to get the request itself, too (contract SIG-4) */
export function refuseRawHttp(run: unknown): void {
  if (!isRawHttp(run)) return;
  const message = "run() cannot be decorated with both rawHttp and schema";
  const hint = "A rawHttp run() reads the request itself; leave one of the two out.";
  const report = { type: "ScriptShapeError", message, traceback: message, location: null, hint };
  throw new ScriptShapeError("ERR_SCRIPT_SHAPE", message, { report });
}

/** The record of contract SIG-5. */
export function describeCall({ names }: SchemaMarker): string {
  const how = names === undefined ? "the members of the JSON object" : `the following arguments: ${names.join(", ")}`;
  return `run() is decorated with schema. Server will invoke it with ${how}.`;
}

/** The declarations as facts of the script; versions that say the same share it. */
export function toScriptSchemas({ dialects }: Description): ScriptSchemas {
  const versions = SWAGGER_VERSIONS.filter((version) => dialects[version] !== undefined);
  const main = dialects["3.1"]!;
  const differing = versions.filter((version) => renderPythonJson(dialects[version]) !== renderPythonJson(main));
  const own = differing.map((version) => [version, dialects[version]]);
  return { ...main, versions, ...(own.length > 0 ? { dialects: Object.fromEntries(own) } : {}) };
}

/** @throws ScriptLoadError when a library cannot describe what it made */
export async function describeSchemas(
  marker: SchemaMarker,
  roots: Roots,
  log: Log,
): Promise<Pick<ScriptFacts, "input" | "schemas">> {
  const description = await marker.describe().catch(async (cause: unknown) => {
    const report = await describeFailure(cause, roots);
    throw new ScriptLoadError("ERR_SCRIPT_LOAD", `${report.type}: ${report.message}`, { cause, report });
  });
  for (const warning of description.warnings) log.server.warning(warning);
  return { input: "json", schemas: toScriptSchemas(description) };
}

/** What run() is to be called with for one request.
 *  @throws BadInputError `ERR_BAD_INPUT`, now or by rejecting (contract IN-10 to IN-17); what a validator throws */
export function readInput(marker: SchemaMarker, body: Uint8Array): unknown {
  const members = readMembers(body);
  const failed = (error: unknown): never => {
    // A validator ran out of stack: Python's reader has a limit, too, and words for it (contract IN-16).
    if (error instanceof RangeError) readLikePython(body);
    throw error;
  };
  let parsed: Parsed | Promise<Parsed>;
  try {
    parsed = marker.parse(members);
  } catch (error) {
    return failed(error);
  }
  return parsed instanceof Promise ? parsed.then(toInput, failed) : toInput(parsed);
}

function toInput(parsed: Parsed): unknown {
  if ("value" in parsed) return parsed.value;
  const message =
    "missing" in parsed
      ? `A value is not provided for the '${parsed.missing}' parameter.`
      : `Invalid input: ${describeIssues(parsed.issues)}`;
  throw new BadInputError("ERR_BAD_INPUT", message);
}

/** The check of run()'s results; undefined: there is none. */
export function outputCheck({ check }: Pick<SchemaMarker, "check">): OutputCheck | undefined {
  if (check === undefined) return undefined;
  const told = (issues: readonly Issue[]): string | undefined =>
    issues.length === 0 ? undefined : describeIssues(issues);
  return (value) => {
    const issues = check(value);
    return issues instanceof Promise ? issues.then(told) : told(issues);
  };
}

/** `data[0][1]: expected number, received string; k: …` */
export function describeIssues(issues: readonly Issue[]): string {
  const told = issues.slice(0, MAX_ISSUES).map(({ path, message }) => {
    const place = placeOf(path);
    return place === "" ? message : `${place}: ${message}`;
  });
  if (issues.length > MAX_ISSUES) told.push(`and ${issues.length - MAX_ISSUES} more`);
  return told.join("; ");
}

function placeOf(path: readonly PropertyKey[]): string {
  let place = "";
  for (const key of path) {
    if (typeof key === "number" || /^\d+$/.test(String(key))) place += `[${String(key)}]`;
    else if (/^[A-Za-z_$][\w$]*$/.test(String(key))) place += place === "" ? String(key) : `.${String(key)}`;
    else place += `[${JSON.stringify(String(key))}]`;
  }
  return place;
}
