// What the thread that sends is told of a request. It goes there as one flat list for a whole batch: objects would have to be
// copied with the names of all their members, each time.
import type { AttributeValue } from "@opentelemetry/api";

type HrTime = readonly [seconds: number, nanoseconds: number];

/** A request that has been answered, as its span and its answer tell. */
export interface RequestRow {
  readonly spanName: string;
  /** OpenTelemetry's number. */
  readonly spanStatus: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly startTime: HrTime;
  readonly duration: HrTime;
  /** In per cent; undefined: it stands for itself alone. */
  readonly rate: number | undefined;
  /** Of a few names. */
  readonly knownMethod: AttributeValue | undefined;
  readonly route: AttributeValue | undefined;
  readonly requestBytes: AttributeValue | undefined;
  readonly responseBytes: AttributeValue | undefined;
  readonly clientAddress: AttributeValue | undefined;
  readonly userAgent: AttributeValue | undefined;
  readonly requestId: string;
  readonly clientRequestId: string;
  readonly method: string;
  readonly path: string;
  readonly url: string;
  readonly status: number;
  /** Undefined: nothing has run. */
  readonly execMs: number | undefined;
  readonly queueMs: number | undefined;
  readonly worker: number | undefined;
  /** Undefined: it is not wanted. */
  readonly responseText: string | undefined;
}

export function packRows(rows: readonly RequestRow[]): unknown[] {
  const list: unknown[] = [];
  for (const row of rows) {
    const [startSeconds, startNanoseconds] = row.startTime;
    const [seconds, nanoseconds] = row.duration;
    list.push(row.spanName, row.spanStatus, row.traceId, row.spanId, row.parentSpanId);
    list.push(startSeconds, startNanoseconds, seconds, nanoseconds, row.rate);
    list.push(row.knownMethod, row.route, row.requestBytes, row.responseBytes, row.clientAddress, row.userAgent);
    list.push(row.requestId, row.clientRequestId, row.method, row.path, row.url, row.status);
    list.push(row.execMs, row.queueMs, row.worker, row.responseText);
  }
  return list;
}

/** Values of one row in the list. */
export const ROW_WIDTH = 26;

/** The row whose values begin at `from`. They are taken one by one, for rows that live together for long are what the thread
 *  would spend most of its time on, clearing up.
 *  @param list as `packRows` makes it */
export function rowAt(list: readonly unknown[], from: number): RequestRow {
  let at = from;
  const next = <T>(): T => list[at++] as T;
  return {
    spanName: next(),
    spanStatus: next(),
    traceId: next(),
    spanId: next(),
    parentSpanId: next(),
    startTime: [next(), next()],
    duration: [next(), next()],
    rate: next(),
    knownMethod: next(),
    route: next(),
    requestBytes: next(),
    responseBytes: next(),
    clientAddress: next(),
    userAgent: next(),
    requestId: next(),
    clientRequestId: next(),
    method: next(),
    path: next(),
    url: next(),
    status: next(),
    execMs: next(),
    queueMs: next(),
    worker: next(),
    responseText: next(),
  };
}
