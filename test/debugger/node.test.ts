// AZUREML_DEBUG_PORT with a TypeScript script: Node's inspector, spoken to as an editor does.
import { SourceMap } from "node:module";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { hasEnded, kill } from "../setup/front.ts";
import { freePort } from "../setup/server.ts";
import { SCRIPTS, until } from "../setup/service.ts";
import { InspectorClient } from "./inspector.ts";
import { AT_BREAKPOINT_MS, lineOf, post, startDebugged } from "./start.ts";

const SCRIPT = "debugged.ts";
const SCRIPT_URL = pathToFileURL(join(SCRIPTS, SCRIPT)).href;

test("DBG: a breakpoint on a line of TypeScript is hit, and no time limit ends the stay at it", async () => {
  const port = await freePort();
  const server = await startDebugged(SCRIPT, { AZUREML_DEBUG_PORT: String(port) });
  await server.waitReady();
  const client = await InspectorClient.connect(port);
  onTestFinished(() => client.close());

  const parsed = client.event("Debugger.scriptParsed", ({ url }) => url === SCRIPT_URL);
  await client.call("Debugger.enable");
  const { scriptId, sourceMapURL } = await parsed;
  const map = readSourceMap(sourceMapURL);
  const line = lineOf(SCRIPT, "number * 2");
  const location = { scriptId, ...compiledPlace(map, line) };
  // Otherwise this would prove nothing.
  expect(location.lineNumber).not.toBe(line - 1);
  await client.call("Debugger.setBreakpoint", { location });

  const paused = client.event("Debugger.paused");
  const answer = post(server.url, '{"number": 21}');
  const [frame] = (await paused).callFrames;
  expect(frame.functionName).toBe("run");
  expect(sourceLine(map, frame.location)).toBe(line);
  const { result } = await client.call("Debugger.evaluateOnCallFrame", {
    callFrameId: frame.callFrameId,
    expression: "number",
  });
  expect(result.value).toBe(21);
  await delay(AT_BREAKPOINT_MS);
  await client.call("Debugger.resume");
  expect(await (await answer).json()).toBe(42);

  expect(server.stdout()).toContain("one worker instead of 2, no scoring deadline");
  expect(server.stdout().match(/ready for serving traffic/g)).toHaveLength(1);
  client.close();
  expect(await server.stop()).toBe(0);
});

test("a worker at a breakpoint ends with a server that is killed", async () => {
  const port = await freePort();
  const server = await startDebugged(SCRIPT, { AZUREML_DEBUG_PORT: String(port) });
  await server.waitReady();
  const worker = Number(/Worker with pid (\d+) ready/.exec(server.stdout())![1]);
  onTestFinished(() => kill(worker));
  const client = await InspectorClient.connect(port);
  onTestFinished(() => client.close());
  await client.call("Debugger.enable");
  const paused = client.event("Debugger.paused");
  await client.call("Debugger.pause");
  post(server.url, '{"number": 21}').catch(() => {});
  await paused;
  process.kill(server.pid, "SIGKILL");
  await until(() => hasEnded(worker), "the worker has ended");
});

test("DBG: in the server's own process the port has no effect, which the log says", async () => {
  const env = { AZUREML_DEBUG_PORT: "9229", SCOREFN_SCRIPT_HOST: "in-process" };
  const server = await startDebugged("echo.ts", env);
  await server.waitReady();
  expect(server.stdout()).toContain(
    "AZUREML_DEBUG_PORT has no effect on a script that runs in the server's own process",
  );
  expect(await server.stop()).toBe(0);
});

function readSourceMap(url: string): SourceMap {
  return new SourceMap(JSON.parse(Buffer.from(url.slice(url.indexOf(",") + 1), "base64").toString()));
}

/** Where the first code of a source line ended up, counted from 0. @param line from 1 */
function compiledPlace(map: SourceMap, line: number): { lineNumber: number; columnNumber: number } {
  for (let lineNumber = 0; lineNumber < 1_000; lineNumber++) {
    for (let columnNumber = 0; columnNumber < 120; columnNumber++) {
      const entry = map.findEntry(lineNumber, columnNumber);
      if ("originalLine" in entry && entry.originalLine === line - 1) return { lineNumber, columnNumber };
    }
  }
  throw new Error(`no code for line ${line}`);
}

/** @returns from 1 */
function sourceLine(map: SourceMap, place: { lineNumber: number; columnNumber: number }): number {
  const entry = map.findEntry(place.lineNumber, place.columnNumber);
  return "originalLine" in entry ? entry.originalLine + 1 : 0;
}
