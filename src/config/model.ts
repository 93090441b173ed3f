// The model that is served without a script.
import { resolve } from "node:path";
import type { ServedModel } from "../core/types.ts";
import { detectModel, modelNameProblem } from "../model/detect.ts";
import type { SettingsReader } from "./reader.ts";
import { SETTINGS } from "./settings.ts";

/** Finds out what lies at the path of the setting; what is wrong with it is reported. @returns null: there is no such model */
export function findModel(read: SettingsReader, cwd: string, maxBodyBytes: number): ServedModel | null {
  const given = read.given("model");
  const name = read.text("modelName");
  const reject = (reason: string): null => {
    const { source, variable, text } = given!;
    const isFlag = source === "flag";
    const where = isFlag ? `--${SETTINGS.model.flag}` : variable;
    read.problems.push({
      kind: "launcher",
      text: `${where} ${text} ${reason}`,
      variable: isFlag ? undefined : variable,
      setting: "model",
    });
    return null;
  };
  if (given === undefined || given.text === "") {
    if (name) read.reject("modelName", "names a model, and there is no --model");
    return null;
  }
  for (const other of ["entryScript", "modelUri"] as const) {
    const { flag, variable } = SETTINGS[other];
    if (read.text(other)) return reject(`cannot be served beside --${flag} (${variable}); leave one of the two out`);
  }
  const found = detectModel(resolve(cwd, given.text));
  if ("problem" in found) return reject(found.problem);
  const model = { ...found.model, maxBodyBytes };
  if (!name) return model;
  const problem = modelNameProblem(name, model.kind);
  if (problem !== undefined) read.reject("modelName", problem);
  return { ...model, name };
}
