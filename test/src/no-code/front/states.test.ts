// What is answered for a model by what is known of it: while it loads, with parts of a repository broken, and for what it costs.
import { afterEach, describe, expect, test } from "vitest";
import { BadInputError } from "../../../../src/core/errors.ts";
import {
  brokenFacts,
  type EchoOptions,
  echoFacts,
  echoRuntime,
  FAILURE,
  loadFailure,
  modelSettings,
  repositorySettings,
} from "../../../setup/echo-model.ts";
import { type Answer, createService, headerOf, type Service } from "../../../setup/service.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(options: EchoOptions, more: Readonly<Record<string, string>> = {}, of = modelSettings) {
  const { env, remove } = await of();
  const service = createService("", { ...env, ...more }, echoRuntime(options));
  cleanups.push(remove, service.close);
  return service;
}

const json = ({ text }: Answer): unknown => JSON.parse(text);
const posted = { method: "POST", headers: { "content-type": "application/json" }, body: Buffer.from("{}") };

describe("while the model loads", () => {
  async function loading(): Promise<{ service: Service; loaded: () => void }> {
    let loaded: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      loaded = resolve;
    });
    const service = await serve({ loading: () => gate });
    void service.runtime.start();
    return { service, loaded };
  }

  test("probes say so at once, by the model's name", async () => {
    const { service, loaded } = await loading();
    const error = "Model 'iris' is loading.";
    expect(json(await service.get("/v2/health/live"))).toEqual({ live: true });
    expect((await service.get("/v2")).status).toBe(200);
    for (const path of ["/v2/health/ready", "/v2/models/iris/ready"]) {
      const answer = await service.get(path);
      expect([answer.status, json(answer)]).toEqual([503, expect.objectContaining({ ready: false, error })]);
    }
    for (const path of ["/ping", "/health"]) {
      const answer = await service.get(path);
      expect([answer.status, json(answer)]).toEqual([503, { error_code: "TEMPORARILY_UNAVAILABLE", message: error }]);
    }
    loaded();
  });

  test("requests and metadata wait for it", async () => {
    const { service, loaded } = await loading();
    const waiting = Promise.all([
      service.get("/v2/models/iris"),
      service.get("/v2/repository/index", posted),
      service.get("/v2/models/iris/infer", posted),
      service.get("/v2/models/nope/infer", posted),
      service.get("/invocations", posted),
    ]);
    loaded();
    expect((await waiting).map(({ status }) => status)).toEqual([200, 200, 200, 404, 200]);
  });
});

