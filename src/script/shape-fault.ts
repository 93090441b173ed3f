import { ScriptShapeError } from "../core/errors.ts";

/** What a script lacks. @param source its exports   @param path of its file */
export function shapeFault(source: Readonly<Record<string, unknown>>, path: string): ScriptShapeError {
  const name = typeof source.init === "function" ? "run" : "init";
  const value = source[name];
  const message =
    value === undefined
      ? `User script at ${path} does not have a ${name}() function defined.`
      : `${name} in the user script at ${path} is not a function but ${typeof value}.`;
  const signature = name === "init" ? "init()" : "run(data)";
  const hint = `Export it: export async function ${signature} { … }`;
  const report = { type: "ScriptShapeError", message, traceback: message, location: null, hint };
  return new ScriptShapeError("ERR_SCRIPT_SHAPE", message, { report });
}
