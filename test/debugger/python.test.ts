// Contract section 21 with debugpy and the debug adapter that editors use.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { environment } from "../setup/environments.mjs";
import { freePort } from "../setup/server.ts";
import { SCRIPTS } from "../setup/service.ts";
import { DapClient } from "./dap.ts";
import { AT_BREAKPOINT_MS, lineOf, post, startDebugged } from "./start.ts";

const SCRIPT = "debugged.py";
const debugpy = environment("debugger");

describe.skipIf("unavailable" in debugpy)("with debugpy", () => {
  const python = "python" in debugpy ? debugpy.python : "";

  /** An editor's "attach, listen" configuration, waiting for the worker to connect. */
  async function listen(port: number): Promise<{ client: DapClient; attached: Promise<unknown> }> {
    const client = DapClient.start(python, ["-m", "debugpy.adapter"]);
    onTestFinished(() => client.close());
    await client.request("initialize", { adapterID: "debugpy", clientID: "test", pathFormat: "path" });
    const attached = client.request("attach", { listen: { host: "127.0.0.1", port }, justMyCode: true });
    await client.event("debugpyWaitingForServer");
    return { client, attached };
  }

  test("DBG-1: a breakpoint in run() is hit, and no time limit ends the stay at it", async () => {
    const port = await freePort();
    const { client, attached } = await listen(port);
    const server = await startDebugged(SCRIPT, { SCOREFN_PYTHON: python, AZUREML_DEBUG_PORT: String(port) });
    await client.event("initialized");
    const line = lineOf(SCRIPT, "number * 2");
    const { breakpoints } = await client.request("setBreakpoints", {
      source: { path: join(SCRIPTS, SCRIPT) },
      breakpoints: [{ line }],
    });
    expect(breakpoints).toHaveLength(1);
    // The script is not loaded before the debugger has said that it is set up.
    expect(server.stdout()).not.toContain("Found user script");
    await client.request("configurationDone");
    await attached;
    await server.waitReady();

    const answer = post(server.url, "21");
    const { threadId } = await client.event("stopped");
    const { stackFrames } = await client.request("stackTrace", { threadId });
    expect(stackFrames[0]).toMatchObject({ name: "run", line, source: { path: join(SCRIPTS, SCRIPT) } });
    const { result } = await client.request("evaluate", { expression: "number", frameId: stackFrames[0].id });
    expect(result).toBe("21");
    await delay(AT_BREAKPOINT_MS);
    await client.request("continue", { threadId });
    const scored = await answer;
    expect(scored.status).toBe(200);
    expect(await scored.json()).toBe(42);

    const output = server.stdout();
    expect(output).toContain(
      [
        "!! Starting the inference server in DEBUGGING mode because AZUREML_DEBUG_PORT is set.",
        "!! This environment variable should not be set in a production environment.",
        `** Connecting to debugger at port ${port}...`,
      ].join("\n"),
    );
    expect(output).toContain("one worker instead of 2, no scoring deadline");
    expect(output.match(/ready for serving traffic/g)).toHaveLength(1);
    expect(await server.stop()).toBe(0);
  });

  test("a client that leaves does not disturb a script at a breakpoint", async () => {
    const port = await freePort();
    const { client, attached } = await listen(port);
    const server = await startDebugged(SCRIPT, { SCOREFN_PYTHON: python, AZUREML_DEBUG_PORT: String(port) });
    await client.event("initialized");
    const source = { path: join(SCRIPTS, SCRIPT) };
    await client.request("setBreakpoints", { source, breakpoints: [{ line: lineOf(SCRIPT, "number * 2") }] });
    await client.request("configurationDone");
    await attached;
    await server.waitReady();
    const leaving = new AbortController();
    const left = fetch(`${server.url}/score`, { method: "POST", body: "1", signal: leaving.signal }).catch(
      () => "left",
    );
    const { threadId } = await client.event("stopped");
    leaving.abort();
    expect(await left).toBe("left");
    await client.request("setBreakpoints", { source, breakpoints: [] });
    await client.request("continue", { threadId });
    expect(await (await post(server.url, "2")).json()).toBe(4);
    expect(await server.stop()).toBe(0);
  });

  test("DBG-2: nothing listens: exit code 3, and how to cure it", async () => {
    const port = await freePort();
    const server = await startDebugged(SCRIPT, { SCOREFN_PYTHON: python, AZUREML_DEBUG_PORT: String(port) });
    expect(await server.waitExit()).toBe(3);
    expect(server.stderr()).toContain(`no debugger listens on 127.0.0.1:${port}`);
    expect(server.stderr()).toContain("hint: Start the editor's listening debug configuration, or unset");
  });
});

test("DBG-3: debugpy is not installed: one clear line, exit code 3, no restarts", async () => {
  const server = await startDebugged(SCRIPT, { AZUREML_DEBUG_PORT: "5678", PYTHONPATH: join(SCRIPTS, "no_debugpy") });
  expect(await server.waitExit()).toBe(3);
  expect(server.stdout()).toContain("** Cannot connect to a debugger because debugpy is not installed.\n");
  expect(server.stdout().match(/DEBUGGING mode/g)).toHaveLength(1);
  expect(server.stderr()).toMatch(/hint: Install it with: \S+ -m pip install debugpy/);
});
