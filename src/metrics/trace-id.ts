/** W3C Trace Context. Later versions may add fields behind the four. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:$|-)/;
const SAMPLED = 1;

/** The trace that a request belongs to, if that is kept: one that nobody can look up is no example.
 *  @param traceparent the header */
export function sampledTraceId(traceparent: string): string | undefined {
  const [, traceId, flags = "0"] = TRACEPARENT.exec(traceparent) ?? [];
  return (Number.parseInt(flags, 16) & SAMPLED) === 0 ? undefined : traceId;
}
