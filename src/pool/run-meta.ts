import type { RunCall, ScriptTakes } from "../core/types.ts";
import { callFields } from "../log/fields.ts";
import { jsonMembers } from "../log/json.ts";
import type { RunMeta } from "../protocol/messages.ts";

/** What decides on the meta of a worker's requests. */
export interface MetaOptions {
  readonly takes: ScriptTakes;
  /** True: its records are to have the ids of the request, so it must be told them. */
  readonly logsIds?: boolean;
}

/** What a worker is told of a request besides its body. */
export function runMeta(call: RunCall, { takes, logsIds }: MetaOptions): RunMeta {
  const { headers, requestId, method, path, query, remoteAddress } = call;
  if (takes === "body") return { logFields: jsonMembers(callFields(call)) };
  const ids = logsIds ? { requestId, logFields: jsonMembers(callFields(call)) } : { requestId };
  if (takes === "headers") return { headers, ...ids };
  return { headers, ...ids, method, path, query, ...(remoteAddress !== undefined && { remoteAddress }) };
}
