// From a YAML file, or from what a command says, to a document.
import { dirname, resolve } from "node:path";
import type { Document, Overrides, ReadResult, UpdateFile } from "../types.ts";
import { cast } from "./cast.ts";
import { deploymentRules } from "./deployment-rules.ts";
import { endpointRules } from "./endpoint-rules.ts";
import { Findings, type Override } from "./findings.ts";
import { kindOf } from "./kinds.ts";
import { overlay, partOf } from "./merge.ts";
import { checkRemote, resolvePaths } from "./paths.ts";
import { placeholderIn } from "./placeholders.ts";
import { isMap, type Plain, textAt, withValue } from "./plain.ts";
import { placeless, SpecError, type SpecProblem, shown } from "./problem.ts";
import { type DocumentKind, schemaOf } from "./schema.ts";
import { assignment, setValue } from "./set.ts";
import { readTextFile } from "./text-file.ts";
import { checkSchema, labelOf } from "./wording.ts";
import { type Path, readYaml, unfilled, type YamlFile } from "./yaml.ts";

/** @throws SpecError with all that is wrong */
export function readEndpointFile(path: string, overrides: Overrides = {}): ReadResult {
  return readFile("endpoint", path, overrides);
}

/** @throws SpecError with all that is wrong */
export function readDeploymentFile(path: string, overrides: Overrides = {}): ReadResult {
  return readFile("deployment", path, overrides);
}

/** An endpoint for which there is no file.
 *  @throws SpecError with all that is wrong */
export function endpointDocument(overrides: Overrides): ReadResult {
  return check("endpoint", {}, null, "the command line", resolve("."), overrides);
}

/** Checks a document that was changed, by `setValue` or a merge. Its paths are absolute; what is set relative begins at `folder`.
 *  @throws SpecError with all that is wrong */
export function checkDocument(
  kind: DocumentKind,
  document: Document,
  folder: string = resolve("."),
  overrides: Overrides = {},
): ReadResult {
  return check(kind, document, null, `the ${kind} ${textAt(document, "name") ?? ""}`.trimEnd(), folder, overrides);
}

/** A file that says only what is to change. What it means depends on the document that it updates, so it is checked with that.
 *  @param overrides what else the command changes; `name` and `endpointName` say what is updated
 *  @throws SpecError when the file cannot be read, or does not say what it updates */
export function openUpdateFile(kind: DocumentKind, path: string, overrides: Overrides): UpdateFile {
  const yaml = openYaml(path);
  expectKind(kind, yaml, path, kind);
  const root = rootOf(yaml, path);
  const { name, endpointName } = namesIn(kind, root, yaml, path, overrides);
  const folder = dirname(resolve(path));
  const origin = `the ${kind} ${name}`;
  return {
    name,
    endpointName,
    mergedWith(old) {
      // Its names are those of the old document, whatever the file calls it.
      const names = kind === "endpoint" ? { name } : { name, endpoint_name: endpointName };
      const { set } = overrides;
      const { document, applied } = withOverrides(kind, overlay(old, { ...root, ...names }), { set });
      const checked = inspect(kind, document, folder, new Findings(yaml, origin, applied, true));
      if (checked.problems.length > 0) throw new SpecError(checked.problems);
      // What is so already was told when it became so.
      const told = new Set(inspect(kind, old, folder, new Findings(null, origin)).warnings);
      return {
        document: partOf(checked.document, root),
        warnings: checked.warnings.filter((warning) => !told.has(warning)),
      };
    },
  };
}

/** What an update is for. @throws SpecError when that is not said */
function namesIn(kind: DocumentKind, root: Plain, yaml: YamlFile, path: string, { name, endpointName }: Overrides) {
  const { document, applied } = withOverrides(kind, root, { name, endpointName });
  const keys = kind === "endpoint" ? ["name"] : ["name", "endpoint_name"];
  const names = Object.fromEntries(keys.flatMap((key) => (Object.hasOwn(document, key) ? [[key, document[key]]] : [])));
  const findings = new Findings(yaml, path, applied);
  checkPlaceholders(names, [], findings);
  checkSchema(kind, names, findings);
  if (findings.problems.length > 0) throw new SpecError(findings.problems);
  return { name: textAt(names, "name")!.toLowerCase(), endpointName: textAt(names, "endpoint_name")?.toLowerCase() };
}

/** Whether a file describes an endpoint or a deployment.
 *  @throws SpecError when it is something else, or nothing that can be read */
export function kindOfFile(path: string): DocumentKind {
  return kindOfYaml(openYaml(path), path);
}

function kindOfYaml(yaml: YamlFile, path: string, expected?: DocumentKind): DocumentKind {
  const found = kindOf(rootOf(yaml, path), expected);
  if (found.kind === "other") throw new SpecError([placeless(path, `this is ${found.what}`, found.cure)]);
  return found.kind;
}

/** @param either what a file is that could be either   @throws SpecError */
function expectKind(kind: DocumentKind, yaml: YamlFile, path: string, either?: DocumentKind): void {
  const found = kindOfYaml(yaml, path, either);
  if (found === kind) return;
  const what = { endpoint: "an endpoint", deployment: "a deployment" };
  const message = `the file describes ${what[found]}, but ${what[kind]} is expected`;
  throw new SpecError([placeless(path, message, "Give each file to its own command.")]);
}

