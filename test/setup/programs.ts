import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { packageFile } from "../../src/core/package-root.ts";

/** A PATH on which `scorefn` is this checkout's, as if it were installed, and `npx` finds it without asking a registry.
 *  @param folder where the two programs go */
export function pathWithPrograms(folder: string): string {
  const programs = join(folder, "bin");
  mkdirSync(programs);
  const command = `exec "${process.execPath}" "${packageFile("dist/adapters/cli/scorefn.js")}" "$@"`;
  for (const [name, line] of [
    ["scorefn", command],
    ["npx", 'exec "$@"'],
  ] as const) {
    writeFileSync(join(programs, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  }
  return [programs, process.env.PATH].join(delimiter);
}
