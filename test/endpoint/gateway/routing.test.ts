// Which deployment gets a request, and what it sees of it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPlanner, draw } from "../../../endpoint/gateway/plan.ts";
import type { Mirror } from "../../../endpoint/types.ts";
import { FakeTarget, headerOf, house, KEY, ok, requestWith, routingOf, textOf } from "./neighbours.ts";

/** Random numbers that are the same in each run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe("weights", () => {
  test.each([
    [90, 10],
    [50, 50],
    [99, 1],
  ])("100,000 requests at %i/%i land within three standard deviations", async (blue, green) => {
    const requests = 100_000;
    const at = house("managed", { random: seeded(blue) });
    at.route({ blue, green });
    // Whatever the order in which the requests are answered, each is drawn by itself.
    for (let count = 0; count < requests; count++) {
      await at.gateway.handle(requestWith());
      at.logged.length = 0;
    }
    const share = green / 100;
    const deviation = Math.sqrt(requests * share * (1 - share));
    expect(at.blue.requests.length + at.green.requests.length).toBe(requests);
    expect(Math.abs(at.green.requests.length - requests * share)).toBeLessThan(3 * deviation);
  });

  test("each number of a draw belongs to one deployment, and to each as many as its weight", () => {
    const weights = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(weights, (all) => {
        const targets = all.map((_, index) => new FakeTarget(`d${index}`));
        // Names are written as users like.
        const traffic = Object.fromEntries(all.map((weight, index) => [index % 2 ? `D${index}` : `d${index}`, weight]));
        const total = all.reduce((sum, weight) => sum + weight, 0);
        const routing = routingOf(targets, traffic);
        const plan = createPlanner(() => routing)();
        const counts = new Map<string, number>();
        for (let number = 0; number < total; number++) {
          const name = draw(plan, () => (number + 0.5) / total)?.name;
          counts.set(name!, (counts.get(name!) ?? 0) + 1);
        }
        expect(Object.fromEntries(counts)).toEqual(
          Object.fromEntries(
            all.map((weight, index) => [`d${index}`, weight] as const).filter(([, weight]) => weight > 0),
          ),
        );
      }),
    );
  });

  test("the next request goes by the new weights; what runs stays where it is (contract GW-30)", async () => {
    const at = house();
    let answer = (): void => {};
    at.blue.answer = () => new Promise((resolve) => (answer = () => resolve(ok("old"))));
    const running = at.gateway.handle(requestWith());
    at.route({ blue: 0, green: 100 });
    expect(headerOf(await at.gateway.handle(requestWith()), "azureml-model-deployment")).toBe("green");
    answer();
    const old = await running;
    expect([old.status, await textOf(old), headerOf(old, "azureml-model-deployment")]).toEqual([200, "old", "blue"]);
  });

  test("weights of deployments that are not there count for nothing", async () => {
    const at = house();
    at.route({ red: 50, green: 50 });
    for (let count = 0; count < 20; count++) await at.gateway.handle(requestWith());
    expect(at.green.requests).toHaveLength(20);
    at.route({ red: 100 });
    expect((await at.gateway.handle(requestWith())).status).toBe(404);
  });
});

describe("the header that names a deployment", () => {
  test.each(["green", "GREEN", " Green ", "gReEn\t"])(
    "%j goes to green, whatever its weight (contract GW-2)",
    async (name) => {
      const at = house();
      const response = await at.gateway.handle(requestWith({ headers: { "azureml-model-deployment": name } }));
      expect(headerOf(response, "azureml-model-deployment")).toBe("green");
      // As it came (contract GW-6).
      expect(at.green.requests[0]?.headers["azureml-model-deployment"]).toBe(name);
    },
  );

  test("an empty one chooses nothing", async () => {
    const at = house();
    await at.gateway.handle(requestWith({ headers: { "azureml-model-deployment": "" } }));
    expect(at.blue.requests).toHaveLength(1);
  });

  test("no value comes back in a header, a body or a line of the log", async () => {
    const hostile = fc.oneof(
      fc.string({ unit: "binary", minLength: 1 }),
      fc.constantFrom("__proto__", "constructor", "toString", "green\r\nSet-Cookie: a=b", "<script>", "green,green"),
    );
    await fc.assert(
      fc.asyncProperty(hostile, async (value) => {
        fc.pre(!["", "blue", "green"].includes(value.trim().toLowerCase()));
        const at = house();
        const marked = `\u0001mark${value}`;
        for (const name of [value, marked]) {
          const response = await at.gateway.handle(requestWith({ headers: { "azureml-model-deployment": name } }));
          expect(response.status).toBe(404);
          expect(response.body).toBe("Specified deployment could not be found");
          expect(response.headers.map(([header]) => header)).toEqual(["Content-Type", "x-request-id"]);
        }
        expect(at.logged.join("")).not.toContain("mark");
        expect([...at.blue.requests, ...at.green.requests]).toEqual([]);
      }),
    );
  });
});

describe("what the deployment sees", () => {
  test("the request as it is, under an id of the gateway's and without its key (contract GW-7, GW-11, GW-22)", async () => {
    const at = house();
    const body = Buffer.from([0, 255, 10]);
    const response = await at.gateway.handle(
      requestWith({
        method: "PATCH",
        path: "/v2/models/a%2Fb/../infer",
        query: "x=1&x=2",
        body,
        remoteAddress: "10.0.0.1",
        headers: {
          "x-request-id": "mine",
          "x-ms-client-request-id": "order-7_A",
          "content-type": "application/octet-stream",
          "x-envoy-expected-rq-timeout-ms": "15000",
          cookie: "a=b",
        },
      }),
    );
    const [seen] = at.blue.requests;
    expect(seen).toMatchObject({
      method: "PATCH",
      path: "/v2/models/a%2Fb/../infer",
      query: "x=1&x=2",
      remoteAddress: "10.0.0.1",
    });
    expect(seen?.body).toBe(body);
    expect(seen?.headers).toEqual({
      "x-request-id": headerOf(response, "x-request-id"),
      "x-ms-client-request-id": "order-7_A",
      "content-type": "application/octet-stream",
      cookie: "a=b",
    });
    expect(at.records[0]).toMatchObject({ clientRequestId: "order-7_A", requestBytes: 3, responseBytes: 12 });
  });

  test("the key as well, where that is wanted", async () => {
    const { gateway, blue } = house("managed", { keepsAuthorization: true });
    await gateway.handle(requestWith());
    expect(blue.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  test.each([
    ["a".repeat(41), "a".repeat(40)],
    ["with blank", undefined],
    ["crlf\r\nx: y", undefined],
    ["", undefined],
    ["ünal", undefined],
  ])("the client's id %j becomes %j", async (given, kept) => {
    const { gateway, blue, records } = house();
    await gateway.handle(requestWith({ headers: { "x-ms-client-request-id": given } }));
    expect(blue.requests[0]?.headers["x-ms-client-request-id"]).toBe(kept);
    expect(records[0]?.clientRequestId).toBe(kept);
  });

  test.each(["kubernetes", "none"] as const)("a %s endpoint has a path of its own (contract K8S-3)", async (form) => {
    const { gateway, blue } = house(form);
    for (const path of [
      "/api/v1/endpoint/house/score",
      "/api/v1/endpoint/HOUSE/v1/chat",
      "/api/v1/endpoint/house",
      "/api/v1/endpoint/house/",
      "/api/v1/endpoint/houses/score",
      "/api/v1/endpoint/other/score",
      "/score",
    ]) {
      await gateway.handle(requestWith({ path }));
    }
    expect(blue.requests.map(({ path }) => path)).toEqual([
      "/score",
      "/v1/chat",
      "/",
      "/",
      "/api/v1/endpoint/houses/score",
      "/api/v1/endpoint/other/score",
      "/score",
    ]);
  });

  test.each([
    ["managed", "none", "/api/v1/endpoint/house/score"],
    ["managed", "kubernetes", "/api/v1/endpoint/house/score"],
    ["kubernetes", "managed", "/score"],
  ] as const)("that is up to the kind of the endpoint: %s, answers as %s", async (kind, form, path) => {
    const at = house(form);
    at.route({ blue: 100 }, { kind });
    await at.gateway.handle(requestWith({ path: "/api/v1/endpoint/house/score" }));
    expect(at.blue.requests[0]?.path).toBe(path);
  });

  test("a managed endpoint passes every path on", async () => {
    const { gateway, blue } = house();
    await gateway.handle(requestWith({ path: "/api/v1/endpoint/house/score" }));
    expect(blue.requests[0]?.path).toBe("/api/v1/endpoint/house/score");
  });
});

test("the deployment's headers come back, but for those that are the gateway's (contract GW-21, GW-23)", async () => {
  const { gateway, blue } = house();
  const own = [
    ["Server", "uvicorn"],
    ["Set-Cookie", "a=1"],
    ["set-cookie", "b=2"],
    ["x-ms-request-id", "one"],
    ["x-ms-run-function-failed", "False"],
  ] as const;
  const others = [
    ["X-Request-Id", "theirs"],
    ["AzureML-Model-Deployment", "red"],
    ["MS-AzureML-Model-Error-StatusCode", "999"],
    ["ms-azureml-model-error-reason", "made up"],
    ["X-Envoy-Upstream-Service-Time", "5"],
  ] as const;
  blue.answer = () => ({ status: 200, headers: [...own, ...others], body: "{}" });
  const response = await gateway.handle(requestWith());
  const requestId = headerOf(response, "x-request-id")!;
  expect(response.headers).toEqual([...own, ["x-request-id", requestId], ["azureml-model-deployment", "blue"]]);
  expect(requestId).not.toBe("theirs");
});

describe("the mirror", () => {
  function mirrored(percent: number, random = seeded(7)) {
    const offers: Parameters<Mirror["offer"]>[] = [];
    const mirror: Mirror = {
      offer(...all) {
        offers.push(all);
        return all[3];
      },
    };
    const at = house("managed", { mirror, random });
    at.route({ blue: 100 }, { mirror: { green: percent } });
    return { at, offers, mirror };
  }

  test("is offered its share of what weights have sent, and the answer as the deployment gave it", async () => {
    const { at, offers } = mirrored(10);
    at.blue.answer = () => ({ status: 500, headers: [["x", "y"]], body: "as given" });
    const requests = 10_000;
    for (let count = 0; count < requests; count++) await at.gateway.handle(requestWith());
    expect(Math.abs(offers.length - requests / 10)).toBeLessThan(3 * Math.sqrt(requests * 0.1 * 0.9));
    const [request, from, shadow, answer, ms] = offers[0]!;
    expect([from, shadow]).toEqual([at.blue, at.green]);
    expect(answer).toMatchObject({ status: 500, headers: [["x", "y"]], body: "as given" });
    expect(request.headers).not.toHaveProperty("authorization");
    expect(at.records.some(({ requestId }) => requestId === request.headers["x-request-id"])).toBe(true);
    expect(ms).toBeGreaterThanOrEqual(0);
    expect(at.green.requests).toEqual([]);
  });

  test("gets nothing that is pinned, refused or timed out (contract GW-29)", async () => {
    const { at, offers } = mirrored(100);
    await at.gateway.handle(requestWith({ headers: { "azureml-model-deployment": "blue" } }));
    await at.gateway.handle(requestWith({ headers: { authorization: "Bearer wrong" } }));
    at.blue.isReady = false;
    await at.gateway.handle(requestWith());
    at.blue.isReady = true;
    at.blue.requestTimeoutMs = 1;
    at.blue.answer = () => new Promise(() => {});
    expect((await at.gateway.handle(requestWith())).status).toBe(408);
    expect(offers).toEqual([]);
    at.blue.answer = () => ok();
    at.blue.requestTimeoutMs = 60_000;
    await at.gateway.handle(requestWith());
    expect(offers).toHaveLength(1);
  });

  test("that fails does not cost the client its answer", async () => {
    const { at, mirror } = mirrored(100);
    mirror.offer = () => {
      throw new Error("the mirror broke");
    };
    const response = await at.gateway.handle(requestWith());
    expect([response.status, await textOf(response)]).toEqual([200, '{"ok": true}']);
    expect(at.logged.join("")).toContain("the mirror broke");
  });

  test("may put itself into the stream of an answer", async () => {
    const { at, mirror } = mirrored(100);
    mirror.offer = (_request, _from, _shadow, answer) => ({ ...answer, body: "seen" });
    expect(await textOf(await at.gateway.handle(requestWith()))).toBe("seen");
  });
});
