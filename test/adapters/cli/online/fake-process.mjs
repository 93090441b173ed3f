// The process of an endpoint over fake parts. Where the file exists that KILL_AT names, the process kills itself at the step on the
// disk whose number the file holds.
import { existsSync, promises, readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { run } from "../../../../dist/adapters/cli/online/run.js";
import { ScoreError } from "../../../../dist/src/host.js";
import { createFakeParts } from "../../../endpoint/control/fake-parts.mjs";

const { KILL_AT } = process.env;
if (KILL_AT !== undefined) {
  let steps = 0;
  for (const name of /** @type {const} */ (["link", "mkdir", "open", "rename", "rm"])) {
    const real = /** @type {(...args: unknown[]) => unknown} */ (promises[name]);
    Object.assign(promises, {
      [name]: (/** @type {unknown[]} */ ...args) => {
        if (existsSync(KILL_AT) && ++steps === Number(readFileSync(KILL_AT, "utf8")))
          process.kill(process.pid, "SIGKILL");
        return real(...args);
      },
    });
  }
  syncBuiltinESMExports();
}
process.exit(await run(process.argv[2] ?? "", { parts: createFakeParts(ScoreError), env: process.env }));
