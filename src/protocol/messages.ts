// The wire between the front process and a worker, docs/worker-protocol.md (python/scorefn_worker/protocol.py is the
// other half). Two one-way pipes carry frames: a head of 12 bytes (payload length, type, "begin by", request id;
// little-endian) and the payload. The worker is the authority on what has begun: a request sent "at once" counts as begun
// from then on, a waiting one only when the worker has said BEGUN.
import { FrameError } from "../core/errors.ts";
import type { ScriptRecord } from "../core/events.ts";
import type { LogFormat } from "../core/log.ts";
import type { SwaggerVersion } from "../core/swagger-versions.ts";
import type { ErrorReport, HeaderList, ModelFacts, ScriptTakes, ServedModel } from "../core/types.ts";

export const PROTOCOL_VERSION = 2;

/** Length of a frame's head in bytes. */
export const HEAD_BYTES = 12;

/** Longest payload in bytes: what a signed 32-bit length can say, which every runtime handles. */
export const MAX_FRAME_BYTES = 0x7fff_ffff;

/** Bytes of CHUNK payload a stream may send before it waits for CREDIT: two socket buffers' worth. */
export const STREAM_CREDIT_BYTES = 262_144;

/** Descriptors of a worker. */
export const TO_WORKER_FD = 3;
export const FROM_WORKER_FD = 4;
export const LIFELINE_FD = 5;

/** How long a waiting request may wait in a worker's pipe before the front takes it back, in milliseconds: long beside the
 *  16 short runs that may be ahead of it, short for a client that waits behind one long run. */
export const LEASE_MS = 1_000;

/** Unit of "begin by" in milliseconds; 24 bits of it are 37 hours. */
export const TICK_MS = 8;
const LEASE_TICKS = LEASE_MS / TICK_MS;
const TICK_MASK = 0xff_ffff;

/** "Begin by" of a request whose lease ends at `ms` (rounded down, so that the worker never holds it for longer than the
 *  front does). @param ms on the system's monotonic clock, in milliseconds */
export function toBeginBy(ms: number): number {
  const ticks = Math.floor(ms / TICK_MS) & TICK_MASK;
  return ticks === 0 ? TICK_MASK : ticks;
}

/** @param nowMs the system's monotonic clock, in milliseconds */
export function isInTime(beginBy: number, nowMs: number): boolean {
  const left = (beginBy - Math.floor(nowMs / TICK_MS)) & TICK_MASK;
  return left > 0 && left <= LEASE_TICKS;
}

export const Frame = {
  HELLO: 1,
  RUN: 2,
  RUN_META: 3,
  INTERRUPT: 4,
  CREDIT: 5,
  STOP: 6,
  RECALL: 7,
  FORK: 8,
  WORKER_HELLO: 33,
  LOADED: 34,
  READY: 35,
  FAILED: 36,
  RESULT: 37,
  RESPONSE: 38,
  CHUNK: 39,
  END: 40,
  ERROR: 41,
  RECALLED: 42,
  FORKED: 43,
  FORK_ENDED: 44,
  BEGUN: 45,
  RECORDS: 46,
} as const;

/** First frame of the front. */
export interface StartOptions {
  readonly protocol: number;
  readonly server: string;
  readonly appRoot: string;
  readonly entryScript: string | null;
  /** Is served in place of a script. */
  readonly model?: ServedModel;
  readonly sourceDirectory: string | null;
  readonly modelDir: string | null;
  readonly concurrency: number;
  readonly logLevel: string;
  /** Content of the user's `logging.json`; null: there is none. */
  readonly logging: Readonly<Record<string, unknown>> | null;
  /** `json`: records are JSON objects, and each request comes with the ids that they are to have. Default: `text`. */
  readonly logFormat?: LogFormat;
  /** True: what is otherwise warned about is an error. */
  readonly strict: boolean;
  /** True: what the script prints and logs is handed over, too, and each request comes with the ids that it is to have. */
  readonly records?: boolean;
  /** True: modules of the user's are compiled from their source, whatever bytecode lies beside them. Python only. */
  readonly fresh?: boolean;
  /** Port of a debugger that the worker connects to before it loads the script. Python only. */
  readonly debugPort?: number;
  /** Unix socket on which the front awaits the workers that this one, the preload process, forks. Python only. */
  readonly forkSocket?: string;
  /** What their connections must begin with: 16 bytes, hexadecimal. */
  readonly forkSecret?: string;
}

