import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { createHandler, inProcess, type LambdaResult, startService } from "../../../adapters/lambda/index.ts";
import { MAX_RESULT_BYTES } from "../../../adapters/lambda/result.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { rawHttp } from "../../../src/index.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { headerOf, until } from "../../setup/service.ts";
import { startScript } from "./driver.ts";
import { contextWith, type FrontDoor, fromResult, toEvent } from "./front-door.ts";

type Exports = Record<string, unknown>;

/** A function made of a score script that is written here. */
async function serve(script: Exports, env: Readonly<Record<string, string>> = {}) {
  let text = "";
  const write = (lines: string) => {
    text += lines;
  };
  const service = await startService(
    inProcess(async () => ({ init() {}, ...script })),
    { entryScript: "score.ts", env, write },
  );
  const handler = createHandler(service);
  return {
    handler,
    logged: () => text,
    send: async (body: string | Uint8Array, door: FrontDoor = "url", remainingMs = DEADLINE_MS) =>
      fromResult(await handler(toEvent(door, { target: "/score", body }), contextWith(remainingMs))),
  };
}

function message(body: Buffer): string {
  return JSON.parse(body.toString()).message;
}

const sample = (name: string) => JSON.parse(readFileSync(packageFile(`test/fixtures/events/${name}.json`), "utf8"));

describe("answers", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  const image = rawHttp(async (request) => {
    const body = new Uint8Array(await request.arrayBuffer());
    return new Response(body, { headers: { "Content-Type": "image/png" } });
  });

  test.for(["rest", "http", "http-stage", "url", "alb", "alb-multi"] as const)(
    "%s: bytes go in and out unharmed",
    async (door) => {
      const { send } = await serve({ run: image });
      const answer = await send(bytes, door);
      expect(answer.status).toBe(200);
      expect(answer.body.equals(bytes)).toBe(true);
      expect(headerOf(answer.headers, "content-type")).toBe("image/png");
    },
  );

  test.for([
    ["text/plain; charset=latin1", Uint8Array.of(0xe9), true],
    ["text/plain", Buffer.from("é"), false],
    ["application/problem+json", Buffer.from("{}"), false],
    ["application/octet-stream", Buffer.from("ascii"), true],
  ] as const)("%s travels as what it is", async ([type, body, isBase64Encoded]) => {
    const { handler } = await serve({
      run: rawHttp(() => new Response(body, { headers: { "Content-Type": type } })),
    });
    const result = (await handler(toEvent("url", { target: "/score", body: "" }))) as LambdaResult;
    expect(result.isBase64Encoded).toBe(isBase64Encoded);
    expect(fromResult(result).body.equals(body)).toBe(true);
  });

  test("what is compressed travels as bytes, whatever its type and its coding", async () => {
    const { handler } = await serve({
      run: rawHttp(
        () => new Response("zzz", { headers: { "Content-Type": "text/plain", "Content-Encoding": "zstd" } }),
      ),
    });
    const result = (await handler(toEvent("url", { target: "/score", body: "" }))) as LambdaResult;
    expect(result.isBase64Encoded).toBe(true);
  });

  test("cookies and repeated headers arrive as each front door takes them", async () => {
    const headers = new Headers([
      ["Set-Cookie", "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT"],
      ["Set-Cookie", "b=2"],
      ["Vary", "Origin"],
    ]);
    const { handler, logged } = await serve({ run: rawHttp(() => new Response("", { headers })) });
    const result = async (door: FrontDoor) =>
      (await handler(toEvent(door, { target: "/score", body: "" }))) as LambdaResult;
    const cookies = ["a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2"];
    expect((await result("url")).cookies).toEqual(cookies);
    expect((await result("url")).headers).not.toHaveProperty("set-cookie");
    expect((await result("rest")).multiValueHeaders).toEqual({ "set-cookie": cookies });
    expect((await result("rest")).headers).toMatchObject({ vary: "Origin" });
    expect((await result("alb-multi")).multiValueHeaders).toMatchObject({ "set-cookie": cookies, vary: ["Origin"] });
    expect((await result("alb-multi")).headers).toBeUndefined();
    expect((await result("alb")).headers).toMatchObject({ "set-cookie": cookies[0] });
    expect(logged()).toContain("1 cookies are lost");
  });

  test("a load balancer is told the status in words, too", async () => {
    const { handler } = await serve({ run: () => 1 });
    expect(await handler(toEvent("alb", { target: "/nothing" }))).toMatchObject({ statusDescription: "404 Not Found" });
  });
});

