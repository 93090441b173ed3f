// Paths in a deployment's file: they begin at the file's folder, and lead to something that is there.
import { statSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";
import type { Findings } from "./findings.ts";
import { at, type Plain, textAt, withValue } from "./plain.ts";
import { shown } from "./problem.ts";
import type { Path } from "./yaml.ts";

/** Keys whose value is a path on this machine, and what it has to lead to. */
const LOCAL_PATHS: readonly { keys: readonly string[]; is: "any" | "folder" | "file"; what: string }[] = [
  { keys: ["model", "path"], is: "any", what: "model" },
  { keys: ["code_configuration", "code"], is: "folder", what: "code folder" },
  { keys: ["environment", "conda_file"], is: "file", what: "conda file" },
  { keys: ["environment", "build", "path"], is: "folder", what: "build folder" },
];

/** Makes the paths absolute, and reports those that lead nowhere.
 *  @param folder absolute, the file's own */
export function resolvePaths(document: Plain, folder: string, findings: Findings): Plain {
  let changed = document;
  for (const { keys, is, what } of LOCAL_PATHS) {
    const written = textAt(document, ...keys);
    if (written === undefined || written === "" || findings.has(keys) || isRemote(written)) continue;
    const path = resolve(folder, written.replace(/^file:(?:\/\/)?/, ""));
    changed = withValue(changed, keys, path);
    const found = kindOfPath(path);
    if (found === null) findings.problem(keys, `there is no ${what} ${shown(written)}`, lookedFor(path, written));
    else if (is === "folder" && found === "file")
      findings.problem(keys, `${keys.join(".")} names a folder; ${shown(written)} is a file`, "");
    else if (is === "file" && found === "folder")
      findings.problem(keys, `${keys.join(".")} names a file; ${shown(written)} is a folder`, "");
  }
  checkScript(changed, findings);
  return changed;
}

function checkScript(document: Plain, findings: Findings): void {
  const keys = ["code_configuration", "scoring_script"];
  const folder = textAt(document, "code_configuration", "code");
  const script = textAt(document, ...keys);
  if (folder === undefined || script === undefined || script === "" || findings.has(keys)) return;
  if (findings.has(["code_configuration", "code"]) || isRemote(folder)) return;
  const path = resolve(folder, script);
  const below = relative(folder, path);
  if (isAbsolute(script) || below === ".." || below.startsWith(`..${sep}`)) {
    findings.problem(keys, `scoring_script lies in the folder of code; ${shown(script)} leads out of it`, "");
  } else if (kindOfPath(path) !== "file") {
    findings.problem(keys, `there is no script ${shown(script)}`, `The path leads to ${path}.`);
  }
}

/** What lies at a path; null: nothing, or nothing that can be seen. */
export function kindOfPath(path: string): "file" | "folder" | null {
  try {
    return statSync(path).isDirectory() ? "folder" : "file";
  } catch {
    return null;
  }
}

function lookedFor(path: string, written: string): string {
  const origin = isAbsolute(written) ? "" : " Relative paths start at the folder of the YAML file.";
  return `The path leads to ${path}.${origin}`;
}

/** Whether a path leads to Azure, or to a server. */
export function isRemote(path: string): boolean {
  return /^(?:azureml:|runs:|(?!file:)[a-z][a-z0-9+.-]+:\/\/)/i.test(path);
}

/** Reports paths that lead away from this machine. */
export function checkRemote(document: Plain, findings: Findings): void {
  const model = textAt(document, "model", "path");
  if (model !== undefined && isRemote(model) && textAt(document, "model", "name") === undefined) {
    findings.problem(
      ["model", "path"],
      `the model is in Azure: ${shown(model)}`,
      "Download it and write its path here, or give the model a name and its path with --model name=path.",
    );
  }
  const away: readonly [Path, string][] = [
    [["code_configuration", "code"], "code folder"],
    [["environment", "conda_file"], "conda file"],
    [["environment", "build", "path"], "build folder"],
  ];
  for (const [keys, what] of away) {
    const path = at(document, ...keys.map(String));
    if (typeof path === "string" && isRemote(path)) {
      findings.problem(keys, `the ${what} is in Azure: ${shown(path)}`, "Download it and write its path here.");
    }
  }
}