/** First frame of the worker. */
export interface WorkerHello {
  readonly protocol: number;
  readonly runtime: string;
  readonly pid: number;
}

export interface Loaded {
  readonly takes: ScriptTakes;
  readonly concurrent: boolean;
  /** As in ScriptFacts. */
  readonly input?: "text" | "json";
  /** As in ScriptFacts. */
  readonly models?: readonly ModelFacts[];
  /** Each schema as JSON text, because numbers would lose their spelling as values. */
  readonly schemas?: {
    readonly input?: string;
    readonly output?: string;
    readonly versions: readonly SwaggerVersion[];
    /** As in ScriptSchemas. */
    readonly dialects?: Readonly<
      Partial<Record<SwaggerVersion, { readonly input?: string; readonly output?: string }>>
    >;
  };
}

export interface Ready {
  /** Every request is to come with the meta of a whole request, whatever run() takes. */
  readonly meta?: "request";
  /** The script has a tracing library loaded: every request is to come with the place in its trace, where it has one. */
  readonly traces?: boolean;
}

/** How a forked worker ended; all null but `error`: it could not be forked. */
export interface ForkEnded {
  readonly code: number | null;
  readonly signal: string | null;
  readonly error?: string;
}

/** A log record a failed worker asks the front to write on logger `azmlinfsrv`. */
export interface FailureRecord {
  readonly level: "INFO" | "WARNING" | "ERROR" | "CRITICAL";
  readonly message: string;
}

export interface Failed {
  readonly stage: "protocol" | "load" | "model" | "shape" | "init";
  readonly error: ErrorReport;
  readonly records: readonly FailureRecord[];
}

export interface ResponseMeta {
  readonly status: number;
  readonly headers: HeaderList;
  readonly execMs: number;
  readonly stream: boolean;
  readonly fromScript: boolean;
}

export interface RunError {
  readonly kind: "input" | "run" | "result" | "interrupted" | "stream";
  readonly error: ErrorReport;
}

/** What the script has printed and logged. */
export interface Records {
  readonly records: readonly Omit<ScriptRecord, "pid">[];
  /** So many more could not be kept. */
  readonly dropped: number;
}

export type InterruptReason = "deadline" | "client-gone";

/** Meta of RUN_META; `method`, `path` and `query` only for scripts that take the request. Those that take the body get no
 *  more than `logFields`, `traceparent` and `tracestate`. */
export interface RunMeta {
  readonly headers?: Readonly<Record<string, string>>;
  readonly requestId?: string;
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly remoteAddress?: string;
  /** Members of a JSON object, each behind a comma, that records of the request are to have. Only with `logFormat` json,
   *  or `records`. */
  readonly logFields?: string;
  /** Parent of what the script does in a trace, where that is not what the header of this name says. */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** @throws FrameError `ERR_FRAME` when the payload is not a JSON object */
export function parseJson<T>(payload: Buffer): T {
  try {
    return JSON.parse(payload.toString("utf8")) as T;
  } catch (cause) {
    throw new FrameError("ERR_FRAME", "a frame that should hold JSON does not", { cause });
  }
}

export function jsonPayload(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** "meta + body" without the body: the 4-byte length and the JSON. */
export function metaPrefix(meta: object): Buffer {
  const json = JSON.stringify(meta);
  const length = Buffer.byteLength(json);
  const prefix = Buffer.allocUnsafe(4 + length);
  prefix.writeUInt32LE(length, 0);
  prefix.write(json, 4);
  return prefix;
}

/** Splits "meta + body"; the body is a view. */
export function splitMeta<T>(payload: Buffer): { meta: T; body: Buffer } {
  const end = payload.length < 4 ? Number.POSITIVE_INFINITY : 4 + payload.readUInt32LE(0);
  if (end > payload.length) throw new FrameError("ERR_FRAME", "a frame's meta is longer than the frame");
  return { meta: parseJson<T>(payload.subarray(4, end)), body: payload.subarray(end) };
}

export function creditPayload(bytes: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32LE(bytes, 0);
  return payload;
}

/** RESULT payload in front of the body: run()'s time in milliseconds. */
export function execMsPrefix(execMs: number): Buffer {
  const prefix = Buffer.allocUnsafe(8);
  prefix.writeDoubleLE(execMs, 0);
  return prefix;
}
