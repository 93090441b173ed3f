// Entry of a process that tries a model that Node runs: `node try-model.js PATH NAME`. Writes what went wrong to descriptor 3, or
// that nothing did.
import { writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import { createLog, detectModel, openServed, ScoreError } from "../src/host.ts";

const [, , path = "", name = basename(path)] = process.argv;

async function main(): Promise<string> {
  const found = detectModel(path);
  if ("problem" in found) return `${basename(path)} ${found.problem}`;
  const log = createLog((text) => void process.stderr.write(text), "WARNING");
  try {
    const { facts } = await openServed({ ...found.model, name }, log, { strict: false, logLevel: "INFO" });
    const failures = (facts.models ?? []).flatMap((model) =>
      model.versions.flatMap(({ version, failure }) => failure && `${model.name}, version ${version}: ${failure}`),
    );
    return shown(failures.filter(Boolean).join("; "));
  } catch (error) {
    if (!(error instanceof ScoreError)) throw error;
    const hint = error.report?.hint;
    return shown(`${basename(path)}: ${error.message.split("\n")[0]}${hint ? ` (${hint})` : ""}`);
  }
}

/** Without the place of the copy that is tried. */
function shown(text: string): string {
  return text.replaceAll(`${dirname(path)}/`, "");
}

const problem = await main();
writeSync(3, JSON.stringify(problem === "" ? {} : { problem }));
process.exit(0);
