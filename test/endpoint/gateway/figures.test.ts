import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAccessLog } from "../../../endpoint/gateway/access-log.ts";
import { createFigures } from "../../../endpoint/gateway/figures.ts";
import type { GatewayRecord } from "../../../endpoint/types.ts";
import { house, keptLog, requestWith } from "./neighbours.ts";

function recordWith(changes: Partial<GatewayRecord> = {}): GatewayRecord {
  return {
    request: requestWith({ query: "a=1", headers: { "user-agent": "u".repeat(80) } }),
    requestId: "11111111-2222-4333-8444-555555555555",
    clientRequestId: "mine",
    deployment: "blue",
    status: 424,
    modelStatus: 500,
    reason: "model_error",
    requestBytes: 2,
    responseBytes: 30,
    headMs: 12.3456,
    totalMs: 20,
    isMirrored: false,
    ...changes,
  };
}

describe("figures", () => {
  test("of a deployment that has answered nothing are nought", () => {
    expect(createFigures().of("blue")).toEqual({
      requests: 0,
      rate: 0,
      errorRate: 0,
      statuses: {},
      modelStatuses: {},
      latencyMs: { count: 0, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, max: 0 },
    });
  });

  test("a client that leaves is no error of the deployment, and its wait no latency", () => {
    const figures = createFigures(() => 0);
    figures.answered(recordWith({ status: 499, modelStatus: undefined, reason: "client_gone", totalMs: 50_000 }));
    const { latencyMs, ...blue } = figures.of("blue");
    expect(blue).toEqual({ requests: 1, rate: 1, errorRate: 0, statuses: { 499: 1 }, modelStatuses: {} });
    expect(latencyMs.count).toBe(0);
  });

  test("count by deployment, by what clients saw, and by what the deployment answered (contract MON-3)", () => {
    const figures = createFigures(() => 0);
    for (let ms = 1; ms <= 1_000; ms++) {
      figures.answered(recordWith({ status: 200, modelStatus: 200, reason: undefined, totalMs: ms }));
    }
    figures.answered(recordWith());
    figures.answered(recordWith({ status: 429, modelStatus: undefined }));
    figures.answered(recordWith({ deployment: "green", isMirrored: true }));
    figures.answered(recordWith({ deployment: undefined }));
    const { latencyMs, ...blue } = figures.of("blue");
    expect(blue).toMatchObject({
      requests: 1_002,
      statuses: { 200: 1_000, 424: 1, 429: 1 },
      modelStatuses: { 200: 1_000, 500: 1 },
    });
    expect(figures.of("green").requests).toBe(1);
    expect(latencyMs.count).toBe(1_002);
    for (const [name, wanted] of [
      ["mean", 500],
      ["p50", 500],
      ["p90", 900],
      ["p95", 950],
      ["p99", 990],
      ["max", 1_000],
    ] as const) {
      expect(Math.abs(latencyMs[name] - wanted) / wanted).toBeLessThan(0.02);
    }
    figures.forget("blue");
    expect(figures.of("blue").requests).toBe(0);
  });

  test("take times that no clock should give", () => {
    const figures = createFigures();
    for (const totalMs of [0, -1, 1e12, 0.000_1]) figures.answered(recordWith({ totalMs }));
    expect(figures.of("blue").latencyMs.count).toBe(4);
  });

  test("rates are those of the last ten seconds, whenever requests come", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 4_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 0, max: 30_000 }), fc.nat(100_000), (all, pause, start) => {
        let now = start;
        const figures = createFigures(() => now);
        const times: number[] = [];
        for (const gap of all) {
          now += gap;
          times.push(now);
          figures.answered(recordWith({ status: times.length % 2 ? 200 : 500 }));
        }
        now += pause;
        const { rate, errorRate } = figures.of("blue");
        const from = (Math.floor(now / 1_000) - 9) * 1_000;
        const seen = times.filter((time) => time >= from).length;
        const errors = times.filter((time, index) => time >= from && index % 2 === 1).length;
        const seconds = Math.max(Math.min(now - times[0]!, now - from) / 1_000, 1);
        expect(rate).toBeCloseTo(seen / seconds, 9);
        expect(errorRate).toBeCloseTo(errors / seconds, 9);
      }),
    );
  });
});

describe("the access log", () => {
  test("in text is one line", () => {
    const { log, logged } = keptLog();
    createAccessLog(log)(recordWith(), 1, "house");
    createAccessLog(log)(
      recordWith({ deployment: undefined, modelStatus: undefined, reason: undefined, request: requestWith() }),
      1,
      "house",
    );
    expect(logged.map((line) => line.slice(line.indexOf("gunicorn")))).toEqual([
      "gunicorn.access - POST /score?a=1 424 20.000ms 30 blue model_error 500 11111111-2222-4333-8444-555555555555\n",
      "gunicorn.access - POST /score 424 20.000ms 30 - - - 11111111-2222-4333-8444-555555555555\n",
    ]);
  });

  test("in JSON has Azure's columns (contract MON-4, MON-7)", () => {
    const { log, logged } = keptLog("json");
    createAccessLog(log)(recordWith(), 1.23456, "house");
    expect(JSON.parse(logged[0]!)).toMatchObject({
      Method: "POST",
      Path: "/score",
      EndpointName: "house",
      DeploymentName: "blue",
      ResponseCode: 424,
      ResponseCodeReason: "model_error",
      ModelStatusCode: 500,
      ModelStatusReason: "Internal Server Error",
      RequestPayloadSize: 2,
      ResponsePayloadSize: 30,
      UserAgent: "u".repeat(70),
      XRequestId: "11111111-2222-4333-8444-555555555555",
      XMSClientRequestId: "mine",
      TotalDurationMs: 20,
      RequestDurationMs: 1.235,
      ResponseDurationMs: 12.346,
    });
  });

  test("shows of a query what records may show, and never a key", async () => {
    const { log, logged } = keptLog("json");
    const { gateway } = house("managed", { log });
    await gateway.handle(requestWith({ query: "code=secret", loggedQuery: "code=***" }));
    await gateway.handle(requestWith({ headers: { authorization: "Bearer a-wrong-secret" } }));
    expect(logged).toHaveLength(2);
    expect(logged.join("")).not.toMatch(/secret|primary-key/);
  });
});
