// The table of contract GW-34, in all three forms: what clients get for what happens behind the gateway.
import { describe, expect, test } from "vitest";
import { createCredentials, newCredentials, showCredentials } from "../../../endpoint/gateway/credentials.ts";
import { createRateLimit } from "../../../endpoint/gateway/rate.ts";
import { GUIDE } from "../../../endpoint/gateway/refusals.ts";
import type { AuthMode, GatewayForm } from "../../../endpoint/types.ts";
import {
  BadInputError,
  type CancelSignal,
  type ErrorCode,
  OverloadError,
  type ScoreRequest,
  type ScoreResponse,
} from "../../../src/host.ts";
import { type House, headerOf, house, KEY, ok, requestWith, SECOND_KEY, textOf } from "./neighbours.ts";

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const FORMS: readonly GatewayForm[] = ["managed", "kubernetes", "none"];

interface Case {
  readonly name: string;
  /** @returns headers of the request */
  arrange(at: House): unknown;
  readonly statuses: readonly [managed: number, kubernetes: number, none: number];
  readonly body: string;
  /** What is another in the form that passes answers on as they are. */
  readonly asItIs?: Pick<Case, "body" | "modelStatus">;
  /** Undefined: no deployment was chosen. */
  readonly deployment?: string;
  /** The two headers, of the managed form, then of the others. */
  readonly told?: readonly [status: string | undefined, reason: string | undefined];
  readonly modelStatus?: number;
  readonly reason: string | undefined;
  /** False: the request was not let in. */
  readonly isLetIn?: false;
  /** Azure's text may follow. */
  readonly hasGuide?: true;
}

function failing(status: number, body: string, errorCode?: ErrorCode, headers: ScoreResponse["headers"] = []) {
  return (): ScoreResponse => ({ status, headers, body, ...(errorCode && { errorCode }) });
}

const RUN_FAILED = [["x-ms-run-function-failed", "True"]] as const;

const CASES: readonly Case[] = [
  {
    name: "the script returns 200",
    arrange: () => undefined,
    statuses: [200, 200, 200],
    body: '{"ok": true}',
    deployment: "blue",
    modelStatus: 200,
    reason: undefined,
  },
  ...[201, 204, 302, 400, 404, 503].map(
    (status): Case => ({
      name: `the script returns ${status}`,
      arrange: ({ blue }) => {
        blue.answer = failing(status, '{"mine": 1}', undefined, [["Location", "/there"]]);
      },
      statuses: [424, status, status],
      body: '{"mine": 1}',
      deployment: "blue",
      told: [String(status), "model_error"],
      modelStatus: status,
      reason: "model_error",
      hasGuide: true,
    }),
  ),
  {
    name: "run() raises",
    arrange: ({ blue }) => {
      blue.answer = failing(500, '{"message": "no"}', "ERR_SCRIPT_RUN", RUN_FAILED);
    },
    statuses: [424, 502, 500],
    body: '{"message": "no"}',
    deployment: "blue",
    told: ["500", "model_error"],
    modelStatus: 500,
    reason: "model_error",
    hasGuide: true,
  },
  {
    name: "the upstream breaks off",
    arrange: ({ blue }) => {
      blue.answer = failing(502, '{"message": "reset"}', "ERR_UPSTREAM");
    },
    statuses: [424, 502, 502],
    body: '{"message": "reset"}',
    deployment: "blue",
    told: ["502", "model_error"],
    modelStatus: 502,
    reason: "model_error",
    hasGuide: true,
  },
  ...(["ERR_UPSTREAM_DOWN", "ERR_SCRIPT_INIT", "ERR_WORKER_START", "ERR_STOPPING"] as const).map(
    (code): Case => ({
      name: `nothing can answer: ${code}`,
      arrange: ({ blue }) => {
        blue.answer = failing(503, '{"message": "not up"}', code, RUN_FAILED);
      },
      statuses: [424, 503, 503],
      body: "The deployment is not ready.",
      asItIs: { body: '{"message": "not up"}', modelStatus: 503 },
      deployment: "blue",
      told: ["502", "model_not_ready"],
      reason: "model_not_ready",
      hasGuide: true,
    }),
  ),
  {
    name: "the client leaves",
    arrange: ({ blue }) => {
      blue.answer = failing(499, "", "ERR_CLIENT_GONE");
    },
    statuses: [499, 499, 499],
    body: "",
    deployment: "blue",
    reason: "client_gone",
  },
  {
    name: "the deployment is not ready",
    arrange: ({ blue }) => {
      blue.isReady = false;
    },
    statuses: [424, 503, 503],
    body: "The deployment is not ready.",
    deployment: "blue",
    told: ["502", "model_not_ready"],
    reason: "model_not_ready",
    hasGuide: true,
  },
  {
    name: "no key",
    arrange: () => ({ authorization: undefined as never }),
    statuses: [401, 401, 401],
    body: "key_auth_access_denied",
    reason: "key_auth_access_denied",
    isLetIn: false,
  },
  {
    name: "a wrong key",
    arrange: () => ({ authorization: "Bearer wrong" }),
    statuses: [401, 401, 401],
    body: "key_auth_access_denied",
    reason: "key_auth_access_denied",
    isLetIn: false,
  },
  ...["", "Bearer", "Bearer ", `Basic ${KEY}`, KEY, `Bearer ${KEY} more`, `Bearer ${KEY},Bearer ${KEY}`].map(
    (authorization): Case => ({
      name: `a header that is malformed: "${authorization}"`,
      arrange: () => ({ authorization }),
      statuses: [401, 401, 401],
      body: "key_auth_bad_header_forbidden",
      reason: "key_auth_bad_header_forbidden",
      isLetIn: false,
    }),
  ),
  {
    name: "a wrong key, where nothing could be routed and nothing is ready either",
    arrange: (at) => {
      at.route({});
      at.blue.isReady = false;
      return { authorization: "Bearer wrong", "azureml-model-deployment": "red" };
    },
    statuses: [401, 401, 401],
    body: "key_auth_access_denied",
    reason: "key_auth_access_denied",
    isLetIn: false,
  },
  {
    name: "no deployment has traffic",
    arrange: (at) => at.route({ blue: 0, green: 0 }),
    statuses: [404, 404, 404],
    body:
      "No valid deployments to route to. Please check that the endpoint has at least one deployment with positive " +
      "weight values or use a deployment specific header to route. " +
      "[https://docs.microsoft.com/en-us/azure/machine-learning/how-to-troubleshoot-online-endpoints#http-status-codes]",
    reason: "no_valid_deployment",
    hasGuide: true,
  },
  {
    name: "an unknown deployment, although others have traffic",
    arrange: () => ({ "azureml-model-deployment": "red" }),
    statuses: [404, 404, 404],
    body: "Specified deployment could not be found",
    reason: "deployment_not_found",
    hasGuide: true,
  },
  {
    name: "more requests under way than there may be",
    arrange: ({ blue }) => {
      blue.inFlight = blue.capacity;
    },
    statuses: [429, 503, 429],
    body: "",
    deployment: "blue",
    told: [undefined, "too_many_pending_request"],
    reason: "too_many_pending_request",
    hasGuide: true,
  },
  {
    name: "a full deployment that is not ready",
    arrange: ({ blue }) => {
      blue.inFlight = blue.capacity;
      blue.isReady = false;
    },
    statuses: [424, 503, 503],
    body: "The deployment is not ready.",
    deployment: "blue",
    told: ["502", "model_not_ready"],
    reason: "model_not_ready",
    hasGuide: true,
  },
  {
    name: "the deployment's own queue has no room",
    arrange: ({ blue }) => {
      blue.answer = failing(503, '{"message": "full"}', "ERR_OVERLOAD", [["Retry-After", "1"]]);
    },
    statuses: [429, 503, 429],
    body: "",
    deployment: "blue",
    told: [undefined, "too_many_pending_request"],
    reason: "too_many_pending_request",
    hasGuide: true,
  },
  {
    name: "the answer takes too long",
    arrange: ({ blue }) => {
      blue.requestTimeoutMs = 1;
      blue.answer = ({ signal }) => new Promise((resolve) => onAbort(signal, () => resolve(ok("late"))));
    },
    statuses: [408, 504, 408],
    body: "upstream request timeout",
    deployment: "blue",
    reason: "timeout",
    hasGuide: true,
  },
  {
    name: "the deployment throws, which it should not",
    arrange: ({ blue }) => {
      blue.answer = () => {
        throw new Error("a fault");
      };
    },
    statuses: [500, 500, 500],
    body: "An unexpected internal error occurred. Check the logs for more info.",
    deployment: "blue",
    reason: "internal_error",
    hasGuide: true,
  },
];

/** What an arrangement gives that wants headers in the request. */
function headersOf(arranged: unknown): Record<string, string> {
  return (arranged ?? {}) as Record<string, string>;
}

function onAbort(signal: CancelSignal | undefined, listener: () => void): void {
  signal!.addEventListener("abort", listener);
}

describe.each(FORMS)("%s", (form) => {
  test.each(CASES)("$name", async (each) => {
    const at = house(form);
    const headers = headersOf(each.arrange(at));
    const response = await at.gateway.handle(requestWith({ headers }));
    const [statusHeader, reason] = each.told ?? [];
    const isManaged = form === "managed";
    const { body, modelStatus } = { ...each, ...(form === "none" && each.asItIs) };
    expect(response.status).toBe(each.statuses[FORMS.indexOf(form)]);
    expect(await textOf(response)).toBe(body);
    expect(headerOf(response, "x-request-id")).toMatch(GUID);
    expect(headerOf(response, "azureml-model-deployment")).toBe(each.deployment);
    expect(headerOf(response, "ms-azureml-model-error-statuscode")).toBe(isManaged ? statusHeader : undefined);
    expect(headerOf(response, "ms-azureml-model-error-reason")).toBe(isManaged ? reason : undefined);
    expect(headerOf(response, "server")).toBeUndefined();
    expect(headerOf(response, "www-authenticate")).toBe(each.isLetIn === false ? "Bearer" : undefined);
    expect(at.records).toHaveLength(1);
    expect(at.records[0]).toMatchObject({
      status: response.status,
      modelStatus,
      reason: each.reason,
      deployment: each.deployment,
      requestId: headerOf(response, "x-request-id"),
      isMirrored: false,
    });
    // One line of the access log for each, and no second one by the host.
    expect(at.logged.filter((line) => line.includes("gunicorn.access"))).toHaveLength(1);
    expect(response.isUnrecorded).toBe(true);
  });

  test.each(CASES)("with the cloud's text: $name", async (each) => {
    const at = house(form, { cloudErrorText: true });
    const headers = headersOf(each.arrange(at));
    const response = await at.gateway.handle(requestWith({ headers }));
    const { body } = { ...each, ...(form === "none" && each.asItIs) };
    const hasGuide = form === "managed" && each.hasGuide === true;
    expect(response.status).toBe(each.statuses[FORMS.indexOf(form)]);
    expect(await textOf(response)).toBe(hasGuide ? each.body + GUIDE : body);
  });
});

test("the guide is the cloud's, letter by letter (contract GW-12)", () => {
  expect(GUIDE).toBe(
    "\nPlease check this guide to understand why this error code might have been returned \nhttps://docs.microsoft.com/en-us/azure/machine-learning/how-to-troubleshoot-online-endpoints#http-status-codes\n",
  );
});

