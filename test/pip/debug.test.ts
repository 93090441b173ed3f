// An editor's launch configuration that was written for the reference server: `"module": "azureml_inference_server_http.amlserver"`,
// with the debug adapter that editors use. They bring their own debugpy: the environment has none.
import { copyFileSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { DapClient } from "../debugger/dap.ts";
import { lineOf, post } from "../debugger/start.ts";
import { environment } from "../setup/environments.mjs";
import { hasEnded } from "../setup/front.ts";
import { freePort } from "../setup/server.ts";
import { SCRIPTS, until } from "../setup/service.ts";
import { buildWheels, emptyEnvironment, folder, INSTALL_MS, type Installed, install } from "./wheels.ts";

const SCRIPT = "debugged.py";
const debugpy = environment("debugger");
const tools = environment("wheels");

describe.skipIf("unavailable" in debugpy || "unavailable" in tools)("launched by an editor", () => {
  const adapter = "python" in debugpy ? debugpy.python : "";
  let installed: Installed;
  beforeAll(async () => {
    const wheels = await buildWheels(join(folder, "wheels"));
    // debugpy has parts for each version of Python.
    installed = await emptyEnvironment(adapter);
    await install(installed, wheels.scorefn, wheels.azmlinfsrv);
  }, INSTALL_MS);

  test.for([
    ["azureml_inference_server_http.amlserver", []],
    ["scorefn", ["serve"]],
  ] as const)("%s: breakpoints in the script are hit, and all ends with the session", async ([module, words]) => {
    const cwd = mkdtempSync(join(folder, "app-"));
    const script = join(cwd, SCRIPT);
    copyFileSync(join(SCRIPTS, SCRIPT), script);
    const line = lineOf(SCRIPT, "number * 2");
    const port = await freePort();
    const editor = DapClient.start(adapter, ["-m", "debugpy.adapter"]);
    onTestFinished(() => editor.close());
    await editor.request("initialize", { adapterID: "debugpy", clientID: "test", pathFormat: "path" });
    const launched = editor.request("launch", {
      module,
      args: [...words, "--entry_script", script, "--port", String(port), "--worker_count", "2"],
      python: [installed.python],
      console: "internalConsole",
      cwd,
      // Of the variables of this process, those that say which Python to take.
      env: { VIRTUAL_ENV: null, SCOREFN_PYTHON: null },
      justMyCode: true,
    });
    const prepare = async (client: DapClient): Promise<void> => {
      await client.event("initialized");
      const breakpoints = [{ line: lineOf(SCRIPT, "pass") }, { line }];
      await client.request("setBreakpoints", { source: { path: script }, breakpoints });
      await client.request("configurationDone");
    };
    await prepare(editor);
    await launched;
    const { systemProcessId } = await editor.event("process");

    // The editor opens a second session for the process that has joined.
    const joining = await editor.event("debugpyAttach");
    const { connect, subProcessId } = joining as { connect: { port: number }; subProcessId: number };
    const worker = DapClient.connect(connect.port);
    onTestFinished(() => worker.close());
    await worker.request("initialize", { adapterID: "debugpy", clientID: "test", pathFormat: "path" });
    const attached = worker.request("attach", joining);
    await prepare(worker);
    await attached;

    // The script is not loaded before its breakpoints are set.
    const first = await worker.event("stopped");
    const { stackFrames: frames } = await worker.request("stackTrace", { threadId: first.threadId });
    expect(frames[0]).toMatchObject({ name: "init", source: { path: script } });
    await worker.request("continue", { threadId: first.threadId });

    const url = `http://127.0.0.1:${port}`;
    await until(
      () =>
        fetch(url)
          .then((answer) => answer.ok)
          .catch(() => false),
      "the server is ready",
    );
    const answer = post(url, "21");
    const { threadId } = await worker.event("stopped");
    const { stackFrames } = await worker.request("stackTrace", { threadId });
    expect(stackFrames[0]).toMatchObject({ name: "run", line, source: { path: script } });
    const { result } = await worker.request("evaluate", {
      expression: "__import__('sys').executable",
      frameId: stackFrames[0].id,
    });
    expect(result).toContain(installed.python);
    const { result: left } = await worker.request("evaluate", {
      expression: "[name for name in __import__('os').environ if 'DEBUG_SESSION' in name]",
      frameId: stackFrames[0].id,
    });
    expect(left).toBe("[]");
    await worker.request("continue", { threadId });
    const scored = await answer;
    expect(scored.status).toBe(200);
    expect(await scored.json()).toBe(42);

    await editor.request("disconnect", { terminateDebuggee: true });
    for (const pid of [systemProcessId, subProcessId]) await until(() => hasEnded(pid), `process ${pid} has ended`);
    await until(
      () =>
        fetch(url)
          .then(() => false)
          .catch(() => true),
      "nobody listens",
    );
  });
});
