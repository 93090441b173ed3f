// What has gone wrong on this host, for others, at one time: each case in both transports.
import { setTimeout as delay } from "node:timers/promises";
import { HttpRequest, InvocationContext } from "@azure/functions";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { inProcess } from "../../../adapters/azure/service.ts";
import type { LocalRequest, LocalResponse } from "../../../packaging/azure-functions/local-host.ts";
import type { HeaderList, RunCall, RunOutcome, ScoreRuntime } from "../../../src/host.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { echoRuntime, modelSettings } from "../../setup/echo-model.ts";
import { type AppParts, startApp, startHandler, type Transport } from "./host.ts";

const FAILED = '{"message": "An unexpected error occurred in scoring script. Check the logs for more info."}';
const INTERNAL = '{"message": "An unexpected internal error occurred. Check the logs for more info."}';
const NOT_STARTED = '{"message": "The scoring script could not be started. Check the logs for more info."}';

export function describeHardCases(transport: Transport): void {
  const streaming = transport === "streaming";
  /** A client that gets no answer was forgotten. */
  const limits = { limitMs: DEADLINE_MS };

  /** An app whose run() is `answer`. */
  const answering = (answer: (call: RunCall) => RunOutcome | Promise<RunOutcome>, parts: AppParts = {}) =>
    startHandler(transport, runtimeOf(answer), parts, limits);
  const response = (more: Partial<Extract<RunOutcome, { kind: "response" }>>): RunOutcome => ({
    kind: "response",
    status: 200,
    headers: [],
    body: "",
    execMs: 0,
    fromScript: true,
    ...more,
  });

  describe(`Azure Functions, ${transport}: routes`, () => {
    test("methods that a route does not take are told so, and every route knows HEAD and OPTIONS", async () => {
      const { send } = await startApp(transport, "echo.ts", {}, limits);
      const ask = async (method: string, target: string) => (await send({ method, target })).status;
      for (const target of ["/", "/swagger.json"]) {
        for (const method of ["GET", "HEAD", "OPTIONS"])
          expect([method, await ask(method, target)]).toEqual([method, 200]);
        for (const method of ["POST", "PUT", "PATCH", "DELETE"])
          expect([method, await ask(method, target)]).toEqual([method, 405]);
      }
      for (const method of ["GET", "POST", "OPTIONS"])
        expect([method, await ask(method, "/score")]).toEqual([method, 200]);
      for (const method of ["HEAD", "PUT", "PATCH", "DELETE"])
        expect([method, await ask(method, "/score")]).toEqual([method, 405]);
      expect(await ask("TRACE", "/score")).toBe(404);
      expect(await ask("GET", "/admin/functions")).toBe(404);
    });

    test("a HEAD answer says how long the body would be", async () => {
      const { send } = await startApp(transport, "echo.ts", {}, limits);
      const answer = await send({ method: "HEAD", target: "/" });
      expect(headersOf(answer)).toMatchObject({ "content-length": "7", "content-type": "text/html; charset=utf-8" });
      expect(answer.body.length).toBe(0);
    });

    test("an answer's length is told", async () => {
      const { send } = await startApp(transport, "echo.ts", {}, limits);
      const answer = await send({ target: "/score", body: "é" });
      expect(headersOf(answer)["content-length"]).toBe(String(answer.body.length));
      expect(headersOf(await send({ method: "OPTIONS", target: "/score" }))["content-length"]).toBe("0");
    });

    test("only /score asks for a key, as the setting has it", async () => {
      const levels = async (env: Record<string, string>) => {
        const { functions } = await startApp(transport, "echo.ts", env);
        const triggers = functions.flatMap(({ name, bindings }) =>
          Object.values(bindings).map((binding) => ({ ...binding, name })),
        );
        return triggers
          .filter(({ type }) => type === "httpTrigger")
          .map(({ name, authLevel }) => `${name} ${authLevel}`);
      };
      const open = ["liveness anonymous", "readiness anonymous"];
      expect(await levels({})).toEqual([...open, "score function", "swagger anonymous"]);
      const given = await levels({ SCOREFN_FUNCTIONS_AUTH_LEVEL: "anonymous" });
      expect(given).toEqual([...open, "score anonymous", "swagger anonymous"]);
      const wrong = await levels({ SCOREFN_FUNCTIONS_AUTH_LEVEL: "nobody" });
      expect(wrong).toEqual([...open, "score function", "swagger anonymous"]);
    });
  });

  test("of a model, all that could score asks for a key; its probes do not, and GET /version", async () => {
    const { env, remove } = await modelSettings();
    onTestFinished(remove);
    const { functions, send } = await startApp(transport, "", env, { ...limits, createRuntime: echoRuntime() });
    const levels = functions
      .filter(({ bindings }) => Object.values(bindings).some(({ type }) => type === "httpTrigger"))
      .map(({ name, bindings }) => `${name} ${Object.values(bindings)[0]?.authLevel}`);
    expect(levels.filter((level) => level.endsWith(" function"))).toEqual([
      "score function",
      "inference function",
      "invocations function",
    ]);
    const open = ["liveness", "readiness", "swagger", "inferenceHealth", "ping", "health", "version"];
    expect(levels.filter((level) => level.endsWith(" anonymous")).sort()).toEqual(
      open.map((name) => `${name} anonymous`).sort(),
    );
    // A key in the query is nobody else's business.
    const answer = await send({ target: "/v2/models/iris/infer?code=secret", body: "{}" });
    expect(answer.status).toBe(200);
  });

  describe(`Azure Functions, ${transport}: requests`, () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);

    test("bytes arrive and leave unchanged", async () => {
      const { send } = await answering(({ body }) => response({ body }));
      const answer = await send({ target: "/score", body: bytes });
      expect([...answer.body]).toEqual([...bytes]);
      expect(headersOf(answer)["content-type"]).toBeUndefined();
    });

    test("a body without a length", async () => {
      const { send } = await answering(({ body }) => response({ body: String(body.length) }));
      const answer = await send({ target: "/score", body: "x".repeat(100_000), chunked: true });
      // Without streaming the host drops it.
      expect(answer.body.toString()).toBe(streaming ? "100000" : "0");
    });

    test("an empty body is empty", async () => {
      const { send } = await answering(({ body }) => response({ body: String(body.length) }));
      expect((await send({ method: "POST", target: "/score" })).body.toString()).toBe("0");
      expect((await send({ target: "/score", body: "" })).body.toString()).toBe("0");
    });

    test("repeated query parameters arrive as they were sent", async () => {
      const { send } = await answering(({ query }) => response({ body: query }));
      expect((await send({ target: "/score?a=1&a=2&b=%C3%A9", body: "x" })).body.toString()).toBe("a=1&a=2&b=%C3%A9");
    });

    test("the function key reaches neither script nor log", async () => {
      const { send, text } = await answering(
        ({ headers, query, body }) => response({ body: `${JSON.stringify(headers)} ${query} ${body}` }),
        { takes: "request" },
      );
      for (const method of ["GET", "POST"]) {
        const answer = await send({
          method,
          target: "/score?a=1&c%6fde=SECRET&b=2",
          headers: [
            ["X-Functions-Key", "SECRET"],
            ["Referer", "https://a.example/score?code=SECRET"],
          ],
        });
        expect(answer.body.toString()).toContain("a=1&b=2");
        expect(answer.body.toString()).not.toContain("SECRET");
        expect(text()).toContain(`${method} /score?a=1&code=***&b=2 200`);
      }
      expect(text()).not.toContain("SECRET");
      const { send: ask } = await startApp(transport, "echo.ts", {}, limits);
      expect((await ask({ target: "/score?a=1&Code=SECRET" })).body.toString()).toBe(JSON.stringify('{"a": 1}'));
    });

    // Without HTTP streaming the host hands over no chunked body at all.
    test.for(streaming ? [false, true] : [false])(
      "a body beyond the limit is refused with 413 (chunked: %s)",
      async (chunked) => {
        const { send } = await startApp(transport, "echo.ts", { SCOREFN_MAX_BODY_MB: "1" }, limits);
        const answer = await send({ target: "/score", body: "x".repeat(1_048_577), chunked });
        expect(answer.status).toBe(413);
        expect(answer.body.toString()).toBe('{"message": "The request body is larger than 1048576 bytes."}');
        expect((await send({ target: "/score", body: "x".repeat(1_048_576), chunked })).status).toBe(200);
      },
    );

    test.for([
      ["a query parameter", { target: "/score?headers=x", body: '"plain"' }],
      [
        "a query parameter with other headers",
        { target: `/score?headers=${encodeURIComponent('{"x-request-id":"other"}')}`, body: '"plain"' },
      ],
      ["a member of the body", { target: "/score", body: '{"headers": {"content-type": "text/plain"}}' }],
      ["a text in the body", { target: "/score", body: '{"headers": "x", "data": [1]}' }],
    ] as [string, LocalRequest][])("a request whose headers are shadowed by %s is scored", async ([, request]) => {
      const { send } = await startApp(transport, "echo.ts", {}, limits);
      const headers: HeaderList = [
        ["content-type", "application/json"],
        ["x-request-id", "mine"],
      ];
      const answer = await send({ ...request, headers });
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body.toString())).toBe(request.body);
      expect(headersOf(answer)["x-request-id"]).toBe("mine");
    });

    test.for([
      ["a query parameter", { target: `/score?headers=${encodeURIComponent('{"a b": "x"}')}`, body: '"plain"' }],
      ["a member of the body", { target: "/score", body: '{"headers": {"a b": "x"}}' }],
    ] as [string, LocalRequest][])("a request whose headers are spoilt by %s is answered", async ([, request]) => {
      const { send } = await startApp(transport, "echo.ts", {}, limits);
      const answer = await send({ ...request, headers: [["x-request-id", "mine"]] });
      // The library cannot make a request of it for the handler, and drops it.
      expect(answer.status).toBe(streaming ? 400 : 200);
      expect(headersOf(answer)["x-request-id"]).toBe("mine");
      expect((await send({ target: "/score", body: '"next"' })).status).toBe(200);
    });

    test("members of the body do not become parameters", async () => {
      const { send } = await answering(({ headers, query, path }) =>
        response({ body: JSON.stringify([path, query, headers["x-a"]]) }),
      );
      const answer = await send({ target: "/score", body: '{"path": "/", "query": "q", "x-a": "1"}' });
      expect(JSON.parse(answer.body.toString())).toEqual(["/score", "", null]);
    });

    test("the trace context and the request's id reach the script", async () => {
      const traceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
      const answer = ({ headers, requestId }: RunCall) => response({ body: `${headers.traceparent} ${requestId}` });
      const { send } = await startHandler(transport, runtimeOf(answer), {}, { ...limits, traceParent });
      const headers: HeaderList = [
        ["traceparent", "00-the-clients-own"],
        ["x-request-id", "R"],
      ];
      expect((await send({ target: "/score", headers, body: "x" })).body.toString()).toBe(`${traceParent} R`);
    });
  });

  describe(`Azure Functions, ${transport}: answers`, () => {
    test.for([
      [204, ""],
      [205, ""],
      [304, ""],
      [200, "body"],
      [599, "body"],
    ] as const)("status %i is answered with the body %j", async ([status, text]) => {
      const { send } = await answering(() => response({ status, body: "body" }));
      const answer = await send({ target: "/score", body: "x" });
      expect([answer.status, answer.body.toString()]).toEqual([status, text]);
    });

    test.for([600, 999])(
      "status %i, which the library cannot send, is an error that the log explains",
      async (status) => {
        const { send, text } = await answering(() => response({ status }));
        const answer = await send({ target: "/score", body: "x", headers: [["x-request-id", "R"]] });
        const message = `Azure Functions takes statuses from 200 to 599; this is ${status}`;
        expect([answer.status, answer.body.toString()]).toEqual([500, `{"message": "${message}"}`]);
        expect(headersOf(answer)["x-request-id"]).toBe("R");
        expect(text()).toContain(message);
      },
    );

    test("a header that HTTP does not allow is an error", async () => {
      for (const header of [
        ["x-a", "1\r\nx-b: 2"],
        ["x a", "1"],
        ["x-a", "日"],
        ["x-a", "\u0001"],
      ] as const) {
        const { send } = await answering(() => response({ headers: [header] }));
        expect((await send({ target: "/score", body: "x" })).status).toBe(500);
      }
    });

    test("a header of ours that HTTP does not allow is an error too", async () => {
      const { send } = await startApp(
        transport,
        "echo.ts",
        { SERVER_VERSION_LOG_RESPONSE_ENABLED: "no", HTTP_X_MS_SERVER_VERSION: "日" },
        limits,
      );
      const answer = await send({ target: "/" });
      expect([answer.status, answer.body.toString()]).toEqual([500, INTERNAL]);
    });

    test("one cookie is sent as it is", async () => {
      const cookie = 'a="b=c"; Path=/; Priority=High';
      const { send } = await answering(() => response({ headers: [["Set-Cookie", cookie]] }));
      expect(cookiesOf(await send({ target: "/score", body: "x" }))).toEqual([cookie]);
    });

    test("several cookies are all sent, and one that cannot be is left out", async () => {
      const headers: HeaderList = [
        ["Set-Cookie", "a=1; Max-Age=60; Path=/x; HttpOnly; SameSite=lax"],
        ["set-cookie", "b=%20; Domain=example.com; Secure"],
        ["Set-Cookie", "c=3; Expires=Fri, 20 Nov 2026 10:00:00 GMT"],
        ["Set-Cookie", "no cookie"],
        ["Set-Cookie", "d=4; Domain=not a domain"],
      ];
      const { send, text } = await answering(() => response({ headers, body: "x" }));
      const answer = await send({ target: "/score", body: "x" });
      expect(answer.body.toString()).toBe("x");
      expect(cookiesOf(answer)).toEqual([
        "a=1; Max-Age=60; Path=/x; HttpOnly; SameSite=Lax",
        "b=%20; Domain=example.com; Secure",
        "c=3; Expires=Fri, 20 Nov 2026 10:00:00 GMT",
      ]);
      expect(text()).toContain('A cookie cannot be sent beside others: "no cookie"');
    });

    test("a stream that fails midway ends", async () => {
      const body = async function* () {
        yield Buffer.from("first");
        await delay(5);
        throw new Error("in the middle");
      };
      const { send, text } = await answering(() => response({ body: body(), fromScript: false }));
      const answer = await send({ target: "/score", body: "x" });
      if (streaming) expect([answer.status, answer.body.toString(), answer.complete]).toEqual([200, "first", true]);
      else expect([answer.status, answer.body.toString()]).toEqual([500, FAILED]);
      expect(text()).toContain("in the middle");
    });

    if (streaming) {
      test("a stream of rows that fails midway says so in its last row", async () => {
        const { send } = await startApp(transport, "rows_fail_later.ts", {}, limits);
        const answer = await send({ target: "/score", body: "x" });
        expect(answer.body.toString()).toBe(`{"n":1}\n${FAILED}\n`);
      });
    }

    test("the answer to HEAD ends a stream that nobody will read", async () => {
      let ended = false;
      const body = (async function* () {
        try {
          for (;;) yield Buffer.from("x");
        } finally {
          ended = true;
        }
      })();
      await body.next();
      const { send } = await answering(() => response({ body }), { takes: "request" });
      expect((await send({ method: "HEAD", target: "/score" })).status).toBe(200);
      expect(ended).toBe(true);
    });
  });

  describe(`Azure Functions, ${transport}: failures`, () => {
    test("a script that fails is answered", async () => {
      const { send } = await startApp(transport, "raises.ts", {}, limits);
      const answer = await send({ target: "/score", body: "price" });
      expect([answer.status, answer.body.toString()]).toEqual([500, FAILED]);
    });

    test.for([
      ["throws", "broken/init_throws.ts", {}, "no model"],
      ["is missing", "no_such_script.ts", {}, "No such file"],
      ["has no interpreter", "echo.py", { SCOREFN_PYTHON: "/no/such/python" }, "/no/such/python"],
      ["has settings that cannot be used", "echo.ts", { SCOREFN_MAX_QUEUE: "many" }, "SCOREFN_MAX_QUEUE"],
    ] as [string, string, Record<string, string>, string][])(
      "a script that %s is answered 503 with the reason in the log",
      async ([, script, env, reason]) => {
        const { send, text } = await startApp(transport, script, env, limits);
        const answer = await send({ target: "/score", body: "x" });
        expect([answer.status, answer.body.toString()]).toEqual([503, NOT_STARTED]);
        expect(headersOf(answer)["content-type"]).toBe("application/json");
        expect((await send({ target: "/" })).body.toString()).toBe("Healthy");
        expect((await send({ target: "/ready" })).status).toBe(503);
        expect(text()).toContain(reason);
      },
    );

    test("the reason is told to the client where the setting allows it", async () => {
      const { send } = await startApp(transport, "broken/init_throws.ts", { SCOREFN_ERROR_DETAIL: "location" }, limits);
      const { error } = JSON.parse((await send({ target: "/score", body: "x" })).body.toString());
      expect(error).toMatchObject({ message: "no model", location: { file: "broken/init_throws.ts" } });
    });

    test("a core that breaks its promises is answered for", async () => {
      for (const broken of [undefined, null, {}, { status: 200 }] as never[]) {
        const { send } = await startHandler(transport, { handle: async () => broken }, {}, limits);
        const answer = await send({ target: "/score", body: "x" });
        expect(answer.status).toBe(500);
        expect(JSON.parse(answer.body.toString())).toEqual({ message: expect.any(String) });
      }
      const { send } = await startHandler(
        transport,
        { handle: () => Promise.reject(new Error("unexpected")) },
        {},
        limits,
      );
      expect((await send({ target: "/score", body: "x" })).status).toBe(500);
    });

    test("a request is ended before the front end gives it up", async () => {
      const { send } = await startHandler(
        transport,
        runtimeOf(
          ({ signal }) =>
            new Promise((_resolve, reject) => {
              signal?.addEventListener("abort", () => reject(signal.reason));
            }),
        ),
        { limitMs: 50 },
        limits,
      );
      const answer = await send({ target: "/score", body: "x" });
      expect(answer.status).toBe(504);
      expect(answer.body.toString()).toBe(
        '{"message": "The request was not answered within 50 ms, the time it has here"}',
      );
    });
  });

  describe(`Azure Functions, ${transport}: what never ends`, () => {
    const never = () => new Promise<never>(() => {});
    const late = [504, '{"message": "The request was not answered within 50 ms, the time it has here"}'];

    test.for([
      ["init()", { start: never, run: never }, "POST"],
      ["init(), before the script is known", { start: never, run: never }, "GET"],
      ["run(), deaf to being aborted", { run: never }, "POST"],
    ] as [string, Pick<ScoreRuntime, "run">, string][])("%s", async ([, runtime, method]) => {
      const { send } = await startHandler(transport, runtime, { limitMs: 50 }, limits);
      const answer = await send({ method, target: "/score", headers: [["x-request-id", "R"]] });
      expect([answer.status, answer.body.toString()]).toEqual(late);
      expect(headersOf(answer)["x-request-id"]).toBe("R");
    });

    test("a core that is deaf", async () => {
      const { send } = await startHandler(transport, { handle: never }, { limitMs: 50 }, limits);
      const answer = await send({ target: "/score", body: "x" });
      expect([answer.status, answer.body.toString()]).toEqual(late);
    });

    if (!streaming) {
      test("a streamed answer that has to be collected", async () => {
        let left = false;
        const body = (async function* () {
          try {
            for (;;) {
              yield Buffer.from("x");
              await delay(5);
            }
          } finally {
            left = true;
          }
        })();
        const { send } = await startHandler(
          transport,
          runtimeOf(() => response({ body })),
          { limitMs: 50 },
          limits,
        );
        const answer = await send({ target: "/score", body: "x" });
        expect([answer.status, answer.body.toString()]).toEqual(late);
        await vi.waitUntil(() => left, DEADLINE_MS);
      });
    }
  });

  test(`Azure Functions, ${transport}: a body that never comes`, async () => {
    const stalled = new HttpRequest({ method: "POST", url: "http://localhost/score", body: { string: "x" } });
    Object.defineProperty(stalled, "body", { value: new ReadableStream() });
    const { handler } = await startHandler(transport, { handle: () => new Promise(() => {}) }, { limitMs: 50 }, limits);
    expect(await handler(stalled, new InvocationContext({ logHandler: () => {} }))).toMatchObject({ status: 504 });
  });

  test(`Azure Functions, ${transport}: a log that fails does not cost the answer`, async () => {
    const { handler } = await startHandler(transport, { handle: () => Promise.reject("odd") }, {}, limits);
    const context = new InvocationContext({
      logHandler: () => {
        throw new Error("no log");
      },
    });
    const request = new HttpRequest({ method: "GET", url: "http://localhost/score" });
    expect(await handler(request, context)).toMatchObject({ status: 500 });
  });

  describe(`Azure Functions, ${transport}: life`, () => {
    test("ten first requests at a time, and the start, cause one init()", async () => {
      let inits = 0;
      const script = {
        async init() {
          inits++;
          await delay(20);
        },
        run: (data: string) => data,
      };
      const createRuntime = inProcess(async () => script);
      const { send, trigger } = await startApp(transport, "score.ts", {}, { ...limits, createRuntime, hooks: false });
      const answers = await Promise.all([
        trigger("warmup"),
        ...Array.from({ length: 10 }, () => send({ target: "/score", body: "x" })),
      ]);
      expect(answers.slice(1).map((answer) => (answer as LocalResponse).status)).toEqual(Array(10).fill(200));
      expect(inits).toBe(1);
    });

    test("records go to the invocation that wrote them", async () => {
      const { send, logged } = await startApp(transport, "echo.ts", {}, limits);
      await Promise.all(["a", "b", "c"].map((query) => send({ target: `/score?${query}`, body: "x" })));
      const records = ["a", "b", "c"].map((query) =>
        logged.find(({ text }) => text.includes(`POST /score?${query} 200`)),
      );
      expect(new Set(records.map((record) => record?.invocationId)).size).toBe(3);
      expect(records.map((record) => record?.level)).toEqual(Array(3).fill("information"));
      expect(logged.every(({ text }) => !text.includes("Unexpected call to 'log'"))).toBe(true);
    });

    test("what fails is logged as an error", async () => {
      const { send, logged } = await startApp(transport, "raises.ts", {}, limits);
      await send({ target: "/score", body: "price" });
      expect(logged.some(({ level, text }) => level === "error" && text.includes("Encountered Exception"))).toBe(true);
    });

    test("requests after the end of the app are turned away", async () => {
      const { send, terminate } = await startApp(transport, "echo.ts", {}, limits);
      await terminate();
      expect((await send({ target: "/score", body: "x" })).status).toBe(503);
    });
  });
}

function runtimeOf(run: (call: RunCall) => RunOutcome | Promise<RunOutcome>): Pick<ScoreRuntime, "run"> {
  return { run: async (call) => run(call) };
}

function headersOf({ headers }: LocalResponse): Record<string, string> {
  return Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
}

function cookiesOf({ headers }: LocalResponse): string[] {
  return headers.filter(([name]) => name.toLowerCase() === "set-cookie").map(([, value]) => value);
}