describe("who is let in", () => {
  test.each([`Bearer ${KEY}`, `Bearer ${SECOND_KEY}`, `bearer ${KEY}`, `BEARER   ${KEY}  `])("%s", async (header) => {
    const { gateway } = house();
    expect((await gateway.handle(requestWith({ headers: { authorization: header } }))).status).toBe(200);
  });

  test.each<AuthMode>(["aml_token", "aad_token"])(
    "a token, where the endpoint takes %s, and no key",
    async (authMode) => {
      const data = newCredentials();
      const at = house("managed", { credentials: createCredentials(() => data, "house") });
      at.route({ blue: 100 }, { authMode });
      const ask = async (secret: string): Promise<number> =>
        (await at.gateway.handle(requestWith({ headers: { authorization: `Bearer ${secret}` } }))).status;
      const shown = showCredentials(data, authMode, "house") as { accessToken: string };
      const old = showCredentials(data, authMode, "house", Date.now() - 86_400_000) as { accessToken: string };
      expect(await ask(shown.accessToken)).toBe(200);
      expect(await ask(old.accessToken)).toBe(401);
      expect(await ask(data.primaryKey)).toBe(401);
      at.route({ blue: 100 }, { authMode: "key" });
      expect(await ask(shown.accessToken)).toBe(401);
      expect(await ask(data.primaryKey)).toBe(200);
    },
  );

  test("a preflight request has no key, so it gets 401; with one it is passed on (contract GW-25)", async () => {
    const { gateway, blue } = house();
    const preflight = requestWith({ method: "OPTIONS", headers: { authorization: undefined as never } });
    expect((await gateway.handle(preflight)).status).toBe(401);
    expect(blue.requests).toEqual([]);
    expect((await gateway.handle(requestWith({ method: "OPTIONS" }))).status).toBe(200);
    expect(blue.requests[0]?.method).toBe("OPTIONS");
  });
});

describe("before a body is read", () => {
  const REFUSED: readonly [name: string, arrange: Case["arrange"], status: number][] = [
    ["no key", () => ({ authorization: undefined as never }), 401],
    ["an unknown deployment", () => ({ "azureml-model-deployment": "red" }), 404],
    ["no traffic", (at) => at.route({}), 404],
    ["not ready", (at) => Object.assign(at.blue, { isReady: false }) && {}, 424],
    ["full", (at) => Object.assign(at.blue, { inFlight: at.blue.capacity }) && {}, 429],
    [
      "full, and chosen by name where two have traffic",
      (at) => {
        at.route({ blue: 50, green: 50 });
        at.blue.inFlight = at.blue.capacity;
        return { "azureml-model-deployment": "blue" };
      },
      429,
    ],
  ];
  test.each(REFUSED)("%s", async (_name, arrange, status) => {
    const at = house();
    const { body, ...head } = requestWith({ headers: headersOf(arrange(at)) });
    const error = at.gateway.refusal(head, 1_000);
    expect(error).toBeDefined();
    const early = at.gateway.refuse(head, error!);
    const late = await at.gateway.handle({ ...head, body });
    expect(early.status).toBe(status);
    const without = (response: ScoreResponse) => response.headers.filter(([name]) => name !== "x-request-id");
    expect(without(early)).toEqual(without(late));
    expect(early.body).toEqual(late.body);
    expect(at.records.map((record) => record.status)).toEqual([status, status]);
    expect(at.blue.requests).toEqual([]);
  });

  test("what could be taken is read", () => {
    const at = house();
    expect(at.gateway.refusal(requestWith(), 1_000)).toBeUndefined();
    at.route({ blue: 50, green: 50 });
    at.blue.inFlight = at.blue.capacity;
    expect(at.gateway.refusal(requestWith(), 1_000)).toBeUndefined();
    for (const method of ["GET", "POST", "DELETE", "QUERY"]) {
      expect(at.gateway.takesBody({ method, path: "/any/where" })).toBe(true);
    }
  });

  test("what the host refuses has the server's own words", async () => {
    const { gateway, records } = house();
    const error = new BadInputError("ERR_BODY_TOO_LARGE", "The request body is larger than 10 bytes.");
    const response = gateway.refuse(requestWith(), error);
    expect(response.status).toBe(413);
    expect(headerOf(response, "x-ms-error-code")).toBe("ERR_BODY_TOO_LARGE");
    expect(headerOf(response, "x-request-id")).toMatch(GUID);
    expect(JSON.parse(await textOf(response))).toEqual({ message: error.message });
    expect(records).toMatchObject([{ status: 413, reason: "ERR_BODY_TOO_LARGE", deployment: undefined }]);
    expect(gateway.refuse(requestWith(), new OverloadError("ERR_OVERLOAD", "too many bytes")).status).toBe(429);
  });
});

test.each([
  ["managed", 424],
  ["kubernetes", 502],
  ["none", 500],
] as const)("an answer that HTTP cannot carry is the deployment's fault: %s", (form, status) => {
  const { gateway, logged } = house(form);
  const response = gateway.failed(requestWith(), new TypeError("Invalid character in header content"));
  expect(response.status).toBe(status);
  expect(logged.join("")).toMatch(/could not be sent: Invalid character in header content \(request [0-9a-f-]{36}\)/);
});

