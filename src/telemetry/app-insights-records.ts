// What the core announces, as messages and exceptions of Application Insights (contract TEL-2, TEL-8, TEL-10).
import type { ScoreError } from "../core/errors.ts";
import type { Events, ScriptRecord } from "../core/events.ts";
import type { RequestIds } from "../core/headers.ts";
import type { InsightsRecord } from "./app-insights-messages.ts";

/** OpenTelemetry's numbers. */
export const SEVERITY: Readonly<Record<ScriptRecord["level"], number>> = {
  DEBUG: 5,
  INFO: 9,
  WARNING: 13,
  ERROR: 17,
  CRITICAL: 21,
};

/** Longest stack that the service keeps, in characters. */
const MAX_STACK = 32_768;
/** Between what is kept of a longer one, both ends: frames are the nearest to the failure at either. */
const GAP = "\n…\n";
/** Longest message that the service keeps, in characters. */
const MAX_MESSAGE = 32_768;

export type Send = (record: InsightsRecord) => void;

export function recordEvents(containerId: string, send: Send): Events {
  const container = { "Container Id": containerId };
  const now = (): number => Date.now();
  const failed = (failure: ScoreError, ids: RequestIds): void => {
    if (!isException(failure)) return;
    send({ ...exceptionOf(failure, now()), properties: { ...container, ...idProperties(ids) }, place: placeIn(ids) });
  };
  return {
    requestFailed: ({ failure, ids }) => failed(failure, ids),
    streamEnded({ failure, answered }) {
      if (failure !== undefined) failed(failure, answered.ids);
    },
    scriptRecord({ time, level, message, fields, place }) {
      if (level === "DEBUG") return;
      send({
        time,
        severity: SEVERITY[level],
        message: message.slice(0, MAX_MESSAGE),
        properties: { ...container, ...fieldProperties(fields), ...placeProperties(place) },
        place: placeOf(fields),
      });
    },
    scriptRecordsDropped({ count }) {
      const message = `${count} records of the script were dropped: it writes more than can be sent.`;
      send({ time: now(), severity: SEVERITY.WARNING, message, properties: container, place: undefined });
    },
  };
}

/** The script does not start. */
export function startFailure(containerId: string, failure: ScoreError): InsightsRecord {
  const properties = { "Container Id": containerId, "Request Id": "Unknown", "Client Request Id": "" };
  return { ...exceptionOf(failure, Date.now()), properties, place: undefined };
}

/** A fault of the client's own, or one who has left, is seen by the request's status. */
function isException({ code, status, report }: ScoreError): boolean {
  return (
    code !== "ERR_CLIENT_GONE" && (status >= 500 || status === 0 || (report !== undefined && code !== "ERR_BAD_INPUT"))
  );
}

/** With the user's own type and frames, where there are any. */
function exceptionOf(failure: ScoreError, time: number): Omit<InsightsRecord, "properties" | "place"> {
  const { report } = failure;
  const message = report?.message ?? failure.message;
  const stack = report?.traceback ?? failure.stack ?? message;
  return {
    time,
    severity: SEVERITY.ERROR,
    message: message.slice(0, MAX_MESSAGE),
    exception: { type: report?.type || failure.name, stack: bothEnds(stack) || message || failure.name },
  };
}

function bothEnds(text: string): string {
  if (text.length <= MAX_STACK) return text;
  const half = (MAX_STACK - GAP.length) >> 1;
  return text.slice(0, half) + GAP + text.slice(-half);
}

export function idProperties({ requestId, clientRequestId }: RequestIds): Record<string, string> {
  return { "Request Id": requestId, "Client Request Id": clientRequestId };
}

/** Its two ids alone: what goes to the thread is copied. */
export function placeIn({ trace }: RequestIds): InsightsRecord["place"] {
  return trace && { traceId: trace.traceId, spanId: trace.spanId };
}

/** Those of the request in whose course it was written; none where there is none. */
function fieldProperties(fields: ScriptRecord["fields"]): Record<string, string> {
  const requestId = textOf(fields?.request_id);
  return requestId === undefined
    ? {}
    : { "Request Id": requestId, "Client Request Id": textOf(fields?.client_request_id) ?? "" };
}

function placeProperties(place: ScriptRecord["place"]): Record<string, string> {
  if (place === undefined) return {};
  const { file, line, function: within } = place;
  return { "code.file.path": file, "code.function.name": within, "code.line.number": String(line) };
}

function placeOf(fields: ScriptRecord["fields"]): InsightsRecord["place"] {
  const [traceId, spanId] = [textOf(fields?.trace_id), textOf(fields?.span_id)];
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
