import { createServer, type Server, request as sendRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { startCustomHandler } from "../../../adapters/azure/custom-handler.ts";
import { buildAzure } from "../../../packaging/azure-functions/build.ts";
import { createRuntime, inProcess } from "../../../src/host.ts";
import { type CreateDriver, describeConformance } from "../../conformance.ts";
import { describeModelConformance } from "../../conformance-models.ts";
import { sendTo } from "../../setup/http-client.ts";
import { freePort, startServer } from "../../setup/server.ts";
import { SCRIPTS, type TemporaryFolder, temporaryFolder, until } from "../../setup/service.ts";
import { describeGenerated } from "./generated.ts";
import { INTERNAL, named, startSink } from "./sink.ts";

const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The host's proxy in front of a custom handler: streams both ways, keeps method, target, status and headers, and cuts
 *  off what the handler cuts off. */
async function startProxy(port: number): Promise<{ server: Server; port: number }> {
  const server = createServer((incoming, outgoing) => {
    const headers = [...endToEnd(incoming.rawHeaders), "X-Forwarded-Host", "localhost", "X-Forwarded-Proto", "https"];
    if (incoming.headers["transfer-encoding"] !== undefined) headers.push("Transfer-Encoding", "chunked");
    const { method, url: path } = incoming;
    const onward = sendRequest({ port, host: "127.0.0.1", method, path, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, endToEnd(answer.rawHeaders));
      pipeline(answer, outgoing, () => {});
    });
    onward.once("error", () => outgoing.destroy());
    pipeline(incoming, onward, () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

function endToEnd(raw: readonly string[]): string[] {
  return raw.filter((_text, index) => !HOP_BY_HOP.has(raw[index - (index % 2)]!.toLowerCase()));
}

const createDriver: CreateDriver = async (script, env, runtimeOf = createRuntime) => {
  let logged = "";
  const handler = await startCustomHandler({
    createRuntime: runtimeOf,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      AML_APP_ROOT: SCRIPTS,
      AZUREML_ENTRY_SCRIPT: script,
      FUNCTIONS_CUSTOMHANDLER_PORT: String(await freePort()),
      ...env,
    },
    write: (text) => {
      logged += text;
    },
  });
  await handler.ready();
  const proxy = await startProxy(handler.port);
  return {
    send: (request) => sendTo(proxy.port, false, request),
    logged: () => logged,
    async close() {
      proxy.server.closeAllConnections();
      proxy.server.close();
      await handler.close();
    },
  };
};

// What this host changes: it adds X-Forwarded headers, and its proxy is not promised to keep odd targets and spellings.
const carries = { streams: true, anyTarget: false, exactNames: false };

describeConformance("Azure Functions, custom handler, TypeScript", {
  language: "typescript",
  createDriver,
  ...carries,
});

for (const language of ["typescript", "python"] as const) {
  describeGenerated(`Azure Functions, custom handler, ${language}`, { language, createDriver, library: false });
}

test("a request is ended before the front end gives it up", async () => {
  const handler = await startCustomHandler({
    createRuntime: inProcess(async () => ({ init() {}, run: () => new Promise(() => {}) })),
    env: { FUNCTIONS_CUSTOMHANDLER_PORT: String(await freePort()), AZUREML_ENTRY_SCRIPT: "score.ts" },
    write: () => {},
    limitMs: 50,
  });
  onTestFinished(handler.close);
  const answer = await sendTo(handler.port, false, { target: "/score", body: "x" });
  expect(answer.status).toBe(504);
  expect(answer.body.toString()).toContain("was not answered within 50 ms");
});

test("the function key reaches neither script nor log", async () => {
  const { send, logged, close } = await createDriver("echo.ts", {});
  onTestFinished(close);
  const answer = await send({
    target: "/score?a=1&c%6fde=SECRET",
    headers: [
      ["X-Functions-Key", "SECRET"],
      ["Referer", "https://a.example/score?code=SECRET"],
    ],
  });
  expect(answer.body.toString()).toBe(JSON.stringify('{"a": 1}'));
  await until(() => logged().includes('"GET /score?a=1&code=*** HTTP/1.1" 200'), "the access record");
  expect(logged()).toContain("GET /score?a=1&code=*** 200");
  expect(logged()).toContain('"https://a.example/score?code=***"');
  expect(logged()).not.toContain("SECRET");
});

test.for(["request_headers.ts", "request_headers.py"])("what %s does is a part of the host's span", async (script) => {
  const { env, spans: sent } = await startSink();
  onTestFinished(() => void vi.unstubAllEnvs());
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const { send, close } = await createDriver(script, env);
  const [trace, span] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
  const headers = [["traceparent", `00-${trace}-${span}-01`]] as const;
  expect((await send({ target: "/score", headers, body: "x" })).status).toBe(200);
  await close();
  const spans = sent();
  expect(spans.map(({ name }) => name).sort()).toEqual(["queue", "run", "score"]);
  expect(spans.map(({ kind, traceId }) => [kind, traceId])).toEqual(spans.map(() => [INTERNAL, trace]));
  const score = named(spans, "score");
  expect(score.parentSpanId).toBe(span);
  expect(score.attributes).toMatchObject({ "http.response.status_code": 200 });
  expect(spans.filter(({ parentSpanId }) => parentSpanId === score.spanId).length).toBe(2);
});

describe("a custom handler that was built", () => {
  let folder: TemporaryFolder;
  beforeAll(async () => {
    folder = await temporaryFolder();
  });
  afterAll(() => folder.remove());

  async function start(script: string, env: Record<string, string> = {}) {
    const out = folder.file(script.replaceAll("/", "-"));
    await buildAzure({ entryScript: join(SCRIPTS, script), out, template: "custom-handler" });
    const port = await freePort();
    const { PATH, HOME } = process.env;
    const server = startServer({
      command: process.execPath,
      args: ["dist/server.mjs"],
      cwd: out,
      env: { PATH, HOME, FUNCTIONS_CUSTOMHANDLER_PORT: String(port), ...env },
      port,
    });
    await server.waitReady("/");
    return server;
  }

  test.for(["echo.ts", "echo.py"])("serves %s on the port it is given, and ends when it is told to", async (script) => {
    const server = await start(script);
    const answer = await fetch(`${server.url}/score`, { method: "POST", body: "{}" });
    expect([answer.status, await answer.json()]).toEqual([200, "{}"]);
    expect(await server.stop()).toBe(0);
  });

  test("sends its last spans when it is told to end", async () => {
    const { env, spans } = await startSink();
    const server = await start("length.ts", env);
    await fetch(`${server.url}/score`, { method: "POST", body: "{}" });
    expect(await server.stop()).toBe(0);
    expect(spans().map(({ name, kind }) => [name, kind])).toContainEqual(["score", INTERNAL]);
  });

  test("lives although init() fails, and answers with the reason", async () => {
    const server = await start("broken/init_throws.ts", { SCOREFN_ERROR_DETAIL: "location" });
    const answer = await fetch(`${server.url}/score`, { method: "POST", body: "{}" });
    const { error } = (await answer.json()) as { error: { message: string; location: { file: string } } };
    expect([answer.status, error.message, error.location.file]).toEqual([503, "no model", "init_throws.ts"]);
    expect(await server.stop()).toBe(0);
  });
});

describeModelConformance("Azure Functions, custom handler", { createDriver, anyTarget: true });
