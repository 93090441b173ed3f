// The bundle of a JavaScript or TypeScript score script, and the way the host's own bundle imports it.
import { dirname, join } from "node:path";
import { type Bundle, bundle } from "./bundle.ts";

/** Where a bundled script lies: with the files of the user's, so that it finds them as it does elsewhere. */
export const SCRIPT_FILE = "score.bundle.mjs";

/** Source text of the function that imports the bundle from a folder beside it. Source maps count only for files that are
 *  loaded after they were asked for. */
export const IMPORT_SCRIPT: string = `async()=>{process.setSourceMapsEnabled(true);return(await import("../${SCRIPT_FILE}")).exported}`;

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