function readFile(kind: DocumentKind, path: string, overrides: Overrides): ReadResult {
  const yaml = openYaml(path);
  expectKind(kind, yaml, path);
  return check(kind, rootOf(yaml, path), yaml, path, dirname(resolve(path)), overrides);
}

function openYaml(path: string): YamlFile {
  const yaml = readYaml(readTextFile(path), path);
  if (yaml.problems.length > 0) throw new SpecError(yaml.problems);
  return yaml;
}

function rootOf(yaml: YamlFile, path: string): Plain {
  const { value } = yaml;
  if (isMap(value)) return value;
  if (value === null || value === undefined) throw new SpecError([placeless(path, "the file is empty")]);
  const what = Array.isArray(value) ? "a list" : `the value ${shown(value)}`;
  throw new SpecError([
    yaml.problemAt(
      [],
      "value",
      `the file holds ${what}; an endpoint or deployment is a map of keys`,
      "Begin with name: …",
    ),
  ]);
}

function check(
  kind: DocumentKind,
  value: Plain,
  yaml: YamlFile | null,
  origin: string,
  folder: string,
  overrides: Overrides,
): ReadResult {
  const { document, applied } = withOverrides(kind, value, overrides);
  const { problems, ...result } = inspect(kind, document, folder, new Findings(yaml, origin, applied));
  if (problems.length > 0) throw new SpecError(problems);
  return result;
}

/** @param folder where relative paths begin   @returns the document as it is to be used, if there are no problems */
function inspect(
  kind: DocumentKind,
  document: Plain,
  folder: string,
  findings: Findings,
): ReadResult & { readonly problems: readonly SpecProblem[] } {
  checkKeys(document, [], findings);
  if (findings.problems.length > 0) return { document, warnings: [], problems: findings.problems };
  checkPlaceholders(document, [], findings);
  const root = schemaOf(kind);
  let checked = cast(root, root, document, [], findings) as Plain;
  noteSpelling(document, findings);
  if (kind === "endpoint") checked = endpointRules(checked, findings);
  else {
    checked = deploymentRules(checked, folder, findings);
    checkRemote(checked, findings);
    checked = resolvePaths(checked, folder, findings);
  }
  checkSchema(kind, checked, findings);
  return { document: checked, warnings: findings.warnings, problems: findings.problems };
}

/** `type: Kubernetes` is a managed deployment to az. */
function noteSpelling(document: Plain, findings: Findings): void {
  const type = textAt(document, "type");
  if (type !== undefined && type !== "kubernetes" && type.toLowerCase() === "kubernetes") {
    findings.warn(["type"], `az ml treats ${type} as managed; write type: kubernetes`);
  }
}

function withOverrides(
  kind: DocumentKind,
  value: Plain,
  overrides: Overrides,
): { document: Plain; applied: Override[] } {
  let document = value;
  const applied: Override[] = [];
  for (const expression of overrides.set ?? []) {
    document = setValue(document, expression);
    applied.push({ path: assignment(expression).path, flag: `--set ${expression}` });
  }
  const names =
    kind === "endpoint" ? { name: overrides.name } : { name: overrides.name, endpoint_name: overrides.endpointName };
  for (const [key, name] of Object.entries(names)) {
    if (name === undefined) continue;
    document = withValue(document, [key], name);
    applied.push({ path: [key], flag: `${key === "name" ? "-n" : "-e"} ${name}` });
  }
  return { document, applied };
}

/** Half of a surrogate pair, as an escape can write it. No URI can hold one, and the validator makes URIs of keys. */
const HALF_CHARACTER = /\p{Surrogate}/u;

function checkKeys(value: unknown, path: Path, findings: Findings): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    const place = [...path, Array.isArray(value) ? Number(key) : key];
    if (HALF_CHARACTER.test(key)) {
      const message = `the key ${shown(key)} holds half a character (one surrogate without the other)`;
      findings.problem(place, message, "Write the whole character, or remove the key.", "key");
    } else checkKeys(child, place, findings);
  }
}

/** Keys whose texts are the user's own, and may look like anything. */
const FREE: ReadonlySet<string> = new Set(["$schema", "id", "description", "tags", "properties", "creation_context"]);
/** Keys without which nothing can start. The others only matter in Azure, or to the script. */
const NEEDED: ReadonlySet<string> = new Set(["name", "endpoint_name", "model", "code_configuration"]);

function checkPlaceholders(value: unknown, path: Path, findings: Findings): void {
  if (typeof value === "string") {
    const placeholder = placeholderIn(value);
    if (placeholder === undefined) return;
    const message = unfilled(placeholder);
    const isNeeded =
      NEEDED.has(String(path[0])) || (path[0] === "environment" && (path.length === 1 || path[1] === "conda_file"));
    if (isNeeded) findings.problem(path, message, "Write the value in its place, or give it on the command line.");
    else findings.warn(path, `${labelOf(path)}: ${message}`);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, child] of Object.entries(value)) {
      if (FREE.has(key) || (key === "conda_file" && isMap(child))) continue;
      checkPlaceholders(child, [...path, Array.isArray(value) ? Number(key) : key], findings);
    }
  }
}
