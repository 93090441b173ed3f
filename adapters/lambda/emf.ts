// A line of CloudWatch's embedded metric format for each request, of which CloudWatch makes metrics: no network, no library.
import type { Events, RequestAnswered } from "../../src/host.ts";

/** What the lines of one function have in common. */
export interface EmfOptions {
  readonly functionName: string;
  readonly functionVersion: string | undefined;
  /** Gets whole lines. */
  readonly write: (text: string) => void;
  /** Whether the request is the first that a new environment answers. */
  readonly isColdStart: (request: RequestAnswered["request"]) => boolean;
}

const NAMESPACE = "scorefn";
/** Each combination of their values is a metric that is paid for, so there are few: the status is a class, not a number. */
const DIMENSIONS = [["FunctionName", "Route", "StatusClass"]];
/** Route of what has none: clients can make paths up. */
const NO_ROUTE = "none";

const MS = "Milliseconds";
const METRICS = [
  { Name: "RequestTime", Unit: MS },
  { Name: "RequestBytes", Unit: "Bytes" },
  { Name: "ResponseBytes", Unit: "Bytes" },
  { Name: "Errors", Unit: "Count" },
  { Name: "ColdStarts", Unit: "Count" },
];
/** Of a request that run() has answered. */
const RUN_METRICS = [...METRICS, { Name: "QueueTime", Unit: MS }, { Name: "RunTime", Unit: MS }];

/** First status that is an error of the server's. */
const FAULT = 500;

export function createEmf({ functionName, functionVersion, write, isColdStart }: EmfOptions): Events {
  function writeLine(answered: RequestAnswered, bytes: number, endedAt: number): void {
    const { request, ids, route, response, requestBytes, startedAt } = answered;
    const { ran, status, trace } = response;
    const line = {
      _aws: {
        Timestamp: Date.now(),
        CloudWatchMetrics: [
          { Namespace: NAMESPACE, Dimensions: DIMENSIONS, Metrics: ran === undefined ? METRICS : RUN_METRICS },
        ],
      },
      FunctionName: functionName,
      Route: route ?? NO_ROUTE,
      StatusClass: `${Math.floor(status / 100)}xx`,
      RequestTime: roundMs(endedAt - startedAt),
      RequestBytes: requestBytes,
      ResponseBytes: bytes,
      Errors: status >= FAULT ? 1 : 0,
      ColdStarts: isColdStart(request) ? 1 : 0,
      QueueTime: ran && roundMs(ran.queueMs ?? 0),
      RunTime: ran && roundMs(ran.execMs),
      Status: status,
      FunctionVersion: functionVersion,
      ErrorCode: response.errorCode,
      RequestId: ids.requestId || undefined,
      TraceId: trace?.traceId,
    };
    write(`${JSON.stringify(line)}\n`);
  }

  return {
    requestAnswered(answered) {
      const { body } = answered.response;
      if (typeof body === "string") writeLine(answered, Buffer.byteLength(body), answered.endedAt);
      else if (body instanceof Uint8Array) writeLine(answered, body.length, answered.endedAt);
    },
    streamEnded: ({ answered, bytes, endedAt }) => writeLine(answered, bytes, endedAt),
  };
}

/** To a microsecond. */
function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