test("what stands in for an answer that was recorded has its id and its deployment", async () => {
  const { gateway, records } = house();
  const request = requestWith();
  await gateway.handle(request);
  const second = gateway.failed(request, new TypeError("no"));
  expect(headerOf(second, "x-request-id")).toBe(records[0]!.requestId);
  expect(headerOf(second, "azureml-model-deployment")).toBe("blue");
});

test("the gateway's own page has an id, and a page that fails is an error of the gateway's", async () => {
  let answer = (): Promise<ScoreResponse> => Promise.resolve(ok("figures"));
  const { gateway, logged } = house("managed", { page: { path: "/metrics", answer: () => answer() } });
  const ask = (): Promise<ScoreResponse> => gateway.handle(requestWith({ method: "GET", path: "/metrics" }));
  const shown = await ask();
  expect([shown.status, await textOf(shown)]).toEqual([200, "figures"]);
  expect(headerOf(shown, "x-request-id")).toMatch(GUID);
  answer = () => Promise.reject(new Error("the figures are gone"));
  expect((await ask()).status).toBe(500);
  answer = () => {
    throw new Error("at once");
  };
  expect((await ask()).status).toBe(500);
  expect(logged.join("")).toContain("the figures are gone");
});

test("what a version before still answers takes no room of the current one", async () => {
  const { gateway, blue } = house();
  blue.inFlight = blue.capacity;
  expect((await gateway.handle(requestWith())).status).toBe(429);
  Object.assign(blue, { leaving: 1 });
  expect((await gateway.handle(requestWith())).status).toBe(200);
});

test("GET /ready says why a deployment is not ready, to whoever has a key", async () => {
  for (const [form, path, status] of [
    ["managed", "/ready", 424],
    ["kubernetes", "/api/v1/endpoint/house/ready", 503],
  ] as const) {
    const { gateway, blue } = house(form);
    Object.assign(blue, { isReady: false, whyNotReady: "init() failed: no model" });
    const ask = async (changes: Partial<ScoreRequest>) => {
      const response = await gateway.handle(requestWith({ method: "GET", path, ...changes }));
      return [response.status, await textOf(response)];
    };
    expect(await ask({})).toEqual([status, "The deployment is not ready: init() failed: no model"]);
    expect(await ask({ path: "/score" })).toEqual([status, "The deployment is not ready."]);
    expect(await ask({ headers: { authorization: "Bearer no" } })).toEqual([401, "key_auth_access_denied"]);
    const early = gateway.refusal({ method: "GET", path, headers: requestWith().headers }, 0);
    expect(await textOf(gateway.refuse(requestWith({ method: "GET", path }), early!))).toContain("no model");
    Object.assign(blue, { isReady: true, whyNotReady: null });
    expect(await ask({})).toEqual([200, '{"ok": true}']);
  }
});

test("more requests a second than the endpoint takes", async () => {
  const { gateway, records, blue } = house("managed", { maxRate: 1 });
  const answers: ScoreResponse[] = [];
  // One of them comes within a second of the one before, or this machine stands still.
  for (let count = 0; count < 100; count++) answers.push(await gateway.handle(requestWith()));
  const refused = answers.findIndex(({ status }) => status === 429);
  expect(answers[0]?.status).toBe(200);
  expect(refused).toBeGreaterThan(0);
  expect(records[refused]).toMatchObject({ reason: "rate_limit", deployment: undefined });
  expect(blue.requests.length).toBeLessThan(100);
});

test("a rate passes as many at once as in a second, and then as time goes by", () => {
  let now = 0;
  const passes = createRateLimit(3, () => now);
  const all = (count: number): number => Array.from({ length: count }, passes).filter(Boolean).length;
  expect(all(10)).toBe(3);
  now += 333;
  expect(all(10)).toBe(0);
  now += 1;
  expect(all(10)).toBe(1);
  now += 3_600_000;
  expect(all(10)).toBe(3);
});
