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

/** What a worker is told of a request besides its body. Set one by one, for it is made for each request, and spreading takes
 *  ten times as long. */
export function runMeta(call: RunCall, { takes, logsIds, traces }: MetaOptions): RunMeta {
  const { headers, requestId, trace, method, path, query, remoteAddress } = call;
  const meta: Writable<RunMeta> = {};
  if (takes === "model") {
    meta.path = path;
    meta.headers = modelHeaders(headers);
  } else if (takes !== "body") {
    meta.headers = headers;
    meta.requestId = requestId;
  }
  if (logsIds) meta.logFields = jsonMembers(callFields(call));
  // Those that take headers have the caller's.
  const place = takes === "body" && traces ? traceOf(call) : trace;
  if (place !== undefined) {
    const { traceparent, tracestate } = place;
    meta.traceparent = traceparent;
    if (tracestate !== undefined) meta.tracestate = tracestate;
  }
  if (takes !== "request") return meta;
  meta.method = method;
  meta.path = path;
  meta.query = query;
  if (remoteAddress !== undefined) meta.remoteAddress = remoteAddress;
  return meta;
}

/** Those that the protocols of models have a meaning for: each further one would cost each request. */
function modelHeaders(headers: RunCall["headers"]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of MODEL_HEADERS) {
    const value = headers[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}

const MODEL_HEADERS = ["content-type", "content-encoding", "accept-encoding", "inference-header-content-length"];

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };
