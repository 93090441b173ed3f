// What happens in the core, announced once. Log lines, metrics and traces subscribe; nothing is measured twice.
import type { ScoreError } from "./errors.ts";
import type { RequestIds } from "./headers.ts";
import type { ScoreRequest, ScoreResponse, ScriptFacts } from "./types.ts";

/** A request as far as it is known: one that was refused before it was read has no body. */
export type RequestHead = Pick<ScoreRequest, "method" | "path" | "query" | "loggedQuery" | "headers" | "log">;

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
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
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

export interface WorkerEnded {
  /** Why; its message says how the process ended. */
  readonly exit: ScoreError;
  /** When another takes its place: after so many milliseconds, or when the next request comes. */
  readonly restart: number | "with the next request";
}

/** Each event with its record. */
export interface EventRecords {
  /** A process, or this one, is about to load the script. */
  readonly scriptStarting: undefined;
  /** init() is done in the process with that pid. */
  readonly scriptReady: { readonly pid: number; readonly facts: ScriptFacts };
  readonly workerEnded: WorkerEnded;
  /** The process that workers are forked off is gone. */
  readonly preloadEnded: { readonly exit: ScoreError };
  /** run() was interrupted at its deadline; the text is where. */
  readonly runInterrupted: { readonly traceback: string };
  readonly requestReceived: RequestReceived;
  /** run() gave an HTTP response of its own making. */
  readonly responseFromScript: { readonly request: RequestHead; readonly ids: RequestIds };
  readonly requestFailed: RequestFailed;
  readonly requestsRefused: RequestsRefused;
  /** The answer is made; a stream is still to be sent. */
  readonly requestAnswered: RequestAnswered;
}

/** Who listens. A missing listener costs nothing: `events.workerEnded?.({ ... })` does not even make the record. */
export type Events = { readonly [Name in keyof EventRecords]?: ((record: EventRecords[Name]) => void) | undefined };

/** One set of listeners for all subscribers, which are called in their order. */
export function combineEvents(subscribers: readonly Events[]): Events {
  if (subscribers.length === 1) return subscribers[0]!;
  const combined: Record<string, (record: never) => void> = {};
  for (const name of new Set(subscribers.flatMap((subscriber) => Object.keys(subscriber) as (keyof Events)[]))) {
    const listeners = subscribers.flatMap((subscriber) => (subscriber[name] as (record: never) => void) ?? []);
    combined[name] = (record) => {
      for (const listener of listeners) listener(record);
    };
  }
  return combined as Events;
}
