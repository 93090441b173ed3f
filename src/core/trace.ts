import type { RequestHead } from "./events.ts";

/** From where a trace is continued (W3C Trace Context). */
export interface TracePlace {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
}

/** The trace of a request; its place is that of run(). */
export interface Trace extends TracePlace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** Of the span that stands for the request, 16 hexadecimal digits. */
  readonly spanId: string;
}

/** Begins the trace of a request, or continues its caller's. */
export interface Tracer {
  /** @param startedAt on the clock of `performance.now()`, in milliseconds   @returns undefined: it is not traced */
  begin(request: RequestHead, route: string, startedAt: number): Trace | undefined;
}
