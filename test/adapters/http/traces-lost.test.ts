// Receivers and readers that do not do their part: answers come all the same, one line says so, and what is lost is counted.
import { spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { spansOf } from "../../setup/otlp.ts";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import { until } from "../../setup/service.ts";
import { type SinkAnswer, startTelemetrySink, TAKEN, type TelemetrySink } from "../../setup/telemetry-sink.ts";

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");
const SCRIPTS = packageFile("test/fixtures/traces");
/** Of one request: the server's, and those of its waiting and its run(). */
const SPANS = 3;
/** Far more than the 5 s that the last spans have to leave, and less than the libraries' own 30 s. */
const STOPS_WITHIN_MS = 25_000;

let folder: string;
let sink: TelemetrySink;

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-traces-")));
  sink = await startTelemetrySink();
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await sink.close();
});

function commandFor(script: string, port: number, ...flags: string[]): string[] {
  return [COMMAND, "serve", join(SCRIPTS, script), "--host", "127.0.0.1", "--port", String(port), ...flags];
}

const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_BSP_SCHEDULE_DELAY: "20",
  ...more,
});

async function start(env: NodeJS.ProcessEnv = {}): Promise<RunningServer> {
  const port = await freePort();
  const args = commandFor("score.ts", port);
  const server = startServer({ command: process.execPath, args, env: environment(env), cwd: folder, port });
  await server.waitReady();
  return server;
}

async function post(url: string, body: string): Promise<string> {
  const answer = await fetch(`${url}/score`, { method: "POST", body, signal: AbortSignal.timeout(DEADLINE_MS) });
  return answer.text();
}

const linesOf = (server: RunningServer): string[] =>
  [...server.stdout().matchAll(/ W \[\d+\] azmlinfsrv - (Telemetry: .*)/g)].map(([, line]) => line!);

const sumOf = (lines: readonly string[]): number =>
  Number(/^Telemetry: (\d+) spans were lost in all\.$/.exec(lines.at(-1)!)?.[1]);

describe("a receiver that does not take them", () => {
  test.each<[name: string, answer: SinkAnswer, said: RegExp]>([
    ["hangs", "hang", /retryable|timed out/i],
    ["closes the connection", "close", /retryable|hang up|ECONNRESET/i],
    ["sends garbage", "garbage", /Parse Error/],
    ["answers 402", { status: 402, body: "pay" }, /Payment Required \(402\)/],
    ["answers 429 with Retry-After", { status: 429, headers: { "retry-after": "60" } }, /retryable/],
    ["answers 500", { status: 500 }, /Internal Server Error \(500\)/],
    ["redirects", { status: 302, headers: { location: "/" } }, /Found \(302\)/],
  ])("and %s", async (_name, answer, said) => {
    sink.answer = () => answer;
    const server = await start({ OTEL_EXPORTER_OTLP_TIMEOUT: "200" });
    expect(await post(server.url, "one")).toBe('"one"');
    await server.waitOutput(/Telemetry: /);
    const asked = sink.requests.length;
    for (const body of ["two", "three"]) expect(await post(server.url, body)).toBe(`"${body}"`);
    await sink.waitFor((requests) => (requests.length > asked ? true : undefined));
    // It is taken up again when the receiver is.
    sink.answer = () => TAKEN;
    const taken = await sink.waitFor((requests) => {
      const spans = spansOf(requests.slice(asked + 1));
      void post(server.url, "more").catch(() => {});
      return spans.length >= SPANS ? spans : undefined;
    });
    expect(taken.length).toBeGreaterThan(0);
    expect(await server.stop()).toBe(0);
    const lines = linesOf(server);
    expect(lines[0]).toMatch(said);
    expect(lines[0]).toMatch(/Spans lost so far: \d+\. Requests are not affected/);
    // The first line, and the sum unless nothing more was lost.
    expect(lines.length).toBeLessThanOrEqual(2);
    if (lines.length === 2) expect(sumOf(lines)).toBeGreaterThan(0);
  });

  test("and takes only some of them", async () => {
    const partialSuccess = { rejectedSpans: "2", errorMessage: "full" };
    sink.answer = () => ({ status: 200, body: JSON.stringify({ partialSuccess }) });
    const server = await start();
    await post(server.url, "one");
    await server.waitOutput(/Telemetry: .*rejectedSpans.*full/);
    expect(await server.stop()).toBe(0);
    expect(linesOf(server)).toHaveLength(1);
  });

  test("and is not there at all: every span is counted", async () => {
    await sink.close();
    const server = await start({ OTEL_EXPORTER_OTLP_TIMEOUT: "100" });
    for (let request = 0; request < 10; request++) await post(server.url, "x");
    await server.waitOutput(/Telemetry: .*ECONNREFUSED/);
    expect(await server.stop()).toBe(0);
    expect(sumOf(linesOf(server)) || 10 * SPANS).toBe(10 * SPANS);
    expect(linesOf(server).length).toBeLessThanOrEqual(2);
  });

  test("and hangs for ever does not keep the server from stopping; what is dropped is counted", async () => {
    sink.answer = () => "hang";
    const server = await start({ OTEL_EXPORTER_OTLP_TIMEOUT: "600000", OTEL_BSP_MAX_QUEUE_SIZE: "10" });
    for (let request = 0; request < 20; request++) expect(await post(server.url, "x")).toBe('"x"');
    await server.waitOutput(/more is traced than can be sent/);
    const stopsAt = performance.now();
    expect(await server.stop()).toBe(0);
    expect(performance.now() - stopsAt).toBeLessThan(STOPS_WITHIN_MS);
    expect(sumOf(linesOf(server))).toBe(20 * SPANS);
  });
});

/** A server whose output the test reads, or does not. */
async function startUnread(script: string, env: NodeJS.ProcessEnv, ...flags: string[]) {
  const port = await freePort();
  const child = spawn(process.execPath, commandFor(script, port, ...flags), {
    env: environment(env),
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const url = `http://127.0.0.1:${port}`;
  const ready = (): Promise<boolean> =>
    fetch(`${url}/ready`, { signal: AbortSignal.timeout(DEADLINE_MS) }).then(
      ({ ok }) => ok,
      () => false,
    );
  await until(ready, "the server is ready");
  const ended = new Promise<number | null>((resolve) => {
    child.once("exit", resolve);
  });
  return { child, url, ended };
}

describe.each([["text"], ["json"]])("with the log in %s", (format) => {
  test.each([["closed"], ["full"]])("whose reader has %s it, traces leave, and answers come", async (how) => {
    // Thousands of spans, each of which is also a line of the log.
    const env = { OTEL_TRACES_EXPORTER: "otlp,console", OTEL_BSP_MAX_QUEUE_SIZE: "100000" };
    const { child, url, ended } = await startUnread("score.ts", env, "--log_format", format);
    if (how === "closed") child.stdout.destroy();
    const requests = 300;
    for (let request = 0; request < requests; request++) expect(await post(url, "x")).toBe('"x"');
    await sink.waitFor((sent) => (spansOf(sent).length === requests * SPANS ? true : undefined));
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });
});

test("a script that prints 100 MB loses no span, and its answer comes", async () => {
  const { child, url, ended } = await startUnread("score.py", {});
  let bytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  expect(await post(url, "print 100000")).toBe('"print"');
  expect(await post(url, "x")).toBe('"x"');
  await sink.waitFor((sent) => (spansOf(sent).length === 2 * SPANS ? true : undefined));
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
  expect(bytes).toBeGreaterThan(100_000_000);
});
