import { basename } from "node:path";
import { chainOf, messageOf, property, typeOf } from "../core/thrown.ts";
import { parseMissingModule } from "./missing-module.ts";
import { missingPackageHint } from "./path-alias.ts";
import { toPath } from "./places.ts";

/** What to do about an error of a common kind.
 *  @param isLocated the user is shown where it happened   @param modelDir what the script sees as `AZUREML_MODEL_DIR` */
export function hintFor(error: unknown, isLocated: boolean, modelDir: string | undefined): string | undefined {
  for (const link of chainOf(error)) {
    const hint =
      missingModuleHint(messageOf(link)) ??
      plainImportHint(messageOf(link)) ??
      missingFileHint(link, modelDir) ??
      (typeOf(link) === "SyntaxError" ? syntaxHint(messageOf(link), isLocated) : undefined);
    if (hint !== undefined) return hint;
  }
  return undefined;
}

function missingModuleHint(message: string): string | undefined {
  const missing = parseMissingModule(message);
  if (missing === undefined) return undefined;
  const { wanted } = missing;
  const importer = basename(missing.importer ?? "the score script");
  if (/^[./\\]|^[A-Za-z]:|^file:/.test(wanted)) {
    const missingFile = `${importer} imports a file '${basename(wanted)}' that does not exist`;
    if (/\.[cm]?tsx?$/.test(importer)) return `${missingFile}.`;
    return `${missingFile}; an import names the file in full, with its extension.`;
  }
  return missingPackageHint(wanted, toPath(missing.importer ?? ""), importer);
}

/** What Node does not load in a script of plain JavaScript. */
function plainImportHint(message: string): string | undefined {
  if (/needs an import attribute of (?:type "json"|"type: json")/.test(message)) {
    return 'In JavaScript an import of JSON ends with: with { type: "json" }. A script that is named .ts does without.';
  }
  if (/^Unknown file extension "\.[cm]?tsx?"/.test(message)) {
    return "A JavaScript script is run as it is and cannot import TypeScript: name the score script .ts.";
  }
  return undefined;
}

function unknownExportHint(name: string): string {
  return `There is no value '${name}' in that module. If it is a type, write import type { ${name} }, or export type { ${name} } to hand it on; if the package is CommonJS, import it whole and take '${name}' from that.`;
}

function missingFileHint(error: unknown, modelDir: string | undefined): string | undefined {
  const path = property(error, "path");
  const syscall = property(error, "syscall");
  if (property(error, "code") !== "ENOENT" || typeof path !== "string") return undefined;
  if (typeof syscall === "string" && syscall.startsWith("spawn")) return `There is no program '${path}' to start.`;
  return modelDir
    ? `There is no '${path}'. Model files are looked for below AZUREML_MODEL_DIR, which is '${modelDir}'.`
    : `There is no '${path}'. AZUREML_MODEL_DIR is not set; --model_dir sets it.`;
}

function syntaxHint(message: string, isLocated: boolean): string | undefined {
  if (message.includes("JSON") && !message.startsWith("Transform failed")) {
    return "JSON.parse() was given text that is not JSON: look at the request body, or at the file that was read.";
  }
  const unknown = /does not provide an export named '([^']+)'/.exec(message)?.[1];
  if (unknown !== undefined) return unknownExportHint(unknown);
  if (/outside a module|Unexpected token 'export'/.test(message)) {
    return 'The file is loaded as CommonJS: name it .mjs, or put "type": "module" into the package.json beside it.';
  }
  return isLocated
    ? "The file cannot be compiled; correct the line shown."
    : "Run node --check on the score script and on what it imports to see the line.";
}
