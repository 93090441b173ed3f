// What the core announces, as spans: one for each request, with one for its waiting and one for its run().
import type { Attributes, Context, Span, SpanOptions } from "@opentelemetry/api";
import type { ScoreError } from "../core/errors.ts";
import type { Events, RequestAnswered, RunEnd } from "../core/events.ts";
import type { Trace, Tracer } from "../core/trace.ts";
import { describeAnswer, describeFailure, describeHead, describeRequest, spanName, statusMessage } from "./describe.ts";

/** Numbers of OpenTelemetry's API. */
const INTERNAL = 0;
const SERVER = 1;
const FAILED = 2;
const SAMPLED = 1;

/** What spans are made with: our own SDK, or the one that is registered already. */
export interface SpanSource {
  /** @param spanId what it is to be called; undefined: anything */
  start(name: string, options: SpanOptions, parent: Context, spanId?: string): Span;
  /** Where the request of these headers comes from. */
  parentOf(headers: Readonly<Record<string, string>>): Context;
  childrenOf(span: Span): Context;
  /** A name for a span that is to be made later; undefined: those cannot be named. */
  newSpanId?(): string;
  /** True: samplers may ask for what is known of a request when it comes in. Ours do not, and most of it is for nothing. */
  readonly asksFirst?: boolean;
  /** Where somebody has begun a span of the server for the request that is being handled now.   @returns undefined: nobody */
  around?(): Context | undefined;
}

/** Learns of the span of a request before it ends. */
export type OnRequestSpan = (span: Span, answered: RequestAnswered) => void;

export interface SpansOptions {
  /** Told what a source throws, which is no request's business. */
  readonly onFault: (error: unknown) => void;
  readonly onRequestSpan?: OnRequestSpan | undefined;
  /** True: the host has a span of the kind SERVER for each request, with all that HTTP says of it; so ours is a part of that
   *  one, and says the rest. */
  readonly isWithinHost?: boolean;
  /** False: nobody wants spans for the waiting and the run() of a request. Default: true. */
  readonly hasParts?: boolean;
}

/** Makes the spans of one service. */
export function createSpans(
  given: SpanSource,
  { onFault, onRequestSpan, isWithinHost = false, hasParts = true }: SpansOptions,
): { tracer: Tracer; events: Events } {
  const { newSpanId: _, ...withoutParts } = given;
  const source: SpanSource = hasParts ? given : withoutParts;
  /** @returns undefined: it is not recorded */
  const of = ({ trace }: { readonly trace?: Trace | undefined }): RequestTrace | undefined =>
    trace instanceof RequestTrace ? trace : undefined;

  function safely(action: () => void): void {
    try {
      action();
    } catch (error) {
      onFault(error);
    }
  }

  const parts: Events = {
    requestQueued: ({ call, queuedAt }) => of(call)?.queued(queuedAt),
    runBegun: ({ call, queuedAt, begunAt }) => of(call)?.begun(queuedAt, begunAt),
    runEnded({ call, pid, end, runMs }) {
      const trace = of(call);
      if (trace !== undefined) safely(() => trace.ran(pid, end, runMs));
    },
  };

  return {
    tracer: {
      begin(request, route, startedAt) {
        try {
          return beginTrace(source, request, route, startedAt, isWithinHost);
        } catch (error) {
          onFault(error);
          return undefined;
        }
      },
    },
    events: {
      ...(hasParts && parts),
      requestFailed({ ids, failure }) {
        const trace = of(ids);
        if (trace !== undefined) safely(() => trace.failed(failure));
      },
      requestAnswered(record) {
        const trace = of(record.ids);
        if (trace === undefined) return;
        const { body } = record.response;
        if (typeof body === "string" || body instanceof Uint8Array) {
          safely(() => trace.end(record, Buffer.byteLength(body), record.endedAt, onRequestSpan));
        }
      },
      streamEnded({ answered, bytes, failure, endedAt }) {
        const trace = of(answered.ids);
        if (trace === undefined) return;
        safely(() => {
          if (failure !== undefined) trace.failed(failure);
          trace.end(answered, bytes, endedAt, onRequestSpan);
        });
      },
    },
  };
}

type Begun = Parameters<Tracer["begin"]>[0];

