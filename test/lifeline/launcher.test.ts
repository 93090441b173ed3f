// A server that npx has started ends in an orderly way when npx is gone, and no other server does.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { type Front, hasEnded, kill, startProgram } from "../setup/front.ts";
import { freePort } from "../setup/server.ts";
import { SCRIPTS, temporaryFolder, until } from "../setup/service.ts";

const SCRIPT = `${SCRIPTS}/leaves_orphans.py`;

/** A folder in which `npx scorefn` is this checkout's command. */
async function project(): Promise<string> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  writeFileSync(folder.file("package.json"), '{ "private": true, "dependencies": { "scorefn": "*" } }');
  mkdirSync(folder.file("node_modules/.bin"), { recursive: true });
  symlinkSync(packageFile("."), folder.file("node_modules/scorefn"));
  const bin = folder.file("node_modules/.bin/scorefn");
  writeFileSync(bin, `#!/bin/sh\nexec "${process.execPath}" "${packageFile("dist/adapters/cli/scorefn.js")}" "$@"\n`, {
    mode: 0o755,
  });
  return folder.file("");
}

/** The id of the server's process, which stands in its log. */
async function serverPid(program: Front): Promise<number> {
  await program.says(/ready for serving/);
  const pid = Number(/I \[(\d+)\] azmlinfsrv - Loaded/.exec(program.output())![1]);
  onTestFinished(() => kill(pid));
  return pid;
}

async function startByNpx(): Promise<Front> {
  const args = ["--no-install", "scorefn", "serve", "--entry_script", SCRIPT, "--port", String(await freePort())];
  return startProgram("npx", args, {}, await project());
}

describe.skipIf(process.platform === "win32")("when the npx that started it", () => {
  test.for(["SIGKILL", "SIGTERM"] as const)("gets %s, the server ends in an orderly way", async (signal) => {
    const npx = await startByNpx();
    const pid = await serverPid(npx);
    npx.process.kill(signal);
    await until(() => hasEnded(pid), "the server has ended");
    expect(npx.output()).toContain("Handling signal: SIGTERM");
  });

  test("is there, the server serves", async () => {
    const npx = await startByNpx();
    const pid = await serverPid(npx);
    // Several looks.
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    expect(hasEnded(pid)).toBe(false);
    expect(npx.output()).not.toContain("Handling signal");
  });
});

describe.skipIf(process.platform === "win32")("a server goes on when its parent ends", () => {
  const serve = async () =>
    `"${process.execPath}" "${packageFile("dist/adapters/cli/scorefn.js")}" serve --entry_script "${SCRIPT}" --port ${await freePort()}`;

  test.for([
    ["that is no npx", {}],
    ["that is no npx, though an npx was there before", { npm_command: "exec", npm_lifecycle_event: "npx" }],
    ["that is npx, when it has a session of its own", { SETSID: "setsid" }],
  ] as const)("%s", async ([, env]) => {
    const command = `$SETSID ${await serve()} & wait`;
    const shell =
      "SETSID" in env
        ? startProgram("npx", ["-c", command], env, await project())
        : startProgram("sh", ["-c", command], env);
    const pid = await serverPid(shell);
    shell.process.kill("SIGKILL");
    await until(() => hasEnded(shell.process.pid!), "the shell has ended");
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    expect(hasEnded(pid)).toBe(false);
  });
});
