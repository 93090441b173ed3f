// Bundled with the SDK. OpenTelemetry's own batches drop spans, and fail to send them, without anybody being able to ask how many.
import { TraceFlags } from "@opentelemetry/api";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";

/** How spans are put together to be sent. */
export interface BatchLimits {
  /** Spans that are kept back at most, those on their way included. */
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduledDelayMillis: number;
  readonly exportTimeoutMillis: number;
}

const FAILED = 1;

/** Sends spans in batches, keeps no more back than it may, and counts what is lost. */
export class Sender implements SpanProcessor {
  readonly #batches: BatchSpanProcessor;
  readonly #limit: number;
  readonly #report: (problem: string) => void;
  #pending = 0;
  #lost = 0;

  /** @param report told whenever spans have been lost for lack of room */
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
        try {
          exporter.export(spans, (result) => {
            this.#pending -= length;
            if (result.code === FAILED) this.#lost += length;
            done(result);
          });
        } catch (error) {
          this.#pending -= length;
          this.#lost += length;
          done({ code: FAILED, error: error as Error });
        }
      },
      shutdown: () => exporter.shutdown(),
      forceFlush: async () => exporter.forceFlush?.(),
    };
  }
}
