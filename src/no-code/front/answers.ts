import { contractHeaders, messageHeaders, type RequestIds } from "../../core/headers.ts";
import type { ScoreResponse } from "../../core/types.ts";
import { type ResponseSettings, UNAVAILABLE } from "../../routes/respond.ts";

/** A page of the server's own. @param body renders as JSON without blanks */
export function jsonResponse(body: unknown, ids: RequestIds, settings: ResponseSettings, status = 200): ScoreResponse {
  const headers = messageHeaders(ids, settings.serverVersion, false);
  return { status, headers, body: JSON.stringify(body), trace: ids.trace };
}

/** Of MLflow's server, which calls these texts JSON. */
export function bareResponse(body: string, ids: RequestIds, settings: ResponseSettings): ScoreResponse {
  const headers = [["Content-Type", "application/json"] as const, ...contractHeaders(ids, settings.serverVersion)];
  return { status: 200, headers, body, trace: ids.trace };
}

/** A probe's answer that is no. */
export function unavailable(body: unknown, ids: RequestIds, settings: ResponseSettings): ScoreResponse {
  return jsonResponse(body, ids, settings, UNAVAILABLE);
}
