// The metrics of the gateway: what clients get, by deployment.
import fc from "fast-check";
import { expect, test } from "vitest";
import { createGatewayRecorder } from "../../../endpoint/gateway/recorder.ts";
import type { GatewayRecord } from "../../../endpoint/types.ts";
import { expose } from "../../../src/host.ts";
import { GATEWAY_FAMILIES } from "../../../src/metrics/families.ts";
import { FakeTarget, house, requestWith } from "./neighbours.ts";

type Recorder = ReturnType<typeof createGatewayRecorder>;

async function page(recorder: Recorder, targets: readonly FakeTarget[]): Promise<string> {
  return (await expose([recorder.figures(targets)], "", Date.now())).text;
}

const REQUESTS = /^scorefn_gateway_requests_total\{(.*)\} (\d+)$/gm;

/** Labels of each kind of answer, and how many there were. */
function requestsIn(text: string): Record<string, number> {
  return Object.fromEntries([...text.matchAll(REQUESTS)].map(([, labels, count]) => [labels!, Number(count)]));
}

test("tell what clients get, by deployment, refusals included (contract MON-3, MON-7)", async () => {
  const recorder = createGatewayRecorder();
  const { gateway, blue, green } = house("managed", { events: recorder });
  const ask = (headers: Record<string, string> = {}) => gateway.handle(requestWith({ headers }));
  await ask();
  await ask();
  blue.answer = () => ({ status: 500, headers: [], body: "" });
  await ask();
  await ask({ authorization: "Bearer wrong" });
  await ask({ "azureml-model-deployment": "whatever clients\nmake up" });
  green.isReady = false;
  await ask({ "azureml-model-deployment": "green" });
  blue.inFlight = blue.capacity;
  await ask();
  blue.inFlight = 0;
  blue.requestTimeoutMs = 1;
  blue.answer = () => new Promise(() => {});
  await ask();
  const text = await page(recorder, [blue, green]);
  expect(requestsIn(text)).toEqual({
    'deployment="blue",http_response_status_code="200",model_status_code="200"': 2,
    'deployment="blue",http_response_status_code="424",model_status_code="500",reason="model_error"': 1,
    'http_response_status_code="401",reason="key_auth_access_denied"': 1,
    'http_response_status_code="404",reason="deployment_not_found"': 1,
    'deployment="green",http_response_status_code="424",reason="model_not_ready"': 1,
    'deployment="blue",http_response_status_code="429",reason="too_many_pending_request"': 1,
    'deployment="blue",http_response_status_code="408",reason="timeout"': 1,
  });
  expect(text).toContain('scorefn_gateway_request_duration_seconds_count{deployment="blue"} 5\n');
  expect(text).toContain('scorefn_gateway_active_requests{deployment="blue"} 1\n');
  expect(text).toContain('scorefn_gateway_request_limit{deployment="blue"} 4\n');
  // Nothing else says it of a server that the user runs.
  expect(text).toContain('scorefn_ready{deployment="green"} 0\n');
  for (const [name, { type }] of Object.entries(GATEWAY_FAMILIES)) expect(text).toContain(`# TYPE ${name} ${type}\n`);
  recorder.forget("blue");
  expect(await page(recorder, [green])).not.toContain("blue");
});

test("a client that leaves is counted, and its wait is no latency", async () => {
  const recorder = createGatewayRecorder();
  const { gateway, blue } = house("managed", { events: recorder });
  blue.answer = () => ({ status: 499, headers: [], body: "", errorCode: "ERR_CLIENT_GONE" });
  await gateway.handle(requestWith());
  const text = await page(recorder, [blue]);
  expect(requestsIn(text)).toEqual({ 'deployment="blue",http_response_status_code="499",reason="client_gone"': 1 });
  expect(text).toContain('scorefn_gateway_request_duration_seconds_count{deployment="blue"} 0\n');
});

test("has few labels, whatever scripts answer", async () => {
  const record = fc.record({
    status: fc.integer({ min: -5, max: 100_000 }),
    modelStatus: fc.option(fc.integer({ min: -5, max: 100_000 }), { nil: undefined }),
    reason: fc.constantFrom(undefined, "model_error"),
    isMirrored: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 30 }), async (records) => {
      const recorder = createGatewayRecorder();
      for (const each of records) recorder.answered({ ...each, deployment: "blue", totalMs: 1 } as GatewayRecord);
      const text = await page(recorder, [new FakeTarget("blue")]);
      const counts = requestsIn(text);
      expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(records.length);
      for (const labels of Object.keys(counts)) {
        expect(labels).toMatch(/http_response_status_code="([1-5]\d\d|_OTHER)"/);
        expect(labels).not.toMatch(/model_status_code="(?!([1-5]\d\d|_OTHER)")/);
      }
    }),
    { numRuns: 50 },
  );
});

test("a plain server shows none of its families", async () => {
  const { text } = await expose([], "", Date.now());
  for (const name of Object.keys(GATEWAY_FAMILIES)) expect(text).not.toContain(name);
});
