// A worker for JavaScript ends with its front, and its lifeline is in nobody's way.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { hasEnded, kill, startFront, startProgram } from "../setup/front.ts";
import { temporaryFolder, until } from "../setup/service.ts";

const WORKER = packageFile("test/fixtures/lifeline/worker.mjs");

async function startWorker(state: string, nodeOptions: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const front = startFront([process.execPath, ...nodeOptions, WORKER, state], env);
  const pid = Number(await front.says(/^pid (\d+)$/m));
  await front.says(/^ready$/m);
  return { ...front, pid };
}

describe("when the front is killed a worker for JavaScript ends", () => {
  test.for(["waits", "loops", "sleeps", "calls"])("that %s", async (state) => {
    const { process: front, pid } = await startWorker(state);
    front.kill("SIGKILL");
    await until(() => hasEnded(pid), "the worker has ended");
  });

  test("under an inspector", async () => {
    const { process: front, pid } = await startWorker("loops", ["--inspect=0"]);
    front.kill("SIGKILL");
    await until(() => hasEnded(pid), "the worker has ended");
  });
});

describe.skipIf(process.platform !== "linux")("in a folder that has vanished", () => {
  test.for(["waits", "loops"])("a worker that %s ends, too", async (state) => {
    const folder = await temporaryFolder();
    const program = `process.chdir(${JSON.stringify(folder.file(""))}); require("node:fs").rmdirSync(".." + process.cwd().slice(process.cwd().lastIndexOf("/")));`;
    const front = startProgram(process.execPath, [
      "-e",
      `${program} require("node:child_process").spawn(process.execPath, process.argv.slice(1), { stdio: "inherit" });`,
      packageFile("test/fixtures/lifeline/front.mjs"),
      process.execPath,
      WORKER,
      state,
    ]);
    const pid = Number(await front.says(/^pid (\d+)$/m));
    await front.says(/^ready$/m);
    const above = Number(/^\d+ \(node\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))![1]);
    kill(above);
    await until(() => hasEnded(pid), "the worker has ended");
    expect(front.output()).not.toContain("no lifeline");
  });
});

describe("the lifeline's thread", () => {
  test.for([
    ["ends", 0],
    ["exits", 7],
    ["exits later", 7],
    ["throws", 1],
  ] as const)("does not keep a worker that %s", async ([state, code]) => {
    const { says, output } = await startWorker(state);
    expect(JSON.parse(await says(/^end (.*)$/m))).toMatchObject({ code, signal: null, length: 0 });
    expect(output().match(/exit handler/g)).toHaveLength(1);
  });

  test("loads nothing that the user has Node load", async () => {
    const { says, output } = await startWorker("ends", ["--import", 'data:text/javascript,console.log("loaded")'], {
      NODE_OPTIONS: '--require=node:fs --import="data:text/javascript,console.log(%22loaded%20too%22)"',
    });
    await says(/^end/m);
    expect(output().match(/^loaded$/gm)).toHaveLength(1);
    // The front has the variable, too.
    expect(output().match(/^loaded too$/gm)).toHaveLength(2);
  });
});
