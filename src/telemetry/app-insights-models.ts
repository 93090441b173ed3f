import { readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** Models that are named; a directory of data is no list of models. */
const MAX_MODELS = 100;
const DIGITS = /^\d+$/;

/** The models of a directory, as `name:version` (contract TEL-12): the directory itself where its name is a number, else what
 *  lies two levels down. Anything else there is skipped. */
export function modelsIn(modelDir: string | null): readonly string[] {
  if (!modelDir) return [];
  const folder = resolve(modelDir);
  const version = basename(folder);
  if (DIGITS.test(version)) return [`${basename(dirname(folder))}:${Number(version)}`];
  const models: string[] = [];
  for (const name of foldersIn(folder)) {
    for (const entry of foldersIn(join(folder, name))) {
      if (DIGITS.test(entry)) models.push(`${name}:${Number(entry)}`);
      if (models.length === MAX_MODELS) return models;
    }
  }
  return models;
}

/** Links count as what they lead to. */
function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
