// Runs the same scenarios against Microsoft's server and ours and compares all that can be seen: exit code, output, answers.
// A difference has to be explained by known.ts. DIFFERENTIAL=record only prints what Microsoft's server does.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { environment } from "../setup/environments.mjs";
import { compare, type Difference } from "./compare.ts";
import { explains, isNeeded, known } from "./known.ts";
import { type Fact, observe, type Peer } from "./observe.ts";
import { commandLine } from "./scenarios/command-line.ts";
import { config } from "./scenarios/config.ts";
import { cors } from "./scenarios/cors.ts";
import { failures } from "./scenarios/failures.ts";
import { libraries } from "./scenarios/libraries.ts";
import { realistic } from "./scenarios/realistic.ts";
import { requests } from "./scenarios/requests.ts";
import { results } from "./scenarios/results.ts";
import { schema } from "./scenarios/schema.ts";
import { startup } from "./scenarios/startup.ts";
import { swaggerFiles } from "./scenarios/swagger-files.ts";

const OURS = fileURLToPath(new URL("../../dist/adapters/cli/azmlinfsrv.js", import.meta.url));
const recordOnly = process.env.DIFFERENTIAL === "record";

/** What an answer looks like. */
const core = requests;
/** What command lines, scripts, settings, packages, files and mistakes of the user's change in it; CONTRIBUTING.md says when these run. */
const more = [
  ...commandLine,
  ...startup,
  ...failures,
  ...results,
  ...realistic,
  ...schema,
  ...config,
  ...cors,
  ...swaggerFiles,
  ...libraries,
];
const runsAll = process.env.CI === "true" || recordOnly;
const scenarios = runsAll ? [...core, ...more] : core;
const found = environment("azmlinfsrv");

describe.skipIf("unavailable" in found)(
  `azmlinfsrv and ours${"unavailable" in found ? `: ${found.unavailable}` : ""}`,
  () => {
    const differences: Difference[] = [];
    let compared = 0;

    test.concurrent.each(scenarios)("$name", async (scenario) => {
      if ("unavailable" in found) return;
      if (recordOnly) return print(scenario.name, await observe(reference(found.python), scenario));
      const [theirs, ours] = await Promise.all([
        observe(reference(found.python), { ...scenario, ...scenario.forReference }),
        observe(ourServer(found.python), scenario),
      ]);
      const seen = compare(scenario.name, theirs, ours);
      differences.push(...seen);
      compared++;
      const unexplained = seen.filter((difference) => !known.some((entry) => explains(entry, difference)));
      expect(unexplained.map(describeDifference), "differences that known.ts does not explain").toEqual([]);
    });

    test.runIf(runsAll)("every entry of known.ts is needed", () => {
      expect(compared, "scenarios compared").toBe(scenarios.length);
      const unused = known.filter((entry) => !isNeeded(entry, differences));
      expect(unused).toEqual([]);
    });
  },
);

function reference(python: string): Peer {
  // A worker with native threads (scikit-learn) may not come back from SIGTERM; its manager kills it then, after 30 s
  // unless told otherwise.
  const env = { GUNICORN_CMD_ARGS: "--graceful-timeout 3" };
  return { command: join(dirname(python), "azmlinfsrv"), args: [], env, python };
}

function ourServer(python: string): Peer {
  if (!existsSync(OURS)) throw new Error("there is no dist/; run: npm run build");
  return { command: process.execPath, args: [OURS], env: { SCOREFN_ERROR_DETAIL: "none" }, python };
}

function describeDifference({ where, only, what }: Difference): string {
  return `${where} | only ${only}: ${what}`;
}

function print(name: string, facts: readonly Fact[]): void {
  console.log([`## ${name}`, ...facts.map(({ where, what }) => `${where} | ${what}`)].join("\n"));
}
