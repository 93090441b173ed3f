import {
  CLIENT_REQUEST_ID,
  EXEC_MS,
  FAILED,
  formatMs,
  type Header,
  MS_REQUEST_ID,
  REQUEST_ID,
  type RequestIds,
  RUN_FAILED,
  SERVER_VERSION,
  TRACE_ID,
} from "./headers.ts";
import type { HeaderList } from "./types.ts";

/** Headers of an HTTP response the script built itself: its ids are replaced where they stand, version, `TraceId` and
 *  time are added beside its own (contract HDR-2 to HDR-5, HDR-9, OUT-3, OUT-4).
 *  @param execMs milliseconds run() took */
export function mergeScriptHeaders(
  scriptHeaders: HeaderList,
  ids: RequestIds,
  serverVersion: string | null,
  status: number,
  execMs: number,
): Header[] {
  const pending = new Map<string, string>();
  if (status >= 500) pending.set(RUN_FAILED, "True");
  if (ids.requestId !== "") pending.set(REQUEST_ID, ids.requestId);
  if (ids.msRequestId !== "") pending.set(MS_REQUEST_ID, ids.msRequestId);
  if (ids.clientRequestId !== "") pending.set(CLIENT_REQUEST_ID, ids.clientRequestId);

  const headers: Header[] = [];
  const replaced = new Set<string>();
  for (const header of scriptHeaders) {
    const name = header[0].toLowerCase();
    const value = pending.get(name);
    if (value !== undefined) {
      headers.push([name, value]);
      pending.delete(name);
      replaced.add(name);
    } else if (!replaced.has(name)) {
      headers.push(header);
    }
  }
  const failed = pending.get(RUN_FAILED);
  if (failed !== undefined) headers.push(FAILED);
  headers.push([EXEC_MS, formatMs(execMs)]);
  if (serverVersion) headers.push([SERVER_VERSION, serverVersion]);
  for (const [name, value] of pending) {
    if (name !== RUN_FAILED) headers.push([name, value]);
  }
  if (ids.traceId !== undefined) headers.push([TRACE_ID, ids.traceId]);
  return headers;
}
