// An endpoint for the control page: real routes behind a real server, whose figures a test, or a seed, makes up.
import type { AddressInfo } from "node:net";
import { createHttpServer } from "../../../adapters/http/index.ts";
import { createPageRoutes, type PageApi } from "../../../endpoint/page/index.ts";
import type { DeploymentReport, DifferenceExample, EndpointReport, Shares } from "../../../endpoint/types.ts";
import { createLog, ScoreError } from "../../../src/host.ts";

export const TOKEN = "a-token-for-this-test";

export interface FakeEndpoint {
  /** With the token. */
  readonly address: string;
  readonly origin: string;
  report: EndpointReport;
  /** What was asked for, in order. */
  readonly changes: { readonly traffic: Shares; readonly mirrorTraffic: Shares }[];
  /** The next change is refused for this reason. */
  refusal: string | undefined;
  /** Called before each report. */
  beforeReport: () => void;
  close(): Promise<void>;
}

export async function startFakeEndpoint(report: EndpointReport): Promise<FakeEndpoint> {
  const changes: FakeEndpoint["changes"] = [];
  const api: PageApi = {
    report() {
      fake.beforeReport();
      return fake.report;
    },
    async setTraffic(traffic, mirrorTraffic) {
      const { refusal } = fake;
      fake.refusal = undefined;
      if (refusal !== undefined) throw new ScoreError("ERR_CONFIG", refusal);
      changes.push({ traffic, mirrorTraffic });
      fake.report = { ...fake.report, traffic, mirrorTraffic };
    },
  };
  const log = createLog(() => {}, "ERROR");
  const server = createHttpServer(createPageRoutes(api, { token: TOKEN }), { maxBodyBytes: 65_536 }, log);
  const { port }: AddressInfo = await server.listen({ host: "127.0.0.1", port: 0 });
  const origin = `http://127.0.0.1:${port}`;
  const fake: FakeEndpoint = {
    address: `${origin}/#token=${TOKEN}`,
    origin,
    report,
    changes,
    refusal: undefined,
    beforeReport() {},
    close: () => server.close(0),
  };
  return fake;
}

const LATENCY = { count: 18_423, mean: 21.4, p50: 18.2, p90: 31.5, p95: 38.9, p99: 61.7, max: 140.2 };

export function deploymentReport(name: string, more: Partial<DeploymentReport> = {}): DeploymentReport {
  return {
    name,
    state: "Succeeded",
    isReady: true,
    whyNotReady: null,
    instances: 2,
    workers: { starting: 0, idle: 3, busy: 1, dead: 0 },
    inFlight: 1,
    waiting: 0,
    figures: {
      requests: 18_423,
      rate: 41.2,
      errorRate: 0,
      statuses: { 200: 18_423 },
      modelStatuses: { 200: 18_423 },
      latencyMs: LATENCY,
    },
    ...more,
  };
}

export function example(count: number): DifferenceExample {
  const body = (probability: number): string =>
    JSON.stringify({ prediction: [{ species: "adelie", probability }], model: "penguins:4" }, null, 2);
  return {
    requestId: `5f0c6b1e-4a7d-4c8e-9a10-0000000000${10 + count}`,
    time: new Date(Date.UTC(2026, 10, 26, 9, 12, count)).toISOString(),
    request: `POST /score\n\n{"data": [[39.${count}, 18.7, 181, 3750]]}`,
    live: { deployment: "blue", status: 200, body: body(0.9712) },
    shadow: { deployment: "green", status: 200, body: body(0.8836) },
    path: "$.prediction[0].probability",
    liveValue: "0.9712",
    shadowValue: "0.8836",
  };
}

export function endpointReport(more: Partial<EndpointReport> = {}): EndpointReport {
  return {
    endpoint: "penguins",
    scoringUri: "http://127.0.0.1:5001/score",
    authMode: "key",
    gateway: "managed",
    traffic: { blue: 100, green: 0 },
    mirrorTraffic: { green: 10 },
    since: "2026-11-26T09:00:00.000Z",
    deployments: [deploymentReport("blue"), deploymentReport("green", { instances: 1 })],
    mirror: {
      shadow: "green",
      since: "2026-11-26T09:05:00.000Z",
      mirrored: 1_842,
      compared: 1_838,
      dropped: 2,
      notComparable: 0,
      different: 37,
      shareDifferent: 37 / 1_838,
      kinds: [
        { kind: "body $.prediction[*].probability: number", count: 34, examples: [example(1), example(2)] },
        {
          kind: "status 200 -> 500",
          count: 3,
          examples: [
            {
              ...example(3),
              shadow: { deployment: "green", status: 500, body: '{"message": "<b>KeyError</b>: island"}' },
              path: "status",
              liveValue: "200",
              shadowValue: "500",
            },
          ],
        },
      ],
      liveMs: LATENCY,
      shadowMs: { ...LATENCY, count: 1_838, p50: 14.1, p90: 22.6, p95: 27.3, p99: 44.8, max: 97.3 },
      liveStatuses: { 200: 1_838 },
      shadowStatuses: { 200: 1_835, 500: 3 },
    },
    ...more,
  };
}
