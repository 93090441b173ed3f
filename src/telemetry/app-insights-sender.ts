// The server's side of what goes to Application Insights: spans and records wait here, and a thread of its own sends them.
import { hostname } from "node:os";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { Context } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace-base";
import { packageFile } from "../core/package-root.ts";
import { messageOf } from "../core/thrown.ts";
import type { DeliveryTimes } from "./app-insights-delivery.ts";
import { Losses, type Teller } from "./app-insights-losses.ts";
import type { FromThread, InsightsRecord, ThreadData, ToThread } from "./app-insights-messages.ts";
import { Outbox } from "./app-insights-outbox.ts";
import { type RequestDetails, rowOf, type ServiceNames } from "./app-insights-request.ts";
import { packRows, type RequestRow } from "./app-insights-row.ts";
import { readSampling, type Sampling } from "./app-insights-sampling.ts";

export interface InsightsOptions {
  readonly key: string;
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** Has OpenTelemetry's variables, and those of proxies. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly names: ServiceNames;
  readonly tell: Teller;
  readonly times?: DeliveryTimes;
}

/** Sends to Application Insights what the SDK and its owner hand over. */
export interface Insights {
  /** Starts the thread. @param resource what the spans come from */
  processor(resource: Resource): SpanProcessor;
  /** Before the span ends. */
  describe(span: object, details: RequestDetails): void;
  record(record: InsightsRecord): void;
  /** Tells of all that has not been taken until now. */
  ended(): void;
}

/** What a request takes while it waits, in bytes, about; bodies come on top. */
const REQUEST_BYTES = 1_200;
const RECORD_BYTES = 600;
/** Numbers of OpenTelemetry's API. */
const SAMPLED = 1;
const SERVER = 1;

/** Where the span of a request carries what its row needs besides: a table on the side would cost each clearing of memory. */
const DETAILS = Symbol("details");
interface Described {
  [DETAILS]?: RequestDetails;
}

/** The exporter reports on itself to hosts of its vendor, and sends a figure of 1 with each batch, unless they are set. */
const NO_SIDE_CHANNELS = {
  APPLICATION_INSIGHTS_NO_STATSBEAT: "true",
  APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED: "true",
};

export function createInsights({ key, endpoint, env, names, tell, times }: InsightsOptions): Insights {
  const losses = new Losses(tell);
  const rates = new Rates(readSampling(env));
  let thread: SendingThread | undefined;
  const box = {
    isSlow: () => losses.isFailing,
    onDropped: (count: number) => losses.lost(count, "more comes about than the service takes"),
  };
  const requests = new Outbox<RequestRow>({ ...box, send: (items) => thread!.requests(items) });
  const records = new Outbox<InsightsRecord>({ ...box, send: (items) => thread!.records(items) });
  const flush = async (): Promise<void> => {
    await Promise.all([requests.flush(), records.flush()]);
  };
  return {
    processor(resource) {
      const data: ThreadData = { key, endpoint, times, names, resource: attributesOf(resource) };
      const started = new SendingThread(data, { ...env, ...NO_SIDE_CHANNELS }, losses);
      thread = started;
      return {
        onStart: (span, parent) => rates.begun(span, parent),
        onEnd(span: ReadableSpan & Described) {
          // Its parts are figures in its row.
          const { kind, [DETAILS]: details } = span;
          if (kind !== SERVER || details === undefined || (span.spanContext().traceFlags & SAMPLED) === 0) return;
          requests.add(rowOf(span, details, rates.of(span)), REQUEST_BYTES + (details.responseText?.length ?? 0));
        },
        forceFlush: flush,
        async shutdown() {
          started.stop();
          await flush();
          await started.end();
        },
      };
    },
    describe(span: Described, details) {
      span[DETAILS] = details;
    },
    record(record) {
      if (thread !== undefined) records.add(record, sizeOf(record));
    },
    ended: () => losses.close(requests.size + records.size),
  };
}

