// A line of CloudWatch's embedded metric format for each request, of which CloudWatch makes metrics: no network, no library.
import { type Events, type RequestAnswered, roundMs } from "../../src/host.ts";

/** What the lines of one function have in common. */
export interface EmfOptions {
  readonly functionName: string;
  readonly functionVersion: string | undefined;
  /** Gets whole lines. */
  readonly write: (text: string) => void;
  /** The invocation that a request came with. */
  readonly invocationOf: (request: object) => Timed | undefined;
}

/** What a line says of an invocation. */
export interface Timed {
  readonly isColdStart: boolean;
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly receivedAt: number;
}

export interface Emf {
  readonly events: Events;
  /** A request has come. */
  begun(request: object): void;
  /** It is over; writes its line. */
  ended(request: object): void;
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

/** What is known of an answer. */
interface Told {
  readonly answered: RequestAnswered;
  readonly bytes: number;
}

/** `over`: what comes now is no answer, for the request was given up. */
type State = Told | "begun" | "over";

export function createEmf({ functionName, functionVersion, write, invocationOf }: EmfOptions): Emf {
  /** An answer that cannot be sent gives way to another: the last one counts. */
  const states = new WeakMap<object, State>();

  function tell(told: Told, isComplete: boolean): void {
    const { request } = told.answered;
    const state = states.get(request);
    if (state === undefined) {
      // It came some other way than by an event, so nobody will say when it is over.
      if (isComplete) writeLine(told);
    } else if (state !== "over") states.set(request, told);
  }

  function writeLine(told: Told): void {
    write(`${lineOf(told, invocationOf(told.answered.request))}\n`);
  }

  function lineOf({ answered, bytes }: Told, invocation: Timed | undefined): string {
    const { ids, route, response, requestBytes, startedAt } = answered;
    const { ran, status, trace, errorCode } = response;
    const metrics = ran === undefined ? METRICS : RUN_METRICS;
    return JSON.stringify({
      _aws: {
        Timestamp: Date.now(),
        CloudWatchMetrics: [{ Namespace: NAMESPACE, Dimensions: DIMENSIONS, Metrics: metrics }],
      },
      FunctionName: functionName,
      Route: route ?? NO_ROUTE,
      StatusClass: `${Math.floor(status / 100)}xx`,
      RequestTime: roundMs(performance.now() - (invocation?.receivedAt ?? startedAt)),
      RequestBytes: requestBytes,
      ResponseBytes: bytes,
      Errors: status >= FAULT ? 1 : 0,
      ColdStarts: invocation?.isColdStart ? 1 : 0,
      QueueTime: ran && roundMs(ran.queueMs ?? 0),
      RunTime: ran && roundMs(ran.execMs),
      Status: status,
      FunctionVersion: functionVersion,
      ErrorCode: errorCode,
      RequestId: ids.requestId || undefined,
      TraceId: trace?.traceId,
    });
  }

  return {
    events: {
      requestAnswered(answered) {
        const { body } = answered.response;
        if (typeof body === "string") tell({ answered, bytes: Buffer.byteLength(body) }, true);
        else if (body instanceof Uint8Array) tell({ answered, bytes: body.length }, true);
        else tell({ answered, bytes: 0 }, false);
      },
      streamEnded({ answered, bytes }) {
        const state = states.get(answered.request);
        // Another answer may have taken its place.
        if (typeof state !== "object" || state.answered === answered) tell({ answered, bytes }, true);
      },
    },
    begun: (request) => void states.set(request, "begun"),
    ended(request) {
      const state = states.get(request);
      states.set(request, "over");
      if (typeof state === "object") writeLine(state);
    },
  };
}
