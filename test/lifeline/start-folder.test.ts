// The folder in which the server was started may vanish (a deployment that is swapped, a temporary folder that is tidied up).
import { mkdirSync, rmSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { startProgram } from "../setup/front.ts";
import { freePort } from "../setup/server.ts";
import { SCRIPTS, temporaryFolder, until } from "../setup/service.ts";

// Elsewhere a folder that is in use cannot be removed, or the system forgets where it was.
describe.skipIf(process.platform !== "linux")("when the start folder has vanished", () => {
  test.for([
    ["says_folder.py", "false", false],
    ["says_folder.py", "true", false],
    ["says_folder.ts", "false", false],
    ["says_folder.py", "false", true],
    ["says_folder.ts", "false", true],
  ] as const)(
    "requests, a worker's restart and the stop go on: %s, WORKER_PRELOAD=%s, made again: %s",
    async ([script, preload, isMadeAgain]) => {
      const folder = await temporaryFolder();
      onTestFinished(folder.remove);
      const start = folder.file("start");
      mkdirSync(start);
      const port = await freePort();
      const server = startProgram(
        process.execPath,
        [
          packageFile("dist/adapters/cli/scorefn.js"),
          "serve",
          "--entry_script",
          `${SCRIPTS}/${script}`,
          "--port",
          `${port}`,
        ],
        { WORKER_PRELOAD: preload },
        start,
      );
      const ask = async (body: string) => fetch(`http://127.0.0.1:${port}/score`, { method: "POST", body });
      await server.says(/ready for serving/);
      await until(async () => (await ask("")).status === 200, "the server is ready");
      expect(await (await ask("")).json()).toBe(start);
      rmSync(start, { recursive: true });
      if (isMadeAgain) mkdirSync(start);
      expect((await ask("")).status).toBe(200);
      if (script.endsWith(".ts")) {
        await until(async () => (await (await ask("compilers")).text()) === "[]", "the compiler has ended");
        expect(await (await ask("import")).json()).toEqual(["init", "run"]);
      }
      expect((await ask("die")).status).toBe(500);
      await until(async () => (await ask("")).status === 200, "the worker has been replaced");
      // A preload process was there before, and its forks stay where it is.
      if (preload === "false") expect(await (await ask("")).json()).toBe(isMadeAgain ? start : "/");
      server.process.kill("SIGTERM");
      await until(() => server.process.exitCode !== null, "the server has ended");
      expect(server.process.exitCode).toBe(0);
      expect(server.output()).not.toMatch(/ENOENT|FileNotFoundError/);
    },
  );
});
