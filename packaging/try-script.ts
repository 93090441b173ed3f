// Entry of a process that tries a bundled script: `node try-script.js BUNDLE MODE NAME`. Writes what went wrong to
// descriptor 3, or that nothing did.
import { writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { createLog, loadJavaScript, processEnvironment, ScoreError } from "../src/host.ts";

const [, , bundle = "", mode = "load", name = basename(bundle)] = process.argv;

async function main(): Promise<string> {
  const folder = dirname(bundle);
  const modelDir = processEnvironment.AZUREML_MODEL_DIR ?? null;
  const importScript = async (): Promise<Record<string, unknown>> => {
    process.setSourceMapsEnabled(true);
    return ((await import(pathToFileURL(bundle).href)) as { exported: Record<string, unknown> }).exported;
  };
  const log = createLog((text) => void process.stderr.write(text), "WARNING");
  try {
    const script = await loadJavaScript(
      { entryScript: join(folder, name), appRoot: folder, modelDir, importScript },
      log,
    );
    if (mode === "init") await script.init();
    return "";
  } catch (error) {
    if (!(error instanceof ScoreError)) throw error;
    const { location, hint: usual } = error.report ?? {};
    const absent = /Cannot find (?:module|package) '((?:@[^/']+\/)?[^./'][^/']*)/.exec(error.message)?.[1];
    const hint =
      absent === undefined ? usual : `nothing but the build is in reach; take it along with --external ${absent}`;
    const place = location ? `${location.file}:${location.line}: ` : `${name}: `;
    return `${place}${error.message.replaceAll(`${folder}/`, "").split("\n")[0]}${hint ? ` (${hint})` : ""}`;
  }
}

const problem = await main();
writeSync(3, JSON.stringify(problem === "" ? {} : { problem }));
process.exit(0);