describe("a repository of which parts are broken", () => {
  const repository = (more?: Readonly<Record<string, string>>) =>
    serve({ models: brokenFacts() }, more, repositorySettings).then(async (service) => {
      await service.runtime.start();
      return service;
    });

  test("the others serve; each says of itself whether it is ready", async () => {
    const service = await repository();
    const statusOf = async (path: string, more = {}) => (await service.get(path, more)).status;
    expect(await statusOf("/v2/models/good%20one/ready")).toBe(200);
    expect(json(await service.get("/v2/models/good%20one/infer", posted))).toMatchObject({
      path: "/v2/models/good%20one/infer",
    });
    expect(await statusOf("/v2/models/half/ready")).toBe(200);
    expect(await statusOf("/v2/models/half/versions/1/infer", posted)).toBe(200);
    expect(json(await service.get("/v2/models/half"))).toMatchObject({ versions: ["1"] });
    expect(await statusOf("/v2/models/half/versions/2/ready")).toBe(503);
    expect(await statusOf("/v2/models/half/versions/2/infer", posted)).toBe(503);
    expect(await statusOf("/v2/models/broken/ready")).toBe(503);
    expect(await statusOf("/v2/models/broken")).toBe(503);
    expect(await statusOf("/v2/models/half/config")).toBe(404);
  });

  test("readiness is 503 and names them, with the reason where clients may know it", async () => {
    const open = await repository({ SCOREFN_ERROR_DETAIL: "location" });
    const error = `Model 'half' version 2 cannot be served: ${FAILURE}; Model 'broken' version 1 cannot be served: ${FAILURE}`;
    expect(json(await open.get("/v2/health/ready"))).toEqual({ ready: false, error });
    const failed = [
      { name: "half", version: "2", failure: FAILURE },
      { name: "broken", version: "1", failure: FAILURE },
    ];
    const ready = await open.get("/ready");
    expect([ready.status, json(ready)]).toEqual([503, { state: "ready", failed }]);
    const infer = await open.get("/v2/models/broken/infer", posted);
    expect(json(infer)).toEqual({ error: `model 'broken' version 1 cannot be served: ${FAILURE}` });

    const closed = await repository({ SCOREFN_ERROR_DETAIL: "none" });
    for (const path of ["/v2/health/ready", "/ready", "/ping", "/v2/models/broken/ready", "/v2/models/broken"]) {
      const answer = await closed.get(path);
      expect([path, answer.status]).toEqual([path, 503]);
      expect(answer.text).not.toContain("secret");
    }
    expect(json(await closed.get("/v2/health/ready"))).toMatchObject({
      error: "Model 'half' version 2 cannot be served; Model 'broken' version 1 cannot be served",
    });
  });

  test("TRI-5, TRI-16: the index shows all of them, or those that are ready", async () => {
    const service = await repository({ SCOREFN_ERROR_DETAIL: "location" });
    const ready = [
      { name: "good one", version: "1", state: "READY" },
      { name: "good one", version: "3", state: "READY" },
      { name: "half", version: "1", state: "READY" },
    ];
    const gone = (name: string, version: string) => ({ name, version, state: "UNAVAILABLE", reason: FAILURE });
    const index = async (body: string) =>
      json(await service.get("/v2/repository/index", { ...posted, body: Buffer.from(body) }));
    expect(await index("")).toEqual([...ready, gone("half", "2"), gone("broken", "1")]);
    expect(await index('{"ready":true}')).toEqual(ready);
  });

  test("a model without any version is not ready, and says why", async () => {
    const service = await serve(
      { models: [{ ...echoFacts("empty"), versions: [] }] },
      { SCOREFN_ERROR_DETAIL: "location" },
      repositorySettings,
    );
    await service.runtime.start();
    const answer = await service.get("/v2/models/empty/ready");
    expect([answer.status, json(answer)]).toEqual([
      503,
      { name: "empty", ready: false, error: "Model 'empty' cannot be served: it has no version" },
    ]);
    expect((await service.get("/v2/models/empty/infer", posted)).status).toBe(503);
  });
});

