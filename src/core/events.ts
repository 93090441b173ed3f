// What happens in the core, announced once. Log lines, metrics and traces subscribe; nothing is measured twice.
import type { ErrorCode, ScoreError } from "./errors.ts";
import type { RequestIds } from "./headers.ts";
import type { LogFields } from "./log.ts";
import type { RunCall, ScoreRequest, ScoreResponse, ScriptFacts } from "./types.ts";

/** A request as far as it is known: one that was refused before it was read has no body. */
export type RequestHead = Pick<
  ScoreRequest,
  "method" | "path" | "query" | "loggedQuery" | "headers" | "remoteAddress" | "receivedAt" | "log"
>;

export interface RequestReceived {
  readonly request: RequestHead;
  readonly ids: RequestIds;
  /** Path of the route: one of few, whatever clients ask for. */
  readonly route: string;
}

export interface RequestAnswered {
  readonly request: RequestHead;
  readonly ids: RequestIds;
  /** Undefined: there is no such route. */
  readonly route: string | undefined;
  /** True where the server writes a record of each answer of the route (contract LOG-9). */
  readonly isLogged: boolean;
  readonly response: ScoreResponse;
  /** Size of the request's body, as far as it was read. */
  readonly requestBytes: number;
  /** True: `requestReceived` told of it. */
  readonly wasReceived: boolean;
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/** The body of a streamed answer has been read to its end, or nobody reads it any more. */
export interface StreamEnded {
  readonly answered: RequestAnswered;
  readonly bytes: number;
  /** Why it broke off. */
  readonly failure: ScoreError | undefined;
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly endedAt: number;
}

/** A request has come to the runtime, where it may yet find no room. */
export interface RequestQueued {
  readonly call: RunCall;
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly queuedAt: number;
}

/** A worker begins a request; times are on the clock of `performance.now()`, in milliseconds. A request whose worker gives it
 *  back unrun at the last moment begins twice. */
export interface RunBegun {
  readonly call: RunCall;
  readonly pid: number;
  /** As in `requestQueued`. */
  readonly queuedAt: number;
  readonly begunAt: number;
}

/** How a run() ended: `bad_input` before the script's own code, `timeout` at its deadline, `interrupted` since nobody waits
 *  for it, `worker_exit` with its process. */
export type RunEnd = "ok" | "bad_input" | "error" | "timeout" | "interrupted" | "worker_exit";

/** How the run() ended that failed with this code. */
export function endOf(code: ErrorCode): RunEnd {
  if (code === "ERR_BAD_INPUT") return "bad_input";
  if (code === "ERR_CLIENT_GONE") return "interrupted";
  return code === "ERR_SCORE_TIMEOUT" || code === "ERR_DEADLINE" ? "timeout" : "error";
}

export interface RunEnded {
  readonly call: RunCall;
  readonly pid: number;
  readonly end: RunEnd;
  /** As the worker has measured it, where it says so; of a streamed answer up to its last byte. */
  readonly runMs: number;
}

/** A record that the script has written: printed, or logged on `azmlinfsrv.print` or `azmlinfsrv.trace`. */
export interface ScriptRecord {
  /** Of the process that runs the script. */
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly level: "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";
  readonly logger: string;
  readonly message: string;
  /** Of the request in whose course it was written, in the names of JSON records: `request_id`, `trace_id` and others. */
  readonly fields: LogFields | undefined;
  /** Where in the code; undefined: not known. */
  readonly place?: { readonly file: string; readonly line: number; readonly function: string } | undefined;
}

/** So many records could not be kept until somebody took them. */
export interface ScriptRecordsDropped {
  readonly pid: number;
  readonly count: number;
}

export interface RequestFailed {
  readonly request: RequestHead;
  readonly ids: RequestIds;
  readonly failure: ScoreError;
}

export interface RequestsRefused {
  readonly request: RequestHead;
  readonly ids: RequestIds;
  readonly code: string;
  /** Says what was refused and why; or how many like it there were within a second. */
  readonly line: string;
}

export interface WorkerReady {
  readonly pid: number;
  /** From the start of the process until init() was done. */
  readonly startMs: number;
}

export interface WorkerEnded {
  /** Why; its message says how the process ended. */
  readonly exit: ScoreError;
  /** When another takes its place: after so many milliseconds, or when the next request comes; undefined: it is not needed. */
  readonly restart: number | "with the next request" | undefined;
}

/** Files have changed, and a new version of the service is about to come up beside the one that serves. */
export interface Reloading {
  /** Absolute paths. */
  readonly changed: readonly string[];
}

export interface Reloaded extends Reloading {
  /** From the look at the files until it took over, in milliseconds. */
  readonly ms: number;
}

export interface ReloadFailed extends Reloaded {
  readonly failure: ScoreError;
  /** True: a version before it goes on serving. */
  readonly isServed: boolean;
}

/** Each event with its record. */
export interface EventRecords {
  /** A process, or this one, is about to load the script. */
  readonly scriptStarting: undefined;
  /** init() is done in the process with that pid. */
  readonly scriptReady: { readonly pid: number; readonly facts: ScriptFacts };
  /** A process is started for a place in the pool. */
  readonly workerStarting: undefined;
  /** A worker takes requests; a forked one, too. */
  readonly workerReady: WorkerReady;
  readonly workerEnded: WorkerEnded;
  /** The process that workers are forked off is gone. */
  readonly preloadEnded: { readonly exit: ScoreError };
  /** run() was interrupted at its deadline; the text is where. */
  readonly runInterrupted: { readonly traceback: string };
  readonly requestReceived: RequestReceived;
  readonly requestQueued: RequestQueued;
  readonly runBegun: RunBegun;
  readonly runEnded: RunEnded;
  /** run() gave an HTTP response of its own making. */
  readonly responseFromScript: { readonly request: RequestHead; readonly ids: RequestIds };
  /** Whoever listens has workers hand over their records, besides writing them. */
  readonly scriptRecord: ScriptRecord;
  readonly scriptRecordsDropped: ScriptRecordsDropped;
  readonly requestFailed: RequestFailed;
  readonly requestsRefused: RequestsRefused;
  /** The answer is made; a stream is still to be sent. */
  readonly requestAnswered: RequestAnswered;
  readonly streamEnded: StreamEnded;
  readonly reloading: Reloading;
  /** The new version comes up slowly. */
  readonly reloadSlow: Reloaded & { readonly isServed: boolean };
  readonly reloaded: Reloaded;
  readonly reloadFailed: ReloadFailed;
}

/** Who listens. A missing listener costs nothing: `events.workerEnded?.({ ... })` does not even make the record. */
export type Events = { readonly [Name in keyof EventRecords]?: ((record: EventRecords[Name]) => void) | undefined };

/** One set of listeners for all subscribers, which are called in their order. */
export function combineEvents(subscribers: readonly Events[]): Events {
  if (subscribers.length === 1) return subscribers[0]!;
  const combined: Record<string, Listener> = {};
  for (const name of new Set(subscribers.flatMap((subscriber) => Object.keys(subscriber) as (keyof Events)[]))) {
    const listeners = subscribers.flatMap((subscriber) => (subscriber[name] as Listener | undefined) ?? []);
    if (listeners.length > 0) combined[name] = listeners.reduce(inTurn);
  }
  return combined as Events;
}

type Listener = (record: never) => void;

/** Cheaper than a loop, for most events have one or two listeners and come with each request. */
function inTurn(first: Listener, second: Listener): Listener {
  return (record) => {
    first(record);
    second(record);
  };
}
