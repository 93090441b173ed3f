// The bundle of a JavaScript or TypeScript score script, and the way the host's own bundle imports it.
import { basename, dirname, join } from "node:path";
import { type Bundle, bundle } from "./bundle.ts";
import { copySettings } from "./files.ts";
import type { Inputs } from "./inputs.ts";
import { copyPackages, type Platform } from "./packages.ts";
import { settingsOf } from "./served-model.ts";

/** Where a bundled script lies: with the files of the user's, so that it finds them as it does elsewhere. */
export const SCRIPT_FILE = "score.bundle.mjs";

/** Source text of the function that imports the bundle from a folder beside it. Source maps count only for files that are
 *  loaded after they were asked for. */
const IMPORT_SCRIPT: string = `async()=>{process.setSourceMapsEnabled(true);return(await import("../${SCRIPT_FILE}")).exported}`;

/** Source text of what a host's own bundle makes its runtime of, where Node runs the script or the model. */
export function inProcessText({ served }: Inputs): string {
  return served === undefined ? `inProcess(${IMPORT_SCRIPT})` : "inProcess()";
}

/** What a host's own bundle is told of what it serves, by paths below the app's folder.
 *  @param modelDir name of the model's folder */
export function servedText({ entryScript, served }: Inputs, modelDir: string | undefined): string {
  return JSON.stringify(
    served === undefined ? { entryScript: basename(entryScript), modelDir } : settingsOf(modelDir!, served),
  );
}

/** Name of what is served, as it stands in a build's description. */
export function servedName({ entryScript, served }: Inputs): Readonly<Record<string, string>> {
  return served === undefined
    ? { entryScript: basename(entryScript) }
    : { model: basename(served.path), kind: served.kind };
}

/** Lays out what Node runs: the script's bundle with the packages that it imports, or the engine that runs models.
 *  @param out folder of the app   @throws ConfigError that names the cause and the cure */
export async function layOutForNode(
  inputs: Inputs,
  engine: string | undefined,
  out: string,
  target: Platform,
): Promise<void> {
  const { entryScript, external, served, step } = inputs;
  let packages: readonly string[] = engine === undefined ? [] : [engine];
  if (served === undefined) {
    step(`bundling ${basename(entryScript)}`);
    ({ packages } = await bundleScript(entryScript, out, external));
  }
  if (packages.length > 0) step(`copying npm packages: ${packages.map((path) => basename(path)).join(", ")}`);
  await copyPackages(packages, out, target);
  if (served === undefined) await copySettings(dirname(entryScript), out);
}

/** @throws ConfigError that names the places, when the script cannot be compiled */
export function bundleScript(entryScript: string, folder: string, external: readonly string[]): Promise<Bundle> {
  return bundle({
    of: "script",
    entry: `import * as script from ${JSON.stringify(entryScript)};\nexport const exported = script;\n`,
    outfile: join(folder, SCRIPT_FILE),
    scriptDir: dirname(entryScript),
    external,
  });
}