describe("faults", () => {
  test("the model's own message is told where the setting allows it, and its traceback never", async () => {
    const service = await serve({}, { SCOREFN_ERROR_DETAIL: "full" });
    const boom = { ...posted, body: Buffer.from("boom: no kernel") };
    const infer = await service.get("/v2/models/iris/infer", boom);
    expect([infer.status, json(infer)]).toEqual([500, { error: "boom: no kernel" }]);
    const invoked = await service.get("/invocations", boom);
    expect([invoked.status, json(invoked)]).toEqual([
      500,
      { error_code: "INTERNAL_ERROR", message: "boom: no kernel" },
    ]);
    expect(headerOf(infer.headers, "x-ms-error-code")).toBe("ERR_SCRIPT_RUN");
    expect(headerOf(infer.headers, "x-ms-run-function-failed")).toBe("True");
  });

  test("a scoring timeout is 504 but for /score, where the reference server answers 500", async () => {
    const service = await serve({}, { SCORING_TIMEOUT_MS: "20" });
    const never = { ...posted, body: Buffer.from("never") };
    const [infer, invoked, score] = await Promise.all(
      ["/v2/models/iris/infer", "/invocations", "/score"].map((path) => service.get(path, never)),
    );
    expect([infer!.status, json(infer!)]).toEqual([504, { error: "Scoring timeout after 20 ms" }]);
    expect([invoked!.status, json(invoked!)]).toMatchObject([504, { error_code: "DEADLINE_EXCEEDED" }]);
    expect(score!.status).toBe(500);
  });

  test("a queue that is full is 503 with Retry-After, in the words of each protocol", async () => {
    const service = await serve({}, { SCOREFN_MAX_QUEUE: "1", SCORING_TIMEOUT_MS: "0" });
    await service.runtime.start();
    const client = new AbortController();
    const first = service.get("/score", { ...posted, body: Buffer.from("never"), signal: client.signal });
    const infer = await service.get("/v2/models/iris/infer", posted);
    expect([infer.status, json(infer)]).toEqual([503, { error: expect.stringContaining("try again later") }]);
    expect(headerOf(infer.headers, "retry-after")).toBe("1");
    expect(json(await service.get("/invocations", posted))).toMatchObject({ error_code: "TEMPORARILY_UNAVAILABLE" });
    client.abort();
    await first;
  });

  test("what the host refuses before anybody has read it is told in the words of the protocol, ids and all", async () => {
    const { scorer } = await serve({});
    const refused = (path: string) => {
      const head = { method: "POST", path, query: "", headers: { "x-request-id": "r1" } };
      return scorer.refuse(head, new BadInputError("ERR_BODY_TOO_LARGE", "larger than 1 MB"));
    };
    for (const path of ["/v2/models/iris/infer", "//v2/models/iris/infer", "/v2/repository/index", "/v2/what"]) {
      const { status, headers, body } = refused(path);
      expect([path, status, body]).toEqual([path, 413, '{"error":"larger than 1 MB"}']);
      expect(headerOf(headers, "x-request-id")).toBe("r1");
    }
    const { status, body } = refused("/invocations");
    expect([status, body]).toEqual([413, '{"error_code": "RESOURCE_EXHAUSTED", "message": "larger than 1 MB"}']);
    expect(refused("/score").body).toBe('{"message": "larger than 1 MB"}');
    const head = { method: "POST", path: "/v2/models/iris/infer", query: "", headers: {} };
    const unsent = scorer.failed(head, new TypeError("header"));
    expect([unsent.status, JSON.parse(String(unsent.body))]).toEqual([500, { error: expect.any(String) }]);
  });

  test("pages of other origins are let in as at /score", async () => {
    const service = await serve({}, { AML_CORS_ORIGINS: "https://a.example" });
    const origin = { origin: "https://a.example" };
    for (const path of ["/v2/models/iris/infer", "/invocations"]) {
      const asked = { ...origin, "access-control-request-method": "POST" };
      const preflight = await service.get(path, { method: "OPTIONS", headers: asked });
      expect([preflight.status, headerOf(preflight.headers, "access-control-allow-origin")]).toEqual([
        200,
        origin.origin,
      ]);
      const answer = await service.get(path, { ...posted, headers: { ...posted.headers, ...origin } });
      expect([answer.status, headerOf(answer.headers, "access-control-allow-origin")]).toEqual([200, origin.origin]);
    }
  });

  test("a request id that is too long is told in the words of the protocol", async () => {
    const service = await serve({});
    const answer = await service.get("/v2/health/live", { headers: { "x-request-id": "x".repeat(101) } });
    expect([answer.status, json(answer)]).toEqual([431, { error: expect.stringContaining("x-request-id") }]);
  });

  test("a load that failed stays so, and the log names it", async () => {
    const service = await serve(
      { loading: () => Promise.reject(loadFailure("INVALID_PROTOBUF")) },
      { SCOREFN_ERROR_DETAIL: "location" },
    );
    await service.runtime.start().catch(() => {});
    const answer = await service.get("/v2/models/iris/infer", posted);
    expect([answer.status, json(answer)]).toEqual([503, { error: "INVALID_PROTOBUF" }]);
    expect(service.logged()).toContain("INVALID_PROTOBUF");
  });
});

test("figures and records call a route by one name, whatever its models are called", async () => {
  const { env, remove } = await modelSettings();
  cleanups.push(remove);
  const service = createService("", env, echoRuntime());
  cleanups.push(service.close);
  await service.get("/v2/models/iris/infer", posted);
  await service.get("/v2/models/iris");
  await service.get("/v2/health/ready");
  const lines = service.logged();
  // The record of an answer names the path, as those of all routes do; probes leave none.
  expect(lines).toMatch(/POST \/v2\/models\/iris\/infer/);
  expect(lines).toMatch(/GET \/v2\/models\/iris /);
  expect(lines).not.toContain("/v2/health/ready");
  // And nothing says that the model made an HTTP response.
  expect(lines).not.toContain("HTTP Response");
});

test("a score script has none of these routes, nor their words", async () => {
  const service = createService("echo.ts", { SCOREFN_SCRIPT_HOST: "in-process" });
  cleanups.push(service.close);
  for (const path of ["/v2", "/v2/health/live", "/v2/models/iris", "/ping", "/health", "/version", "/invocations"]) {
    const answer = await service.get(path);
    expect([path, answer.status, json(answer)]).toEqual([path, 404, { message: expect.any(String) }]);
  }
});
