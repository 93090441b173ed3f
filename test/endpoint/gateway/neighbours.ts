// What stands around a gateway in its tests: deployments that do as they are told, and a log that is kept.

import { createCredentials, newCredentials } from "../../../endpoint/gateway/credentials.ts";
import { createGateway, type GatewayOptions } from "../../../endpoint/gateway/gateway.ts";
import type { Credentials, Gateway, GatewayForm, GatewayRecord, Routing, Target } from "../../../endpoint/types.ts";
import type { HeaderList, Log, ScoreRequest, ScoreResponse } from "../../../src/host.ts";
import { createLog } from "../../../src/host.ts";

export const KEY = "the-primary-key";
export const SECOND_KEY = "the-secondary-key";
export const CREDENTIALS: Credentials = createCredentials(
  (
    (data) => () =>
      data
  )(newCredentials({ primary: KEY, secondary: SECOND_KEY })),
  "house",
);

/** A deployment that answers as a test says, and counts as a real one does. */
export class FakeTarget implements Target {
  readonly name: string;
  capacity = 4;
  inFlight = 0;
  requestTimeoutMs = 60_000;
  isReady = true;
  whyNotReady: string | null = null;
  readonly requests: ScoreRequest[] = [];
  answer: (request: ScoreRequest) => ScoreResponse | Promise<ScoreResponse> = () => ok();

  constructor(name: string, changes: Partial<Pick<FakeTarget, "answer" | "capacity" | "requestTimeoutMs">> = {}) {
    this.name = name;
    Object.assign(this, changes);
  }

  handle = async (request: ScoreRequest): Promise<ScoreResponse> => {
    this.inFlight++;
    this.requests.push(request);
    try {
      return await this.answer(request);
    } finally {
      this.inFlight--;
    }
  };
}

export function ok(body: ScoreResponse["body"] = '{"ok": true}', headers: HeaderList = []): ScoreResponse {
  return { status: 200, headers: [["Content-Type", "application/json"], ...headers], body };
}

export function routingOf(
  targets: readonly Target[],
  traffic: Routing["traffic"],
  changes: Partial<Routing> = {},
): Routing {
  return {
    endpoint: "house",
    form: "managed",
    authMode: "key",
    traffic,
    mirror: {},
    targets: new Map(targets.map((target) => [target.name, target])),
    ...changes,
  };
}

export interface House {
  readonly gateway: Gateway;
  readonly blue: FakeTarget;
  readonly green: FakeTarget;
  readonly records: GatewayRecord[];
  readonly logged: string[];
  /** Counts from the next request on. */
  route(traffic: Routing["traffic"], changes?: Partial<Routing>): void;
}

export function keptLog(format: "text" | "json" = "text"): { log: Log; logged: string[] } {
  const logged: string[] = [];
  return { log: createLog((text) => logged.push(text), "INFO", format), logged };
}

/** Blue has all traffic, green none. */
export function house(form: GatewayForm = "managed", options: Partial<GatewayOptions> = {}): House {
  const [blue, green] = [new FakeTarget("blue"), new FakeTarget("green")];
  const { log, logged } = keptLog();
  const records: GatewayRecord[] = [];
  let routing = routingOf([blue, green], { blue: 100, green: 0 }, { form });
  const gateway = createGateway({
    routing: () => routing,
    credentials: CREDENTIALS,
    events: { answered: (record) => records.push(record) },
    log,
    ...options,
  });
  return {
    gateway,
    blue,
    green,
    records,
    logged,
    route(traffic, changes = {}) {
      routing = routingOf([blue, green], traffic, { form, ...changes });
    },
  };
}

export function requestWith(changes: Partial<ScoreRequest> = {}): ScoreRequest {
  return {
    method: "POST",
    path: "/score",
    query: "",
    body: Buffer.from("{}"),
    ...changes,
    headers: { authorization: `Bearer ${KEY}`, ...changes.headers },
  };
}

export function headerOf({ headers }: Pick<ScoreResponse, "headers">, wanted: string): string | undefined {
  const found = headers.filter(([name]) => name.toLowerCase() === wanted);
  if (found.length > 1) throw new Error(`${wanted} stands there ${found.length} times`);
  return found[0]?.[1];
}

export async function textOf({ body }: Pick<ScoreResponse, "body">): Promise<string> {
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
