// F5 in VS Code: what `scorefn init` writes to .vscode/ is carried out as VS Code does it, with the debug adapter that it runs.
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { environment } from "../setup/environments.mjs";
import { pathWithPrograms } from "../setup/programs.ts";
import { freePort, startServer } from "../setup/server.ts";
import { DapClient } from "./dap.ts";
import { lineIn, makeProject, onePatient } from "./project.ts";
import { post } from "./start.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-launch-")));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const PATH = pathWithPrograms(root);

const debugpy = environment("debugger");

describe.skipIf("unavailable" in debugpy)("Python", () => {
  const python = "python" in debugpy ? debugpy.python : "";

  test("F5 starts the server, stops in init() and in run(), and goes on", async () => {
    const [port, debugPort] = [await freePort(), await freePort()];
    const project = makeProject(root, "python", { "${command:python.interpreterPath}": python }, { 5678: debugPort });
    const [configuration] = project.configurations;
    const task = project.tasks.find(({ label }) => label === configuration!.preLaunchTask)!;
    expect(task.isBackground).toBe(true);

    // A background task goes first, until what it prints says that it has begun.
    const server = startServer({
      command: "sh",
      args: ["-c", `exec ${task.command}`],
      cwd: project.folder,
      env: { ...process.env, ...task.options?.env, PATH, SCOREFN_PORT: String(port), SCOREFN_HOST: "127.0.0.1" },
      port,
    });
    onTestFinished(async () => void (await server.stop().catch(() => {})));
    const { beginsPattern, endsPattern } = task.problemMatcher.background;
    await server.waitOutput(new RegExp(beginsPattern));
    await server.waitOutput(new RegExp(endsPattern));

    // Then the debug adapter is started.
    const client = DapClient.start(python, ["-m", "debugpy.adapter"]);
    onTestFinished(() => client.close());
    await client.request("initialize", { adapterID: configuration!.type, clientID: "vscode", pathFormat: "path" });
    const attached = client.request(configuration!.request, { ...configuration });
    await client.event("initialized");
    const path = join(project.folder, "score.py");
    const [inInit, inRun] = [lineIn(path, "intercept = model"), lineIn(path, "if len(row)")];
    await client.request("setBreakpoints", { source: { path }, breakpoints: [{ line: inInit }, { line: inRun }] });
    await client.request("configurationDone");
    await attached;

    await expectStop("init", inInit);
    await server.waitReady();
    const answer = post(server.url, onePatient(project), "application/json");
    await expectStop("predict", inRun);
    expect((await answer).status).toBe(200);

    async function expectStop(name: string, line: number): Promise<void> {
      const { threadId } = await client.event("stopped");
      const { stackFrames } = await client.request("stackTrace", { threadId });
      expect(stackFrames[0]).toMatchObject({ name, line, source: { path } });
      await client.request("continue", { threadId });
    }

    // Shift+F5: the session ends, then the task that ends the server.
    await client.request("disconnect", { terminateDebuggee: false });
    const stop = project.tasks.find(({ label }) => label === configuration!.postDebugTask);
    expect(stop?.command).toContain("input:terminate");
    expect(await server.stop()).toBe(0);
  });
});