/** In MB. Rows live for a moment only, and with less room the thread clears up sooner; batches of the largest items fit in. */
const LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

/** It keeps no process alive. */
class SendingThread {
  readonly #worker: Worker;
  readonly #losses: Losses;
  /** Batches under way, by their ids. */
  readonly #pending = new Map<number, { readonly count: number; readonly done: () => void }>();
  #lastId = 0;
  #why: string | undefined;

  constructor(data: ThreadData, env: Readonly<Record<string, string | undefined>>, losses: Losses) {
    this.#losses = losses;
    const file = pathToFileURL(packageFile("dist/src/telemetry/app-insights-thread.js"));
    // What the process is run with, such as a debugger, is not meant for it.
    this.#worker = new Worker(file, { workerData: data, env, execArgv: [], resourceLimits: LIMITS });
    this.#worker.unref();
    this.#worker.on("message", (message: FromThread) => this.#take(message));
    this.#worker.on("error", (error) => this.#gone(`the thread that sends ended: ${messageOf(error)}`));
    this.#worker.on("exit", () => this.#gone("the thread that sends ended"));
  }

  requests(rows: readonly RequestRow[]): Promise<void> {
    return this.#send((id) => ({ kind: "requests", id, rows: packRows(rows) }), rows.length);
  }

  records(items: readonly InsightsRecord[]): Promise<void> {
    return this.#send((id) => ({ kind: "records", id, items }), items.length);
  }

  stop(): void {
    this.#post({ kind: "stop" });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #send(toMessage: (id: number) => ToThread, count: number): Promise<void> {
    if (this.#why !== undefined) {
      this.#losses.lost(count, this.#why);
      return Promise.resolve();
    }
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#pending.set(id, { count, done: resolve });
      try {
        this.#post(toMessage(id));
      } catch (error) {
        // Something in it cannot be copied.
        this.#pending.delete(id);
        this.#losses.lost(count, messageOf(error));
        resolve();
      }
    });
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #take(message: FromThread): void {
    if (message.kind === "failing") this.#losses.failing(message.reason);
    else if (message.kind === "works") this.#losses.works();
    else if (message.kind === "lost") this.#losses.lost(message.count, message.why);
    else {
      this.#pending.get(message.id)?.done();
      this.#pending.delete(message.id);
    }
  }

  /** Nothing can be sent any more. */
  #gone(why: string): void {
    this.#why ??= why;
    for (const { count, done } of this.#pending.values()) {
      this.#losses.lost(count, this.#why);
      done();
    }
    this.#pending.clear();
  }
}

/** Of how many requests each span stands for one: the exporter would take it for itself alone. */
class Rates {
  readonly #sampling: Sampling;
  readonly #rates = new WeakMap<object, number>();

  constructor(sampling: Sampling) {
    this.#sampling = sampling;
  }

  begun(span: object, parentContext: Context): void {
    const { percent, heedsParent } = this.#sampling;
    if (percent === 100) return;
    const parent = heedsParent ? (parentContext.getValue(ACTIVE_SPAN) as object | undefined) : undefined;
    // What a caller has chosen by is not known.
    this.#rates.set(span, parent === undefined ? percent : (this.#rates.get(parent) ?? 100));
  }

  of(span: object): number | undefined {
    return this.#rates.get(span);
  }
}

/** Where OpenTelemetry's API keeps the span of a context. */
const ACTIVE_SPAN = Symbol.for("OpenTelemetry Context Key SPAN");

const INSTANCE = "service.instance.id";

/** The exporter asks the system for the host's name with each item where nothing else names the instance. */
function attributesOf({ attributes }: Resource): ThreadData["resource"] {
  return { ...attributes, [INSTANCE]: attributes["k8s.pod.name"] || attributes[INSTANCE] || hostname() };
}

function sizeOf({ message, exception, properties }: InsightsRecord): number {
  let size = RECORD_BYTES + message.length + (exception?.stack.length ?? 0);
  for (const value of Object.values(properties)) size += value.length;
  return size;
}
