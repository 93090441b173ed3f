// What every host answers for a model that is served without a script, by the tables of the recordings. The model is one of
// the tests, so that what a host changes on the way is seen.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CreateDriver, Driver, WireRequest, WireResponse } from "./conformance.ts";
import {
  brokenFacts,
  type EchoOptions,
  echoFacts,
  echoRuntime,
  loadFailure,
  modelSettings,
  repositorySettings,
} from "./setup/echo-model.ts";
import { headerOf } from "./setup/service.ts";

export interface ModelHost {
  readonly createDriver: CreateDriver;
  /** Any path arrives as it was sent, and any method. */
  readonly anyTarget: boolean;
}

const NAME = "iris";
const BINARY = Uint8Array.from({ length: 256 }, (_unused, index) => index);
const JSON_TYPE = ["Content-Type", "application/json"] as const;

function json({ body }: WireResponse): unknown {
  return JSON.parse(body.toString());
}

/** Runs the suite for models against one host. */
export function describeModelConformance(host: string, { createDriver, anyTarget }: ModelHost): void {
  function serve(
    options: EchoOptions = {},
    more: Readonly<Record<string, string>> = {},
    settingsOf: () => ReturnType<typeof modelSettings> = () => modelSettings(NAME),
  ): Driver["send"] {
    let driver: Driver;
    let remove: () => Promise<void>;
    beforeAll(async () => {
      const settings = await settingsOf();
      remove = settings.remove;
      driver = await createDriver("", { ...settings.env, ...more }, echoRuntime(options));
    });
    afterAll(async () => {
      await driver?.close();
      await remove?.();
    });
    return (request) => driver.send(request);
  }

  describe(`${host}, a model`, () => {
    const send = serve();
    const post = (target: string, body: string | Uint8Array, headers: WireRequest["headers"] = [JSON_TYPE]) =>
      send({ target, body, headers });

    test.for([
      ["/v2/health/live", { live: true }],
      ["/v2/health/ready", { ready: true }],
      ["/v2/models/iris/ready", { name: NAME, ready: true }],
      ["/v2/models/iris/versions/3/ready", { name: NAME, ready: true }],
      ["/v2/models/iris/config", echoFacts(NAME).config],
    ] as const)("OIP-1, OIP-17: GET %s tells %j with 200", async ([target, body]) => {
      const answer = await send({ target });
      expect([answer.status, json(answer)]).toEqual([200, body]);
      expect(headerOf(answer.headers, "content-type")).toBe("application/json");
    });

    test("OIP-3: GET /v2 tells who serves, and what it can do besides", async () => {
      const answer = await send({ target: "/v2" });
      expect(answer.status).toBe(200);
      expect(json(answer)).toMatchObject({ name: "scorefn", extensions: ["binary_tensor_data", "model_repository"] });
    });

    test("table I: metadata names the versions that serve, or the one that was asked for", async () => {
      const { config: _none, versions: _all, ...facts } = echoFacts(NAME);
      const whole = await send({ target: "/v2/models/iris" });
      expect([whole.status, json(whole)]).toEqual([200, { ...facts, versions: ["1", "3"] }]);
      expect(json(await send({ target: "/v2/models/iris/versions/1" }))).toEqual({ ...facts, versions: ["1"] });
    });

    test("TRI-16: the repository's index is posted for, with and without a body", async () => {
      const ready = ["1", "3"].map((version) => ({ name: NAME, version, state: "READY" }));
      expect(json(await post("/v2/repository/index", ""))).toEqual(ready);
      expect(json(await post("/v2/repository/index", '{"ready":true}'))).toEqual(ready);
      expect((await post("/v2/repository/index", "[1")).status).toBe(400);
    });

    test.for([
      ["/v2/models/nope", "Request for unknown model: 'nope' is not found"],
      ["/v2/models/iris/versions/2", "Request for unknown model: 'iris' version 2 is not found"],
      ["/v2/models/nope/ready", "Request for unknown model: 'nope' is not found"],
      ["/v2/models/iris/versions/2/ready", "Request for unknown model: 'iris' version 2 is not found"],
      ["/v2/models", "Not Found"],
      ["/v2/models/iris/stats", "Not Found"],
      ["/v2/models/iris/infer/more", "Not Found"],
    ] as const)("table I: GET %s is told 404 %j", async ([target, error]) => {
      const answer = await send({ target });
      expect([answer.status, json(answer)]).toEqual([404, { error }]);
      expect(headerOf(answer.headers, "content-type")).toBe("application/json");
      expect(headerOf(answer.headers, "x-ms-request-id")).toBeTruthy();
    });

    test.for(["/v2/models/nope/infer", "/v2/models/iris/versions/2/infer"])(
      "table I: what is posted to %s finds no model",
      async (target) => {
        expect((await post(target, "{}")).status).toBe(404);
      },
    );

    test.runIf(anyTarget)("paths that are no model's are told 404, and never reach the model", async () => {
      for (const name of ["..", ".", "%2e%2e", "a%2Fb", "", "%", "iris%00"]) {
        for (const rest of ["", "/ready", "/infer"]) {
          const answer = await send({
            method: rest === "/infer" ? "POST" : "GET",
            target: `/v2/models/${name}${rest}`,
          });
          expect([name, rest, answer.status]).toEqual([name, rest, 404]);
          expect(json(answer)).toHaveProperty("error");
        }
      }
    });

    test("JSON goes to the model and comes back, with the ids and the time of each request", async () => {
      const answer = await post("/v2/models/iris/infer", '{"é":1}');
      expect([answer.status, json(answer)]).toEqual([
        200,
        { path: "/v2/models/iris/infer", type: "application/json", bytes: Buffer.from('{"é":1}').toString("hex") },
      ]);
      expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("False");
      expect(headerOf(answer.headers, "x-ms-run-fn-exec-ms")).toMatch(/^\d+\.\d{3}$/);
    });

    test("a name may be percent-encoded, and the model is told one path for all spellings", async () => {
      const answer = await post("/v2/models/ir%69s/versions/3/infer", "{}");
      expect(json(answer)).toMatchObject({ path: "/v2/models/iris/versions/3/infer" });
    });

    test("OIP-15: bytes without a content type arrive as they were sent", async () => {
      const answer = await post("/v2/models/iris/infer", BINARY, []);
      expect(json(answer)).toMatchObject({ bytes: Buffer.from(BINARY).toString("hex") });
    });

    test("OIP-8: bytes come back as they were made, with the header that tells where JSON ends", async () => {
      const answer = await post("/v2/models/iris/infer", BINARY, [["Inference-Header-Content-Length", "0"]]);
      expect(answer.status).toBe(200);
      expect(headerOf(answer.headers, "content-type")).toBe("application/octet-stream");
      expect(headerOf(answer.headers, "inference-header-content-length")).toBe("0");
      expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("False");
      expect([...answer.body]).toEqual([...BINARY]);
    });

    test("faults are told in the words of each protocol", async () => {
      const failed = "An unexpected error occurred in the model. Check the logs for more info.";
      const told = async (target: string, body: string) => {
        const answer = await post(target, body);
        return [answer.status, json(answer)];
      };
      expect(await told("/v2/models/iris/infer", "bad shape")).toEqual([400, { error: "bad shape" }]);
      expect(await told("/v2/models/iris/infer", "boom")).toEqual([500, { error: failed }]);
      expect(await told("/invocations", "bad shape")).toEqual([
        400,
        { error_code: "INVALID_PARAMETER_VALUE", message: "bad shape" },
      ]);
      expect(await told("/invocations", "boom")).toEqual([500, { error_code: "INTERNAL_ERROR", message: failed }]);
      expect(await told("/score", "bad shape")).toEqual([400, { message: "bad shape" }]);
      expect(await told("/score", "boom")).toEqual([
        500,
        { message: "An unexpected error occurred in scoring script. Check the logs for more info." },
      ]);
    });

    test("/score and /invocations reach the model", async () => {
      expect(json(await post("/score", "{}"))).toMatchObject({ path: "/score" });
      expect(json(await post("/invocations", "{}"))).toMatchObject({ path: "/invocations", type: "application/json" });
    });

    test.for([
      [
        undefined,
        "This predictor only supports the following content types: Types: ['text/csv', 'application/json', 'application/vnd.apache.parquet']. Got none.",
      ],
      [
        "text/plain",
        "This predictor only supports the following content types: Types: ['text/csv', 'application/json', 'application/vnd.apache.parquet']. Got 'text/plain'.",
      ],
      ["application/vnd.apache.parquet", "Parquet is not read for this model: send application/json or text/csv."],
      ["application/json; charset=latin1", "The scoring server only supports UTF-8"],
    ] as const)("MLF-11, table A: /invocations of type %s is told 415", async ([type, message]) => {
      const answer = await post("/invocations", "{}", type === undefined ? [] : [["Content-Type", type]]);
      expect([answer.status, json(answer)]).toEqual([415, { error_code: "BAD_REQUEST", message }]);
    });

    test("MLF-11: other parameters of the type are told 415", async () => {
      const answer = await post("/invocations", "{}", [["Content-Type", "application/json; format=pandas-split"]]);
      expect(answer.status).toBe(415);
      expect(json(answer)).toMatchObject({
        message: expect.stringMatching(/^Unrecognized content type parameters: format\. IMPORTANT: The MLflow/),
      });
    });

    test.for(["/v2/models/iris/infer", "/invocations"])("table I: %s packed by br is told 415", async (target) => {
      const answer = await post(target, "{}", [JSON_TYPE, ["Content-Encoding", "br"]]);
      expect(answer.status).toBe(415);
      expect(headerOf(answer.headers, "accept-encoding")).toBe("gzip, deflate");
    });

    test.for(["/ping", "/health"])("MLF-14: GET %s answers a line feed", async (target) => {
      const answer = await send({ target });
      expect([answer.status, answer.body.toString()]).toEqual([200, "\n"]);
      expect(headerOf(answer.headers, "content-type")).toBe("application/json");
    });

    test("MLF-14: GET /version answers a version", async () => {
      const answer = await send({ target: "/version" });
      expect([answer.status, answer.body.toString()]).toEqual([200, expect.stringMatching(/^\d+\.\d+\.\d+/)]);
    });

    test.for([
      ["GET", "/invocations", '{"detail":"Method Not Allowed"}', "POST, OPTIONS"],
      ["POST", "/ping", '{"detail":"Method Not Allowed"}', "GET, OPTIONS, HEAD"],
      ["GET", "/v2/models/iris/infer", '{"error":"Method Not Allowed"}', "POST, OPTIONS"],
      ["GET", "/v2/repository/index", '{"error":"Method Not Allowed"}', "POST, OPTIONS"],
      ["POST", "/v2/models/iris", '{"error":"Method Not Allowed"}', "GET, OPTIONS, HEAD"],
      ["POST", "/v2/health/ready", '{"error":"Method Not Allowed"}', "GET, OPTIONS, HEAD"],
    ] as const)("tables A, I: %s %s is told 405", async ([method, target, body, allow]) => {
      const answer = await send({ method, target, ...(method === "POST" && { body: "{}" }) });
      expect([answer.status, answer.body.toString()]).toEqual([405, body]);
      expect(headerOf(answer.headers, "allow")).toBe(allow);
    });

    test.runIf(anyTarget)("HEAD and OPTIONS are answered without a body", async () => {
      for (const target of ["/v2", "/v2/health/live", "/v2/models/iris", "/ping"]) {
        const head = await send({ method: "HEAD", target });
        expect([target, head.status, head.body.length]).toEqual([target, 200, 0]);
      }
      for (const target of ["/v2/models/iris/infer", "/invocations", "/v2/repository/index"]) {
        const options = await send({ method: "OPTIONS", target });
        expect([target, options.status, options.body.length]).toEqual([target, 200, 0]);
        expect(headerOf(options.headers, "allow")).toBe("POST, OPTIONS");
      }
    });
  });

  describe(`${host}, a model that is broken in a repository`, () => {
    const send = serve({ models: brokenFacts() }, { SCOREFN_ERROR_DETAIL: "none" }, repositorySettings);

    test("the others serve, and readiness names it", async () => {
      const infer = await send({ target: "/v2/models/good%20one/infer", body: "{}", headers: [JSON_TYPE] });
      expect([infer.status, json(infer)]).toMatchObject([200, { path: "/v2/models/good%20one/infer" }]);
      expect((await send({ target: "/v2/models/good%20one/ready" })).status).toBe(200);
      expect((await send({ target: "/v2/models/broken/ready" })).status).toBe(503);
      const ready = await send({ target: "/ready" });
      const failed = [
        { name: "half", version: "2" },
        { name: "broken", version: "1" },
      ];
      expect([ready.status, json(ready)]).toEqual([503, { state: "ready", failed }]);
      const health = await send({ target: "/v2/health/ready" });
      expect([health.status, json(health)]).toMatchObject([503, { error: expect.stringContaining("Model 'broken'") }]);
      expect((await send({ target: "/v2/health/live" })).status).toBe(200);
      expect((await send({ target: "/" })).status).toBe(200);
    });
  });

  describe(`${host}, a model that cannot be loaded`, () => {
    const send = serve(
      { loading: () => Promise.reject(loadFailure("INVALID_PROTOBUF in /secret")) },
      { SCOREFN_ERROR_DETAIL: "none" },
    );
    const generic = "The model could not be loaded. Check the logs for more info.";

    test("it lives, and is not ready: each probe names the model and hides the reason", async () => {
      expect((await send({ target: "/v2/health/live" })).status).toBe(200);
      for (const target of ["/v2/health/ready", "/v2/models/iris/ready", "/ping", "/health", "/ready"]) {
        const answer = await send({ target });
        expect([target, answer.status]).toEqual([target, 503]);
        const text = answer.body.toString();
        expect(text).not.toContain("secret");
        if (target !== "/ready") expect(text).toContain(`Model 'iris' cannot be served: ${generic}`);
      }
    });

    test("requests are told 503 in the words of each protocol", async () => {
      for (const target of ["/v2/models/iris", "/v2/models/iris/config"]) {
        const answer = await send({ target });
        expect([answer.status, json(answer)]).toEqual([503, { error: generic }]);
      }
      const infer = await send({ target: "/v2/models/iris/infer", body: "{}", headers: [JSON_TYPE] });
      expect([infer.status, json(infer)]).toEqual([503, { error: generic }]);
      const invoked = await send({ target: "/invocations", body: "{}", headers: [JSON_TYPE] });
      expect([invoked.status, json(invoked)]).toEqual([
        503,
        { error_code: "TEMPORARILY_UNAVAILABLE", message: generic },
      ]);
    });
  });
}