describe("what a front door would answer with a bare 502", () => {
  test("an answer of 6 MB and a byte is a 500 that says so, and the next one is answered", async () => {
    const { send, logged } = await serve({
      run: (data: string) => rawText("x".repeat(Number(data))),
    });
    const tooLarge = await send(String(MAX_RESULT_BYTES + 1));
    expect(tooLarge.status).toBe(500);
    expect(message(tooLarge.body)).toMatch(/^The answer takes .*6291556 at the most/);
    expect(logged()).toContain("The answer takes");
    expect((await send("6000000")).status).toBe(200);
    expect((await send("1100000", "alb")).status).toBe(500);
    expect((await send("1000000", "alb")).status).toBe(200);
  });

  test("what grows in transit counts with what it becomes", async () => {
    const { send } = await serve({ run: () => "\u0001".repeat(900_000) });
    const answer = await send("");
    expect(answer.status).toBe(500);
    expect(message(answer.body)).toContain("The answer takes");
  });

  test.for([
    ["status 700", 700, {}],
    ["a header beyond ASCII", 200, { "X-Name": "\u00e9" }],
  ] as const)("%s is a 500 that says so", async ([, status, headers]) => {
    const { send, logged } = await serve({
      run: rawHttp(() => Object.defineProperty(new Response("", { headers }), "status", { value: status })),
    });
    const answer = await send("");
    expect(answer.status).toBe(500);
    expect(message(answer.body)).toMatch(/AWS Lambda takes/);
    expect(logged()).toMatch(/AWS Lambda takes/);
  });

  test("base64 that was cut off is a 400", async () => {
    const { handler, logged } = await serve({ run: () => 1 });
    const event = { ...sample("http-api"), body: "eyJkYXRhIjogWzEsIDJd" + "fQ" };
    const answer = fromResult(await handler(event));
    expect(answer.status).toBe(400);
    expect(message(answer.body)).toBe("The body of the event is not complete base64.");
    expect(logged()).toContain("POST /score refused: The body of the event is not complete base64.");
    expect(fromResult(await handler(sample("http-api"))).status).toBe(200);
  });

  test("a stream that fails midway is a 500", async () => {
    const { send, logged } = await serve({
      async *run() {
        yield "first";
        throw new RangeError("later");
      },
    });
    const answer = await send("");
    expect(answer.status).toBe(500);
    expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("True");
    expect(logged()).toMatch(/cut off before its end: RangeError: later\n +at /);
  });

  test("a stream without an end is stopped", async () => {
    let isStopped = false;
    const { send } = await serve({
      async *run() {
        try {
          for (;;) yield new Uint8Array(65_536);
        } finally {
          isStopped = true;
        }
      },
    });
    expect((await send("")).status).toBe(500);
    await until(() => isStopped, "the generator is closed");
  });
});

describe("events that are no requests", () => {
  test("keep the environment warm without scoring", async () => {
    let runs = 0;
    const { handler } = await serve({ run: () => ++runs });
    await handler(sample("schedule"));
    await handler({ source: "serverless-plugin-warmup" });
    expect(runs).toBe(0);
  });
});

describe("the time limit", () => {
  const DEADLINE = /^The request was not answered within \d+ ms/;

  test("is answered by us with 504, and the script's signal aborts", async () => {
    let aborted = false;
    const { send, logged } = await serve({
      run: async (_data: string, { signal }: { signal: AbortSignal }) => {
        await delay(30_000, undefined, { signal }).catch(() => {
          aborted = true;
        });
      },
    });
    const answer = await send("", "url", 400);
    expect(answer.status).toBe(504);
    expect(message(answer.body)).toMatch(DEADLINE);
    expect(headerOf(answer.headers, "x-request-id")).toBeDefined();
    expect(aborted).toBe(true);
    expect(logged()).toMatch(/ W \[\d+\] azmlinfsrv - The request was not answered within/);
  });

  test("holds while a streamed answer is collected", async () => {
    const { send } = await serve({
      async *run() {
        yield "first";
        await new Promise(() => {});
      },
    });
    expect((await send("", "url", 300)).status).toBe(504);
  });

  test("leaves no timer behind", async () => {
    const { send } = await serve({ run: () => 1 });
    const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    await send("");
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length).toBe(before);
  });

  const python = async (script: string, env = {}) => {
    const service = await startScript(script, "python", env);
    onTestFinished(() => service.runtime.close(0));
    const handler = createHandler(service);
    const send = async (body: string, remainingMs = DEADLINE_MS) =>
      fromResult(await handler(toEvent("url", { target: "/score", body }), contextWith(remainingMs)));
    const pids = () => [...service.logged().matchAll(/Worker with pid (\d+) ready/g)].map(([, pid]) => pid);
    return { send, pids, logged: service.logged };
  };

  test("Python: a script that can be interrupted keeps its worker", async () => {
    const { send, pids } = await python("sleeps.py");
    expect((await send("30", 400)).status).toBe(504);
    expect((await send("0")).status).toBe(200);
    expect(pids()).toHaveLength(1);
  });

  test("Python: one that cannot has its worker replaced before the next request", async () => {
    const { send, pids, logged } = await python("never_returns.py");
    expect((await send("swallow", 600)).status).toBe(504);
    expect(logged()).toContain("starting another");
    expect((await send("")).status).toBe(200);
    expect(pids()).toHaveLength(2);
  });

  test("Python: SCORING_TIMEOUT_MS leaves nothing running either", async () => {
    const { send, logged } = await python("never_returns.py", { SCORING_TIMEOUT_MS: "200" });
    const answer = await send("native");
    expect(answer.status).toBe(500);
    expect(message(answer.body)).toBe("Scoring timeout after 200 ms");
    expect(logged()).toContain("starting another");
  });

  test("Python: a worker that dies is replaced, as often as it takes", async () => {
    const { send } = await python("dies.py");
    for (let round = 0; round < 4; round++) expect((await send("exit")).status).toBe(500);
  });
});

