import type { Findings } from "./findings.ts";
import { isMap, mapEntries, type Plain } from "./plain.ts";
import { shown } from "./problem.ts";

/** The values of environment_variables as texts. */
export function environmentTexts(document: Plain, findings: Findings): Plain {
  return mapEntries(document.environment_variables as Plain, (name, value) => {
    const path = ["environment_variables", name];
    if (!/^[^=\0]+$/.test(name)) findings.problem(path, `${shown(name)} is not a valid variable name`, "", "key");
    if (typeof value === "string") {
      if (value.includes("\0")) findings.problem(path, `${name} holds a null character, which no variable can`);
      return [name, value];
    }
    if (typeof value === "number" || typeof value === "boolean") return [name, textOf(value, name, path, findings)];
    const quoted = `Write ${name}: "" for an empty text.`;
    if (value === null) findings.problem(path, `${name} is empty; a variable must be a string`, quoted);
    else if (Array.isArray(value) || isMap(value)) {
      const what = Array.isArray(value) ? "a list" : "a map of keys";
      findings.problem(
        path,
        `${name} is ${what}; a variable must be a string`,
        "Quote it as JSON if the script reads JSON.",
      );
    }
    return [name, value];
  });
}

/** A boolean in the words of Python, or a number in its shortest form. */
function textOf(value: number | boolean, name: string, path: readonly string[], findings: Findings): string {
  const text = typeof value === "boolean" ? (value ? "True" : "False") : String(value);
  const source = findings.sourceOf(path);
  if (typeof value === "boolean" || (source !== undefined && source !== text)) {
    findings.warn(path, `the script sees ${name} as ${shown(text)}; quote it: ${name}: "${source ?? value}"`);
  }
  return text;
}
