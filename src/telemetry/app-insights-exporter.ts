// The exporter's own envelopes and HTTP client, with ways of ours in the middle. Bundled with the thread that sends.
import { AzureMonitorLogExporter, AzureMonitorTraceExporter } from "@azure/monitor-opentelemetry-exporter";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import type { Next, OutgoingRequest } from "./app-insights-delivery.ts";

interface Exporter<T> {
  export(items: readonly T[], onDone: (result: { readonly code: number; readonly error?: Error }) => void): unknown;
}

const NO_HEADERS = { get: () => undefined, toJSON: () => ({}) };
const SUCCESS = 0;

/** Has an exporter make items and ready a request with them, which goes where the caller says. */
export class Items<T> {
  readonly #exporter: Exporter<T>;
  /** Whoever has the exporter make items now; the next one waits until they are there. */
  #turn: Promise<void> = Promise.resolve();
  #take: (request: OutgoingRequest, next: Next) => Promise<void> = async () => {};

  /** @param endpoint without a slash at its end */
  constructor(create: (options: object) => Exporter<T>, key: string, endpoint: string) {
    const policy = {
      name: "delivery",
      sendRequest: async (request: OutgoingRequest, next: Next) => {
        await this.#take(request, next);
        // Whatever became of it: nobody else is to try again.
        const bodyAsText = '{"itemsReceived":0,"itemsAccepted":0,"errors":[]}';
        return { request, status: 200, headers: NO_HEADERS, bodyAsText };
      },
    };
    this.#exporter = create({
      // The exporter makes http:// https:// there, but not in an address that its HTTP client is given.
      connectionString: `InstrumentationKey=${key.toLowerCase()}`,
      endpoint: `${endpoint}/v2.1`,
      allowInsecureConnection: true,
      disableOfflineStorage: true,
      retryOptions: { maxRetries: 0 },
      additionalPolicies: [{ policy, position: "perCall" }],
    });
  }

  /** @param take gets the request, whose body is a JSON array of what has been made */
  async make(items: readonly T[], take: (request: OutgoingRequest, next: Next) => Promise<void>): Promise<void> {
    const before = this.#turn;
    let isThere = (): void => {};
    this.#turn = new Promise((resolve) => {
      isThere = resolve;
    });
    await before;
    this.#take = (request, next) => {
      isThere();
      return take(request, next);
    };
    await this.#export(items).finally(isThere);
  }

  /** The exporter may call back twice; the first time counts. What went wrong has been told. */
  #export(items: readonly T[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = this.#exporter.export(items, ({ code, error }) => (code === SUCCESS ? resolve() : reject(error)));
      if (done instanceof Promise) done.catch(reject);
    });
  }
}

export function requestItems(key: string, endpoint: string): Items<ReadableSpan> {
  return new Items(
    (options) => new AzureMonitorTraceExporter(options) as unknown as Exporter<ReadableSpan>,
    key,
    endpoint,
  );
}

export function recordItems(key: string, endpoint: string): Items<ReadableLogRecord> {
  return new Items(
    (options) => new AzureMonitorLogExporter(options) as unknown as Exporter<ReadableLogRecord>,
    key,
    endpoint,
  );
}
