// The whole way of a request's place in the trace, from the server to the spans of a Python script.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";
import type { RunCall } from "../../../src/core/types.ts";
import { createLog } from "../../../src/log/create.ts";
import { createRuntime } from "../../../src/runtime.ts";
import { environment } from "../../setup/environments.mjs";
import { temporaryFolder } from "../../setup/service.ts";

/** The reference server needs opentelemetry-api and -sdk. */
const found = environment("azmlinfsrv");
const missing = "unavailable" in found ? found.unavailable : undefined;
const python = "python" in found ? found.python : "";

const SET_UP = `
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("mine")
def parent():
    with tracer.start_as_current_span("mine") as span:
        return [trace.format_trace_id(span.parent.trace_id), trace.format_span_id(span.parent.span_id)] if span.parent else None
`;

const INIT = "def init(): pass\n";
const SCRIPTS = {
  "a synchronous script": `${SET_UP}${INIT}def run(data): return parent()`,
  "an async script": `${SET_UP}${INIT}async def run(data): return parent()`,
  "a script that takes headers": `${SET_UP}${INIT}def run(data, request_headers): return parent()`,
  "a script that imports the library in init()": `${INIT.replace("pass", `exec(${JSON.stringify(SET_UP)}, globals())`)}def run(data): return parent()`,
};

const THEIRS = { trace: "4bf92f3577b34da6a3ce929d0e0e4736", span: "00f067aa0ba902b7" };
const OWN = { trace: "e".repeat(32), span: "b".repeat(16) };
const traceparentOf = ({ trace, span }: typeof OWN): string => `00-${trace}-${span}-01`;

async function start(source: string, env: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const entry = folder.file("score.py");
  writeFileSync(entry, source);
  const { config } = resolveConfig({
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      AML_APP_ROOT: join(entry, ".."),
      AZUREML_ENTRY_SCRIPT: "score.py",
      AZUREML_LOG_LEVEL: "CRITICAL",
      SCOREFN_PYTHON: python,
      WORKER_COUNT: "1",
      ...env,
    },
  });
  const runtime = createRuntime(
    config,
    createLog(() => {}, "CRITICAL"),
    {},
  );
  onTestFinished(() => runtime.close(0));
  await runtime.start();
  return async (more: Partial<RunCall>): Promise<unknown> => {
    const call = { method: "POST", path: "/score", query: "", headers: {}, requestId: "r", body: Buffer.from("x") };
    const outcome = await runtime.run({ ...call, ...more });
    return outcome.kind === "json" ? JSON.parse(Buffer.from(outcome.body).toString()) : outcome.kind;
  };
}

describe.skipIf(missing)("spans of a Python script are children of the server's span, or of its caller's", () => {
  test.for(
    Object.entries(SCRIPTS).flatMap(([name, source]) =>
      (["", "true"] as const).map((preload) => [`${name}${preload && ", with preload"}`, source, preload] as const),
    ),
  )("%s", async ([, source, preload]) => {
    const run = await start(source, preload === "" ? {} : { WORKER_PRELOAD: preload });
    const headers = { traceparent: traceparentOf(THEIRS), tracestate: "a=1" };
    const trace = { traceId: OWN.trace, spanId: OWN.span, traceparent: traceparentOf(OWN), tracestate: undefined };
    expect(await run({ headers })).toEqual([THEIRS.trace, THEIRS.span]);
    expect(await run({ headers, trace })).toEqual([OWN.trace, OWN.span]);
    expect(await run({ trace })).toEqual([OWN.trace, OWN.span]);
    expect(await run({})).toEqual({});
    expect(await run({ headers: { traceparent: "garbled" } })).toEqual({});
  });
});
