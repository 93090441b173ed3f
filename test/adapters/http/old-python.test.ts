import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { installedPythons } from "../../setup/pythons.mjs";
import { freePort, startServer } from "../../setup/server.ts";
import { SCRIPTS } from "../../setup/service.ts";

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");
const EXIT_SCRIPT = 3;

const old = installedPythons().filter(({ version: [major, minor] }) => major < 3 || (major === 3 && minor < 9));

// One that is not installed is not missed: what each of them reads is the one file python/worker.py.
describe.each(old)("Python $text", ({ text, path }) => {
  test("is named as the reason why the server does not start", async () => {
    const port = await freePort();
    const server = startServer({
      command: process.execPath,
      args: [COMMAND, "serve", "--entry_script", join(SCRIPTS, "echo.py"), "--port", String(port), "--python", path],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, SCOREFN_HOST: "127.0.0.1" },
      port,
    });
    expect(await server.waitExit()).toBe(EXIT_SCRIPT);
    expect(server.stderr().trim().split("\n")).toEqual([
      `scorefn: error: the score script cannot be served: Python ${text} at ${path} is too old; scorefn needs 3.9 or later; ` +
        "name one with --python or SCOREFN_PYTHON",
    ]);
  });
});

test("every Python this machine has is known by its version", () => {
  for (const { text, version, path } of installedPythons()) {
    expect(text).toBe(version.join("."));
    expect(path).toMatch(/^\//);
  }
});
