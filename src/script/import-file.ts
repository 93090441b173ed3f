// A score script that is a file, not part of a bundle. What its failures need is there before it can use up the file
// descriptors that loading takes.
import "../json/result-fault.ts";
import "../json/utf8-fault.ts";
import "../locate/v8.ts";
import "./model-directory.ts";
import "./stream.ts";
import { existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { ScriptLoadError } from "../core/errors.ts";
import { describeFailure, type Roots } from "../locate/describe.ts";
import { enableTypeScript, isTypeScript } from "./typescript.ts";

/** The exports of a file. @throws ScriptLoadError */
export async function importFile(
  path: string,
  roots: Roots,
  modelDir: string | null,
): Promise<Record<string, unknown>> {
  if (!existsSync(path)) {
    const message = `No such file or directory: '${path}'`;
    const hint = "Check --entry_script; it is relative to the current directory.";
    const report = { type: "FileNotFoundError", message, traceback: message, location: null, hint };
    throw new ScriptLoadError("ERR_SCRIPT_LOAD", message, { report });
  }
  try {
    if (isTypeScript(path)) enableTypeScript();
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    const cause = await locatable(error, path, roots);
    const report = await describeFailure(cause, roots, { codeFrame: true, modelDir });
    throw new ScriptLoadError("ERR_SCRIPT_LOAD", `${report.type}: ${report.message}`, { cause: error, report });
  }
}

/** A name that bundlers do not follow: what they make needs no compiler. */
const COMPILER: string = ["es", "build"].join("");

/** Node keeps the place of a module's syntax error to itself; the compiler tells. */
async function locatable(error: unknown, path: string, roots: Roots): Promise<unknown> {
  if (!(error instanceof SyntaxError) || (await describeFailure(error, roots)).location !== null) return error;
  const { transform, stop } = (await import(COMPILER)) as typeof import("esbuild");
  try {
    await transform(readFileSync(path, "utf8"), { loader: "js", sourcefile: path, logLevel: "silent" });
    return error;
  } catch (located) {
    return located;
  } finally {
    await stop();
  }
}
