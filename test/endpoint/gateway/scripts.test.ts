// Real scripts with real workers behind the gateway.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createGateway } from "../../../endpoint/gateway/gateway.ts";
import type { Gateway, GatewayForm } from "../../../endpoint/types.ts";
import {
  createGate,
  createService,
  isAlive,
  type Language,
  type Service,
  scriptFile,
  temporaryFolder,
  until,
} from "../../setup/service.ts";
import { CREDENTIALS, headerOf, requestWith, routingOf, textOf } from "./neighbours.ts";
import { type ServiceTarget, targetOf } from "./service-target.ts";

interface Endpoint {
  readonly service: Service;
  readonly target: ServiceTarget;
  readonly gateway: Gateway;
  post(
    body: string,
  ): Promise<{ status: number; text: string; modelStatus: string | undefined; reason: string | undefined }>;
}

function endpointOf(script: string, form: GatewayForm, env: Record<string, string> = {}): Endpoint {
  const service = createService(script, { WORKER_COUNT: "1", ...env });
  onTestFinished(() => service.close());
  const target = targetOf(service);
  const routing = routingOf([target], { blue: 100 }, { form });
  const gateway = createGateway({ routing: () => routing, credentials: CREDENTIALS, log: service.log });
  return {
    service,
    target,
    gateway,
    async post(body) {
      const response = await gateway.handle(requestWith({ body: Buffer.from(body) }));
      return {
        status: response.status,
        text: await textOf(response),
        modelStatus: headerOf(response, "ms-azureml-model-error-statuscode"),
        reason: headerOf(response, "ms-azureml-model-error-reason"),
      };
    },
  };
}

describe.each<Language>(["python", "typescript"])("%s", (language) => {
  const folder = temporaryFolder();
  beforeAll(() => folder);
  afterAll(async () => (await folder).remove());

  test.each([
    ["managed", 424, "500"],
    ["kubernetes", 502, undefined],
    ["none", 500, undefined],
  ] as const)("run() raises, %s", async (form, status, modelStatus) => {
    const { post } = endpointOf(scriptFile("raises", language), form);
    const answer = await post("x");
    expect(answer).toMatchObject({ status, modelStatus });
    expect(JSON.parse(answer.text).message).toContain("unexpected error");
  });

  test.each([
    ["managed", 424, "500"],
    ["kubernetes", 502, undefined],
  ] as const)("the worker dies, %s", async (form, status, modelStatus) => {
    const { post } = endpointOf(scriptFile("dies", language), form);
    expect(await post("exit")).toMatchObject({ status, modelStatus });
    // Another takes its place.
    expect((await post("")).status).toBe(200);
  });

  test.each([
    ["managed", 408],
    ["kubernetes", 504],
  ] as const)("run() is stopped when its time is over, and the worker serves on: %s", async (form, status) => {
    const { post, target, service } = endpointOf(scriptFile("waits_for_file", language), form, {
      // A script that does not heed the end of its time costs its worker.
      SCORING_TIMEOUT_MS: "2000",
    });
    await service.runtime.start();
    const pid = Number((await post("")).text.replaceAll('"', ""));
    const gate = createGate(await folder, `${language}-${form}`);
    target.requestTimeoutMs = 1_500;
    const late = post(gate.path);
    await gate.begun();
    expect(await late).toMatchObject({ status, text: "upstream request timeout" });
    await until(() => target.inFlight === 0, "the deployment has heard of it");
    target.requestTimeoutMs = 180_000;
    // Nothing opens the gate, and there is one worker: only where run() was stopped can it take another request.
    expect((await post("")).status).toBe(200);
    if (language === "python") expect(isAlive(pid)).toBe(true);
  });

  test("time in the queue counts", async () => {
    const { post, target, service } = endpointOf(scriptFile("waits_for_file", language), "managed");
    await service.runtime.start();
    const gate = createGate(await folder, `${language}-queue`);
    const running = post(gate.path);
    await gate.begun();
    target.requestTimeoutMs = 50;
    expect((await post("")).status).toBe(408);
    await gate.open();
    expect((await running).status).toBe(200);
  });

  test("init() fails", async () => {
    const { post } = endpointOf(scriptFile("broken/init_throws", language), "managed");
    const answer = await post("x");
    expect(answer).toMatchObject({ status: 424, modelStatus: "502", reason: "model_not_ready" });
  });

  test("a stream goes through, and one that fails is cut off", async () => {
    const { post } = endpointOf(scriptFile("streams", language), "managed");
    expect(await post("text")).toMatchObject({ status: 200, text: "onetwo" });
    await expect(post("fails later")).rejects.toThrow();
  });
});
