// What the core announces, as spans: one for each request, with one for its waiting and one for its run().
import type { AttributeValue, Context, Span, SpanOptions } from "@opentelemetry/api";
import type { ScoreError } from "../core/errors.ts";
import type { Events, RequestAnswered, RequestHead, RunEnd } from "../core/events.ts";
import type { Trace, Tracer } from "../core/trace.ts";
import { shownQuery } from "./query.ts";

/** Numbers of OpenTelemetry's API. */
const INTERNAL = 0;
const SERVER = 1;
const FAILED = 2;
const SAMPLED = 1;

/** What spans are made with: our own SDK, or the one that is registered already. */
export interface SpanSource {
  /** @param startTime on the clock of `performance.now()`, in milliseconds
   *  @param spanId what it is to be called; undefined: anything */
  start(name: string, options: SpanOptions, parent: Context, spanId?: string): Span;
  /** Where the request of these headers comes from. */
  parentOf(headers: Readonly<Record<string, string>>): Context;
  childrenOf(span: Span): Context;
  /** A name for a span that is to be made later; undefined: those cannot be named. */
  newSpanId?(): string;
}

/** Learns of the span of a request before it ends. */
export type OnRequestSpan = (span: Span, answered: RequestAnswered) => void;

/** Makes the spans of one service.
 *  @param isWithinHost true: the host has a span of the kind SERVER for each request, with all that HTTP says of it; so ours is
 *  a part of that one, and says the rest */
export function createSpans(
  source: SpanSource,
  onRequestSpan?: OnRequestSpan,
  isWithinHost = false,
): { tracer: Tracer; events: Events } {
  const of = ({ trace }: { readonly trace?: Trace | undefined }): RequestTrace | undefined =>
    trace instanceof RequestTrace && trace.isRecorded ? trace : undefined;

  const ended = (record: RequestAnswered, bytes: number, endedAt: number): void =>
    of(record.ids)?.end(record, bytes, endedAt, onRequestSpan);

  return {
    tracer: {
      begin(request, route, startedAt) {
        const { method, path, headers } = request;
        const options = isWithinHost
          ? { kind: INTERNAL, startTime: startedAt, attributes: { "http.route": route } }
          : {
              kind: SERVER,
              startTime: startedAt,
              attributes: { "http.request.method": method, "url.path": path, "http.route": route },
            };
        const name = isWithinHost ? route.slice(1) : `${method} ${route}`;
        return new RequestTrace(source, source.start(name, options, source.parentOf(headers)), !isWithinHost);
      },
    },
    events: {
      requestQueued: ({ call, queuedAt }) => of(call)?.queued(queuedAt),
      runBegun: ({ call, queuedAt, begunAt }) => of(call)?.begun(queuedAt, begunAt),
      runEnded: ({ call, pid, end, runMs }) => of(call)?.ran(pid, end, runMs),
      requestFailed: ({ ids, failure }) => of(ids)?.failed(failure),
      requestAnswered(record) {
        const { body } = record.response;
        if (typeof body === "string") ended(record, Buffer.byteLength(body), record.endedAt);
        else if (body instanceof Uint8Array) ended(record, body.length, record.endedAt);
      },
      streamEnded({ answered, bytes, failure, endedAt }) {
        if (failure !== undefined) of(answered.ids)?.failed(failure);
        ended(answered, bytes, endedAt);
      },
    },
  };
}

/** The trace of one request, as far as it has come. Times are on the clock of `performance.now()`, in milliseconds. */
class RequestTrace implements Trace {
  readonly traceId: string;
  readonly spanId: string;
  /** False: it is sampled out, and only its ids are needed. */
  readonly isRecorded: boolean;
  readonly #source: SpanSource;
  readonly #span: Span;
  /** The span is the only one that says what HTTP says. */
  readonly #isServer: boolean;
  #runSpanId: string | undefined;
  #waitsSince: number | undefined;
  #begunAt = 0;
  #failure: ScoreError | undefined;

