import type { ErrorCode } from "./errors.ts";
import type { RequestAnswered, RequestFailed, RequestHead } from "./events.ts";
import type { RequestIds } from "./headers.ts";
import type { LogFields } from "./log.ts";
import type { ErrorLocation, RunCall, ScoreRequest, ScoreResponse } from "./types.ts";

/** Collects what records say besides their messages. */
export interface RecordFields {
  ofRequest(request: RequestHead, ids: RequestIds, code?: string): LogFields;
  ofFailure(record: RequestFailed): LogFields;
  ofAnswer(record: RequestAnswered): LogFields;
  /** Of the record of what was sent. @param bytes of the body */
  ofSent(
    request: Pick<ScoreRequest, "method" | "headers">,
    answer: Pick<ScoreResponse, "status" | "headers" | "trace">,
    bytes: number,
  ): LogFields;
  /** Of what the script writes while it answers. */
  ofCall(call: Pick<RunCall, "requestId" | "trace" | "headers">): LogFields;
  ofError(code: ErrorCode, type: string, location: ErrorLocation | null | undefined): LogFields;
}
