// Bundled with the SDK. OpenTelemetry's own batches drop spans, and fail to send them, without anybody being able to ask how many.
import { TraceFlags } from "@opentelemetry/api";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { problemText } from "./problem-text.ts";

/** How spans are put together to be sent. */
export interface BatchLimits {
  /** Spans that are kept back at most, those on their way included. */
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduledDelayMillis: number;
  readonly exportTimeoutMillis: number;
}

const SENT = { code: 0 };
const FAILED = 1;
const NO_REASON = "spans could not be sent";

/** Sends spans in batches, keeps no more back than it may, and counts what is lost. */
export class Sender implements SpanProcessor {
  readonly #batches: BatchSpanProcessor;
  readonly #limit: number;
  readonly #report: (problem: string) => void;
  #pending = 0;
  #lost = 0;

  /** @param report told whenever spans have been lost, and why */
  constructor(exporter: SpanExporter, limits: BatchLimits, report: (problem: string) => void) {
    this.#batches = new BatchSpanProcessor(this.#counted(exporter), { ...limits });
    this.#limit = limits.maxQueueSize;
    this.#report = report;
  }

  /** Spans that were dropped, or could not be sent. */
  get lost(): number {
    return this.#lost;
  }

  /** Spans that have not been sent yet. */
  get pending(): number {
    return this.#pending;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#pending >= this.#limit) {
      this.#lost++;
      this.#report("more is traced than can be sent");
      return;
    }
    this.#pending++;
    this.#batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }

  #counted(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans, done) => {
        const { length } = spans;
        // A failure told to the library would go to the one place that all in this process have for them, whosever it is.
        const end = (failure: unknown): void => {
          this.#pending -= length;
          if (failure !== undefined) {
            this.#lost += length;
            this.#report(problemText([failure]));
          }
          done(SENT);
        };
        try {
          exporter.export(spans, ({ code, error }) => end(code === FAILED ? (error ?? NO_REASON) : undefined));
        } catch (error) {
          end(error ?? NO_REASON);
        }
      },
      shutdown: () => exporter.shutdown(),
      forceFlush: async () => exporter.forceFlush?.(),
    };
  }
}