describe("several requests at a time, as on Managed Instances", () => {
  test.for([
    ["echo.py", "python"],
    ["echo.ts", "typescript"],
  ] as const)("%s: each gets its own answer", async ([script, language]) => {
    const service = await startScript(script, language);
    onTestFinished(() => service.runtime.close(0));
    const handler = createHandler(service);
    for (let round = 0; round < 20; round++) {
      const bodies = Array.from({ length: 5 }, (_, index) => `${round}-${index}`);
      const answers = await Promise.all(
        bodies.map((body) => handler(toEvent("url", { target: "/score", body }), contextWith(DEADLINE_MS))),
      );
      expect(answers.map((answer) => JSON.parse(fromResult(answer).body.toString()))).toEqual(bodies);
    }
  });

  test("Python: all that wait until a hanging worker is replaced are answered", async () => {
    const service = await startScript("never_returns.py", "python");
    onTestFinished(() => service.runtime.close(0));
    const handler = createHandler(service);
    const send = async (body: string, ms: number) =>
      fromResult(await handler(toEvent("url", { target: "/score", body }), contextWith(ms))).status;
    const hanging = Array.from({ length: 5 }, () => send("swallow", 500));
    expect(await Promise.all(hanging)).toEqual([504, 504, 504, 504, 504]);
    expect(await send("", DEADLINE_MS)).toBe(200);
  });
});

describe("a function that cannot score", () => {
  test("says why for each request, and lives", async () => {
    const { send, handler, logged } = await serve(
      {
        init() {
          throw new RangeError("no model");
        },
        run: () => 1,
      },
      { SCOREFN_ERROR_DETAIL: "location" },
    );
    for (let round = 0; round < 2; round++) {
      const answer = await send("{}");
      expect(answer.status).toBe(503);
      expect(JSON.parse(answer.body.toString()).error).toMatchObject({ type: "RangeError", message: "no model" });
    }
    expect(fromResult(await handler(toEvent("url", { target: "/" }))).body.toString()).toBe("Healthy");
    expect(fromResult(await handler(toEvent("url", { target: "/ready" }))).status).toBe(503);
    expect(logged()).toContain("RangeError: no model");
  });

  test("tells clients nothing more unless it is told to", async () => {
    const { send } = await serve({
      init() {
        throw new RangeError("no model");
      },
      run: () => 1,
    });
    expect(JSON.parse((await send("{}")).body.toString())).toEqual({
      message: "The scoring script could not be started. Check the logs for more info.",
    });
  });

  test("answers 503 for settings that cannot be used", async () => {
    const { send, logged } = await serve({ run: () => 1 }, { SCORING_TIMEOUT_MS: "soon" });
    expect((await send("{}")).status).toBe(503);
    expect(logged()).toMatch(/ C \[\d+\] azmlinfsrv - .*SCORING_TIMEOUT_MS/);
  });

  test("answers 503 where there is no Python", async () => {
    const service = await startScript("echo.py", "python", { SCOREFN_PYTHON: "/nowhere/python3" });
    const answer = fromResult(await createHandler(service)(toEvent("url", { target: "/score", body: "{}" })));
    expect(answer.status).toBe(503);
    expect(service.logged()).toContain("no Python interpreter found");
  });
});

function rawText(text: string): unknown {
  return text;
}

afterEach(() => {
  for (const name of ["AZUREML_ENTRY_SCRIPT", "SCORING_TIMEOUT_MS"]) delete process.env[name];
});