function beginTrace(
  source: SpanSource,
  request: Begun,
  route: string,
  startedAt: number,
  isWithinHost: boolean,
): Trace {
  // From the clock of performance.now() to milliseconds since 1970: the same for all spans of a request, or a child might
  // begin before its parent.
  const epochMs = Date.now() - performance.now();
  const around = source.around?.();
  const kind = around === undefined && !isWithinHost ? SERVER : INTERNAL;
  const options: SpanOptions = { kind, startTime: startedAt + epochMs };
  const describe = (): Attributes => (isWithinHost ? { "http.route": route } : describeHead(request, route));
  if (source.asksFirst) options.attributes = describe();
  const parent = around ?? source.parentOf(request.headers);
  const span = source.start(isWithinHost ? route.slice(1) : spanName(request.method, route), options, parent);
  if (!span.isRecording()) return new PassedTrace(span);
  if (!source.asksFirst) span.setAttributes(describe());
  return new RequestTrace(source, span, epochMs, isWithinHost);
}

/** One that is not recorded here: only its ids are needed. */
class PassedTrace implements Trace {
  readonly traceId: string;
  readonly spanId: string;
  readonly span: Span;

  constructor(span: Span) {
    const { traceId, spanId } = span.spanContext();
    this.traceId = traceId;
    this.spanId = spanId;
    this.span = span;
  }

  get isSampled(): boolean {
    return (this.span.spanContext().traceFlags & SAMPLED) !== 0;
  }

  get traceparent(): string {
    return `00-${this.traceId}-${this.spanId}-${this.isSampled ? "01" : "00"}`;
  }

  get tracestate(): string | undefined {
    return this.span.spanContext().traceState?.serialize() || undefined;
  }
}

/** The trace of one request, as far as it has come. Times are on the clock of `performance.now()`, in milliseconds. */
class RequestTrace extends PassedTrace {
  readonly #source: SpanSource;
  readonly #epochMs: number;
  readonly #isWithinHost: boolean;
  #runSpanId: string | undefined;
  #waitsSince: number | undefined;
  #begunAt: number | undefined;
  #failure: ScoreError | undefined;
  #hasEnded = false;

  constructor(source: SpanSource, span: Span, epochMs: number, isWithinHost: boolean) {
    super(span);
    this.#source = source;
    this.#epochMs = epochMs;
    this.#isWithinHost = isWithinHost;
  }

  /** Of its run(), which the script's own spans are children of. */
  override get traceparent(): string {
    if (!this.isSampled) return super.traceparent;
    this.#runSpanId ??= this.#source.newSpanId?.();
    return `00-${this.traceId}-${this.#runSpanId ?? this.spanId}-01`;
  }

  queued(queuedAt: number): void {
    this.#waitsSince = queuedAt;
  }

  /** The last time counts: a worker may give it back unrun. */
  begun(queuedAt: number, begunAt: number): void {
    this.#waitsSince = queuedAt;
    this.#begunAt = begunAt;
  }

  /** Comes after the end, where the answer did not wait for it. */
  ran(pid: number, end: RunEnd, runMs: number): void {
    const begunAt = this.#begunAt;
    if (begunAt === undefined) return;
    this.#begunAt = undefined;
    this.#waited(begunAt);
    const span = this.#child("run", begunAt, this.#runSpanId);
    span.setAttributes({ "scorefn.worker.pid": pid, "scorefn.run.outcome": end });
    if (end !== "ok" && end !== "bad_input") span.setStatus({ code: FAILED, message: end });
    span.end(begunAt + Math.max(0, runMs) + this.#epochMs);
  }

  failed(failure: ScoreError): void {
    if (this.#hasEnded) return;
    this.#failure = failure;
    this.span.addEvent("exception", describeFailure(failure), performance.now() + this.#epochMs);
  }

  end(record: RequestAnswered, bytes: number, endedAt: number, onSpan: OnRequestSpan | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    // Unless it runs, or has run, it has waited in vain.
    this.#waited(this.#begunAt ?? endedAt);
    const failure = this.#failure;
    if (!this.#isWithinHost) describeRequest(this.span, record.request);
    describeAnswer(this.span, record, bytes, failure);
    if (record.response.status >= 500 || (failure !== undefined && failure.status >= 500)) {
      this.span.setStatus({ code: FAILED, ...(failure !== undefined && { message: statusMessage(failure) }) });
    }
    onSpan?.(this.span, record);
    this.span.end(endedAt + this.#epochMs);
  }

  #waited(until: number): void {
    if (this.#waitsSince === undefined) return;
    const since = this.#waitsSince;
    this.#waitsSince = undefined;
    this.#child("queue", since).end(Math.max(since, until) + this.#epochMs);
  }

  #child(name: string, startedAt: number, id?: string): Span {
    const options = { kind: INTERNAL, startTime: startedAt + this.#epochMs };
    return this.#source.start(name, options, this.#source.childrenOf(this.span), id);
  }
}
