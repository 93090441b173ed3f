// The command for whoever is writing a script.

import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createNetServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { runCommand } from "../../../adapters/cli/command.ts";
import { parseCommandLine } from "../../../adapters/cli/command-line.ts";
import { openPage } from "../../../adapters/cli/open-page.ts";
import { reservePort } from "../../../adapters/http/reserve-port.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { temporaryFolder, until } from "../../setup/service.ts";
import { edited, python } from "../http/edited.ts";

const DEV = [packageFile("dist/adapters/cli/scorefn.js"), "dev"];
const AZMLINFSRV = [packageFile("dist/adapters/cli/azmlinfsrv.js"), "--reload"];

describe("the command line", () => {
  test("of dev is that of serve, with reloading on", async () => {
    expect(
      await parseCommandLine("scorefn", ["dev", "score.py", "--port", "1", "--reload-dir", "a", "--reload_dir=b,c"]),
    ).toEqual({
      kind: "serve",
      flags: { entry_script: "score.py", port: "1", reload: "true", reload_dir: "a,b,c" },
      problems: [],
      dev: { opensPage: true },
    });
    for (const word of ["--no_open", "--no-open"]) {
      expect(await parseCommandLine("scorefn", ["dev", word, "score.py"])).toMatchObject({
        problems: [],
        dev: { opensPage: false },
      });
    }
  });

  test("of serve knows the page's flag no more than others", async () => {
    expect(await parseCommandLine("scorefn", ["serve", "--no_open"])).toMatchObject({
      problems: [expect.stringContaining("there is no flag --no_open")],
    });
  });

  test("has a help", async () => {
    const help = await parseCommandLine("scorefn", ["help", "dev"]);
    expect(help).toMatchObject({ kind: "exit", code: 0 });
    for (const word of ["scorefn dev [SCRIPT]", "--no_open", "/docs"])
      expect(help).toMatchObject({ stdout: expect.stringContaining(word) });
    expect(await parseCommandLine("scorefn", [])).toMatchObject({
      stdout: expect.stringMatching(/^ +dev +serve a score script, and/m),
    });
  });
});

test("dev listens on this machine only, shows whole tracebacks and reloads", async () => {
  const server = await edited(
    "score.py",
    { "score.py": python("1") },
    {
      command: DEV,
      env: { SCOREFN_ERROR_DETAIL: undefined },
    },
  );
  await server.waitReady();
  await server.write("score.py", python("1 / 0"));
  await server.settles("watching", 2);
  const { status, text } = await server.post();
  expect(status).toBe(500);
  expect(JSON.parse(text).error.traceback).toContain("ZeroDivisionError");
  expect(await server.stop()).toBe(0);
});

test("the drop-in command reloads, too", async () => {
  const server = await edited("score.py", { "score.py": python("1") }, { command: AZMLINFSRV });
  await server.waitReady();
  await server.write("score.py", python("2"));
  await server.settles("watching", 2);
  expect(await server.post()).toEqual({ status: 200, text: "2" });
  expect(await server.stop()).toBe(0);
});

test("a port that is taken is said to be, and by whom", async () => {
  const other = createNetServer().listen(0, "127.0.0.1");
  onTestFinished(() => void other.close());
  await once(other, "listening");
  const { port } = other.address() as { port: number };
  const server = await edited(
    "score.py",
    { "score.py": python("1") },
    { command: DEV, args: ["--port", String(port)] },
  );
  expect(await server.waitExit()).toBe(1);
  const by = process.platform === "linux" ? ` by \\S+ \\(process ${process.pid}\\)` : "";
  expect(server.stderr()).toMatch(
    new RegExp(`scorefn: error: port ${port} is in use${by} \\(127\\.0\\.0\\.1:${port}\\); stop what`),
  );
});

describe.skipIf(process.platform !== "linux")("the page", () => {
  async function browser(): Promise<{
    env: Record<string, string>;
    opened: () => Promise<string>;
    url: string;
    asked: () => number;
  }> {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    await writeFile(folder.file("xdg-open"), `#!/bin/sh\nprintf %s "$1" > ${folder.file("opened")}\n`);
    await chmod(folder.file("xdg-open"), 0o755);
    let asked = 0;
    const server = createServer((request, response) => {
      asked++;
      response.statusCode = request.url === "/docs" ? 200 : 404;
      response.end("page");
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    return {
      env: { PATH: `${folder.file("")}:${process.env.PATH}` },
      opened: () => readFile(folder.file("opened"), "utf8").catch(() => ""),
      url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
      asked: () => asked,
    };
  }

  test("is opened in the browser", async () => {
    const { env, opened, url } = await browser();
    await openPage(`${url}/docs`, { isTerminal: true, env });
    await until(async () => (await opened()) === `${url}/docs`, "it is opened");
  });

  test("is not opened where nobody looks, nor where there is none", async () => {
    const { env, opened, url, asked } = await browser();
    await openPage(`${url}/docs`, { isTerminal: false, env });
    await openPage(`${url}/docs`, { isTerminal: true, env: { ...env, CI: "true" } });
    expect(asked()).toBe(0);
    await openPage(`${url}/none`, { isTerminal: true, env });
    await openPage("http://127.0.0.1:1/docs", { isTerminal: true, env });
    expect(await opened()).toBe("");
  });

  test.each([
    ["its usual place", [], ["http://127.0.0.1:5001/docs"]],
    ["another place", ["--docs", "/try", "--port", "8080"], ["http://127.0.0.1:8080/try"]],
    ["no page", ["--docs", "off"], []],
    ["nobody wants it", ["--no_open"], []],
  ])("is opened where it is: %s", async (_what, flags, expected) => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    await writeFile(folder.file("score.py"), "");
    const opened: string[] = [];
    const code = await runCommand("scorefn", ["dev", "score.py", ...flags], {
      write: () => {},
      writeError: () => {},
      openPage: (url) => opened.push(url),
      serve: async (_config, _reserved, reloads) => {
        reloads!.onListening();
        return 0;
      },
      reservePort,
      runTarget: async () => 0,
      runTool: async () => 0,
      env: { PATH: process.env.PATH },
      cwd: folder.file("."),
    });
    expect({ code, opened }).toEqual({ code: 0, opened: expected });
  });

  test("does not matter: without a browser the server goes on", async () => {
    const { url } = await browser();
    await expect(openPage(`${url}/docs`, { isTerminal: true, env: { PATH: "/nowhere" } })).resolves.toBeUndefined();
  });
});
