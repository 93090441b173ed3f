import { traceOf } from "../core/traceparent.ts";
import type { RunCall, ScriptTakes } from "../core/types.ts";
import { callFields } from "../log/fields.ts";
import { jsonMembers } from "../log/json.ts";
import type { RunMeta } from "../protocol/messages.ts";

/** What decides on the meta of a worker's requests. */
export interface MetaOptions {
  readonly takes: ScriptTakes;
  /** True: its records are to have the ids of the request, so it must be told them. */
  readonly logsIds?: boolean | undefined;
  /** True: its script continues traces. */
  readonly traces?: boolean | undefined;
}

/** True: a request can come as its body alone. */
export function takesBodyAlone({ takes, logsIds, traces }: MetaOptions): boolean {
  return takes === "body" && !logsIds && !traces;
}

/** What a worker is told of a request besides its body. */
export function runMeta(call: RunCall, { takes, logsIds, traces }: MetaOptions): RunMeta {
  const { headers, requestId, trace, method, path, query, remoteAddress } = call;
  // Those that take headers have the caller's.
  const { traceparent, tracestate } = (takes === "body" && traces ? traceOf(call) : trace) ?? {};
  const meta: RunMeta = {
    ...(logsIds && { logFields: jsonMembers(callFields(call)) }),
    ...(traceparent !== undefined && { traceparent }),
    ...(tracestate !== undefined && { tracestate }),
  };
  if (takes === "body") return meta;
  if (takes === "headers") return { headers, requestId, ...meta };
  return { headers, requestId, ...meta, method, path, query, ...(remoteAddress !== undefined && { remoteAddress }) };
}
