// The server as process 1 of a PID namespace, which is what it is in a container.
import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { startProgram } from "../setup/front.ts";
import { freePort } from "../setup/server.ts";
import { SCRIPTS, temporaryFolder, until } from "../setup/service.ts";

/** A PID namespace of its own, for whoever may make one. */
const NAMESPACE = [
  ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]),
  ...["--fork", "--pid", "--mount-proc", "--kill-child"],
];
const isPossible = process.platform === "linux" && spawnSync("unshare", [...NAMESPACE, "true"]).status === 0;

async function startAsProcessOne(script: string, env: NodeJS.ProcessEnv = {}, ready = /ready for serving/) {
  const port = await freePort();
  const command = [process.execPath, packageFile("dist/adapters/cli/scorefn.js"), "serve"];
  const args = ["--entry_script", script, "--port", String(port)];
  const program = startProgram("unshare", [...NAMESPACE, ...command, ...args], env);
  await program.says(ready);
  return {
    ...program,
    url: `http://127.0.0.1:${port}`,
    /** Process 1, by its id out here. */
    pid: Number(readFileSync(`/proc/${program.process.pid}/task/${program.process.pid}/children`, "utf8")),
  };
}

async function waitExit({ process: child }: { process: { exitCode: number | null; signalCode: string | null } }) {
  await until(() => child.exitCode !== null || child.signalCode !== null, "it has ended");
  return child.exitCode ?? child.signalCode;
}

describe.skipIf(!isPossible)("as process 1", () => {
  test("the server leaves no zombie of what a script leaves behind, and ends as it is told", async () => {
    const server = await startAsProcessOne(`${SCRIPTS}/leaves_orphans.py`);
    const ask = async () => {
      const answer = await fetch(`${server.url}/score`, { method: "POST", body: "x" });
      return (await answer.json()) as { orphan: number; states: Record<string, string | null> };
    };
    const orphans: number[] = [];
    for (let count = 0; count < 10; count += 1) orphans.push((await ask()).orphan);
    await until(async () => {
      const { states } = await ask();
      return orphans.every((pid) => !(pid in states));
    }, "no orphan is left, as a zombie or otherwise");
    process.kill(server.pid, "SIGTERM");
    expect(await waitExit(server)).toBe(0);
    expect(server.output().match(/Handling signal: SIGTERM/g)).toHaveLength(1);
  });

  test("the exit code is the server's", async () => {
    const server = await startAsProcessOne(`${SCRIPTS}/broken/init_throws.py`, {}, /cannot be served/);
    expect(await waitExit(server)).toBe(3);
  });

  test.for([
    ["SIGKILL", 137],
    ["SIGSEGV", 139],
  ] as const)("a server that is ended by %s ends it with code %d", async ([signal, code]) => {
    const server = await startAsProcessOne(`${SCRIPTS}/leaves_orphans.py`);
    const below = (pid: number) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0]);
    process.kill(below(below(server.pid)), signal);
    expect(await waitExit(server)).toBe(code);
  });

  test("a second signal reaches the server, too", async () => {
    const server = await startAsProcessOne(`${SCRIPTS}/never_returns.py`);
    fetch(`${server.url}/score`, { method: "POST", body: "x" }).catch(() => {});
    await until(async () => (await fetch(`${server.url}/ready`)).ok, "it takes requests");
    process.kill(server.pid, "SIGINT");
    await server.says(/Handling signal: SIGINT/);
    process.kill(server.pid, "SIGQUIT");
    expect(await waitExit(server)).not.toBe(0);
  });

  test("it serves itself where Python is too old to take orphans", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const python = spawnSync("python3", ["-c", "import sys; print(sys.executable)"], {
      encoding: "utf8",
    }).stdout.trim();
    writeFileSync(folder.file("python3"), `#!/bin/sh\n[ "$1" = -I ] && echo too old && exit 1\nexec ${python} "$@"\n`);
    chmodSync(folder.file("python3"), 0o755);
    const server = await startAsProcessOne(`${SCRIPTS}/leaves_orphans.py`, { SCOREFN_PYTHON: folder.file("python3") });
    expect(server.output()).toContain("too old");
    expect((await fetch(`${server.url}/score`, { method: "POST", body: "x" })).status).toBe(200);
    process.kill(server.pid, "SIGTERM");
    expect(await waitExit(server)).toBe(0);
  });

  test("it says itself that there is no Python", async () => {
    const server = await startAsProcessOne(
      `${SCRIPTS}/leaves_orphans.py`,
      { SCOREFN_PYTHON: "/nowhere/python3" },
      /no Python interpreter found \(tried \/nowhere\/python3\)/,
    );
    expect(await waitExit(server)).toBe(1);
  });
});
