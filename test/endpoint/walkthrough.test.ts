// docs/endpoints.md, typed as it stands there: every command in one shell, in the folder of the example.
import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";

const folder = mkdtempSync(join(tmpdir(), "scorefn-walkthrough-"));
const home = join(folder, "home");
const programs = join(folder, "bin");
const example = join(folder, "endpoint");

for (const path of [home, programs]) mkdirSync(path);
cpSync(packageFile("examples/endpoint"), example, { recursive: true });
writeFileSync(
  join(programs, "scorefn"),
  `#!/bin/sh\nexec ${process.execPath} ${packageFile("dist/adapters/cli/scorefn.js")} "$@"\n`,
  { mode: 0o755 },
);
const env = {
  ...process.env,
  SCOREFN_HOME: home,
  XDG_CACHE_HOME: join(folder, "cache"),
  PATH: [programs, process.env.PATH].join(delimiter),
};

afterAll(() => {
  // What a failed test has left running.
  try {
    execFileSync("scorefn", ["online-endpoint", "delete", "-n", "my-endpoint", "--yes"], { env, stdio: "ignore" });
  } catch {
    // It is gone, as it should be.
  }
  rmSync(folder, { recursive: true, force: true });
});

/** The shell commands below a heading of the document, block by block. */
function commandsBelow(heading: string): string[] {
  const text = readFileSync(packageFile("docs/endpoints.md"), "utf8");
  const [, section = ""] = text.split(`## ${heading}\n`);
  return [...section.split("\n## ")[0]!.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
}

async function sh(script: string): Promise<string> {
  const { stdout } = await promisify(execFile)("bash", ["-euc", script], { cwd: example, env });
  return stdout;
}

test("the rollout of the document does what it says", async () => {
  const blocks = commandsBelow("A rollout, step by step");
  expect(blocks.length).toBeGreaterThan(6);
  const marked = blocks.map((block, index) => `echo '--- ${index}'\n${block}`).join("\n");
  const outputs = (await sh(marked)).split(/^--- \d+\n/m).slice(1);
  const byBlock = new Map(blocks.map((block, index) => [block, outputs[index]!]));
  const outputOf = (part: string): string => [...byBlock].find(([block]) => block.includes(part))![1];
  expect(JSON.parse(outputOf("create -n my-endpoint"))).toMatchObject({ name: "my-endpoint", auth_mode: "key" });
  expect(outputOf("--all-traffic")).toContain("[3.0, 21.0, 201.0]");
  expect(outputOf("--deployment-name green")).toContain("[2.9099999999999997,");
  expect(outputOf("report")).toMatch(/green/);
  expect(outputOf("curl $SCORING_URI")).toContain("[2.9099999999999997,");
  expect(JSON.parse(await sh("scorefn online-endpoint list"))).toEqual([]);
});