  constructor(source: SpanSource, span: Span, isServer: boolean) {
    const { traceId, spanId } = span.spanContext();
    this.traceId = traceId;
    this.spanId = spanId;
    this.isRecorded = span.isRecording();
    this.#source = source;
    this.#isServer = isServer;
    this.#span = span;
  }

  get traceparent(): string {
    const { traceFlags } = this.#span.spanContext();
    if (traceFlags & SAMPLED) this.#runSpanId ??= this.#source.newSpanId?.();
    return `00-${this.traceId}-${this.#runSpanId ?? this.spanId}-${traceFlags & SAMPLED ? "01" : "00"}`;
  }

  get tracestate(): string | undefined {
    return this.#span.spanContext().traceState?.serialize() || undefined;
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
    this.#waited(begunAt);
    const attributes = { "scorefn.worker.pid": pid, "scorefn.run.outcome": end };
    const span = this.#child("run", begunAt, attributes, this.#runSpanId);
    if (end !== "ok" && end !== "bad_input") span.setStatus({ code: FAILED, message: end });
    span.end(begunAt + runMs);
  }

  failed(failure: ScoreError): void {
    const { report } = failure;
    this.#failure = failure;
    this.#span.addEvent("exception", {
      "exception.type": report?.type ?? failure.name,
      "exception.message": report?.message ?? failure.message,
      "exception.stacktrace": report?.traceback ?? failure.stack ?? "",
    });
  }

  end(record: RequestAnswered, bytes: number, endedAt: number, onSpan: OnRequestSpan | undefined): void {
    const { request, ids, response, requestBytes } = record;
    const { status, errorCode } = response;
    const span = this.#span;
    // It waited in vain.
    if (this.#begunAt === 0) this.#waited(endedAt);
    if (this.#isServer) span.setAttributes(describeRequest(request));
    span.setAttributes({
      "http.response.status_code": status,
      "http.request.body.size": requestBytes,
      "http.response.body.size": bytes,
      "scorefn.request_id": ids.requestId,
    });
    if (ids.clientRequestId !== "") span.setAttribute("scorefn.client_request_id", ids.clientRequestId);
    if (errorCode !== undefined) span.setAttribute("error.type", errorCode);
    else if (status >= 500) span.setAttribute("error.type", String(status));
    if (status >= 500 || this.#failure?.status === 500) {
      span.setStatus({ code: FAILED, ...(this.#failure !== undefined && { message: this.#failure.message }) });
    }
    onSpan?.(span, record);
    span.end(endedAt);
  }

  #waited(until: number): void {
    if (this.#waitsSince === undefined) return;
    this.#child("queue", this.#waitsSince, {}).end(until);
    this.#waitsSince = undefined;
  }

  #child(name: string, startTime: number, attributes: Readonly<Record<string, AttributeValue>>, id?: string): Span {
    return this.#source.start(name, { kind: INTERNAL, startTime, attributes }, this.#source.childrenOf(this.#span), id);
  }
}

/** In the words of OpenTelemetry's semantic conventions. */
function describeRequest(request: RequestHead): Record<string, string | number> {
  const { query, loggedQuery = query, headers, remoteAddress } = request;
  const described: Record<string, string | number> = { "url.scheme": headers["x-forwarded-proto"] ?? "http" };
  if (loggedQuery !== "") described["url.query"] = shownQuery(loggedQuery);
  if (remoteAddress !== undefined) described["client.address"] = remoteAddress;
  const agent = headers["user-agent"];
  if (agent !== undefined) described["user_agent.original"] = agent;
  const { address, port } = hostOf(headers.host ?? "");
  if (address !== "") described["server.address"] = address;
  if (port !== undefined) described["server.port"] = port;
  return described;
}

const HOST = /^(?<address>\[[^\]]*\]|[^:]*)(?::(?<port>\d{1,5}))?$/;

function hostOf(host: string): { readonly address: string; readonly port?: number } {
  const { address = "", port } = HOST.exec(host)?.groups ?? {};
  return { address, ...(port !== undefined && { port: Number(port) }) };
}
