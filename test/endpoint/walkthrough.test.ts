// docs/endpoints.md, typed as it stands there: every command in one shell, in the folder of the example.
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
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

test("the other commands of the document do what it says", async () => {
  const [serve = ""] = commandsBelow("In the foreground");
  const [gate = ""] = commandsBelow("Mirroring and the report");
  const [open = ""] = commandsBelow("The control page");
  const [upstream = ""] = commandsBelow("Containers of your own");
  const child = spawn("bash", ["-euc", `exec ${serve.trim()} --port 0 --no-environments`], { cwd: example, env });
  const ended = once(child, "exit");
  try {
    let output = "";
    for await (const chunk of child.stdout) {
      output += chunk;
      if (output.includes("Ctrl+C stops it")) break;
    }
    expect(output).toContain("scoring URI: http://127.0.0.1:");
    expect(await sh(open)).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=\S+$/m);
    // Nothing has been mirrored, so the gate says no.
    await expect(sh(gate)).rejects.toMatchObject({ code: 1 });
    expect(readFileSync(join(example, "rollout.xml"), "utf8")).toContain("<failure");

    const container = createServer((_request, response) => response.end("from the container")).listen(0, "127.0.0.1");
    try {
      await once(container, "listening");
      writeFileSync(
        join(example, "triton.yml"),
        "name: triton\nendpoint_name: my-endpoint\nmodel: { path: model-1, type: triton_model }\ninstance_type: any\n",
      );
      const { port } = container.address() as AddressInfo;
      await sh(upstream.replace(":8000", `:${port}`));
      const invoke = "scorefn online-endpoint invoke -n my-endpoint -d triton -r sample-request.json";
      expect(await sh(invoke)).toContain("from the container");
    } finally {
      container.close();
    }
  } finally {
    child.kill("SIGINT");
    await ended;
  }
});
