import type { ErrorCode } from "./errors.ts";
import type { Log } from "./log.ts";
import type { SwaggerVersion } from "./swagger-versions.ts";
import type { Trace } from "./trace.ts";

/** One HTTP request in the form every host can hand over and the core reads. Nothing in it is parsed yet. */
export interface ScoreRequest {
  /** Upper-case HTTP method. */
  readonly method: string;
  /** Raw (still percent-encoded) path, starting with `/`, without the query. */
  readonly path: string;
  /** Raw query string without the leading `?`; empty when there is none. */
  readonly query: string;
  /** What records show in place of `query`, where that holds less than the client has sent. */
  readonly loggedQuery?: string | undefined;
  /** Lower-case names; a repeated header is joined with `,` (contract IN-21, HDR-6). */
  readonly headers: Readonly<Record<string, string>>;
  /** Whole body; empty, never absent. */
  readonly body: Uint8Array;
  /** Address of the client, as the host knows it. */
  readonly remoteAddress?: string | undefined;
  /** Turns aborted when the client has gone or the host's own deadline is near. An `AbortSignal` fits. */
  readonly signal?: CancelSignal | undefined;
  /** Milliseconds (fractional) on the clock of `performance.now()` at which the host received the request. */
  readonly receivedAt?: number;
  /** Takes what is logged on behalf of this request, where the host keeps records by request. Default: the server's log. */
  readonly log?: Log;
}

/** The part of `AbortSignal` the core uses, so that a host may pass something cheaper than a real one. */
export interface CancelSignal {
  readonly aborted: boolean;
  /** Why; a `ScoreError` is what the request is then answered with, anything else counts as the client having left. */
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Header list in wire order, names as they are to be sent; a name may occur more than once. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** A streamed body: each item is one non-empty chunk that is to be flushed at once. It throws when the script fails
 *  midway; the host then cuts the answer off. Hosts must call `return()` when the client has gone. */
export type BodyStream = AsyncIterable<Uint8Array>;

/** What the host is to send. */
export interface ScoreResponse {
  readonly status: number;
  readonly headers: HeaderList;
  /** Hosts drop it for HEAD, and for statuses that have no body. */
  readonly body: string | Uint8Array | BodyStream;
  /** True: hosts write no access record of it, for one log line tells of many refusals, or a page that is open has asked. */
  readonly isUnrecorded?: true;
  /** The error that the answer tells of; never what a script has made up. */
  readonly errorCode?: ErrorCode;
  /** Undefined: the request was not traced here. */
  readonly trace?: Trace | undefined;
  /** What is known of the run() behind it. */
  readonly ran?: RunFacts;
}

/** What is known of one run(), whatever came of it. */
export interface RunFacts {
  /** How long the call took, in milliseconds (contract HDR-10). */
  readonly execMs: number;
  /** How long it waited for a worker, in milliseconds. */
  readonly queueMs?: number | undefined;
  /** Process id of the worker. */
  readonly worker?: number | undefined;
}

/** The seam between hosts and core: answers every request, never rejects. */
export type ScoreHandler = (request: ScoreRequest) => Promise<ScoreResponse>;

/** Where a script failed, on a best-effort basis (contract ERR-11). */
export interface ErrorLocation {
  /** Relative to the app root, with `/`; never an absolute path. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1; null where the runtime does not know it. */
  readonly column: number | null;
  readonly function: string | null;
  /** The source line, trimmed. */
  readonly source: string | null;
}

/** What a script host knows of an exception; plain data, so that it crosses the worker pipe as JSON. */
export interface ErrorReport {
  /** Class name of the exception, `KeyError` or `TypeError`. */
  readonly type: string;
  readonly message: string;
  /** The runtime's own text of the whole chain, without a trailing newline. */
  readonly traceback: string;
  readonly location: ErrorLocation | null;
  /** A few source lines around the location with a marker; only for load and init failures. */
  readonly codeFrame?: string;
  /** One sentence on what to do, where the cause is a common one. */
  readonly hint?: string;
}

/** What run() wants to be handed (docs/worker-protocol.md, LOADED). `model`: not a script but a model, which is told the path
 *  and the headers that its protocols have a meaning for. */
export type ScriptTakes = "body" | "headers" | "request" | "model";

/** What a script turned out to be once it was loaded. */
export interface ScriptFacts {
  readonly takes: ScriptTakes;
  /** True when several calls of run() may be under way at a time. */
  readonly concurrent: boolean;
  /** `json`: run() has a declared input, so a POST must say that it is JSON (contract IN-9). Default: `text`. */
  readonly input?: "text" | "json" | undefined;
  /** What the script declares of its input and output; undefined: nothing. */
  readonly schemas?: ScriptSchemas | undefined;
  /** What is served without a script; undefined: there is one. */
  readonly models?: readonly ModelFacts[] | undefined;
}

/** `onnx`: one file, or a folder with one; `mlflow`: a folder with an MLmodel; `triton`: a repository of ONNX models. */
export type ModelKind = "onnx" | "mlflow" | "triton";

/** A model that takes the place of a score script. */
export interface ServedModel {
  readonly kind: ModelKind;
  /** Absolute. */
  readonly path: string;
  /** In paths and answers of the Open Inference Protocol; models of a repository have names of their own. */
  readonly name: string;
  /** A compressed body has no more bytes than this once it is read; undefined: the largest that any may have. */
  readonly maxBodyBytes?: number | undefined;
}

/** What is known of one model once it was loaded, in the words of the Open Inference Protocol. */
export interface ModelFacts {
  readonly name: string;
  /** `onnxruntime_onnx` or `mlflow`. */
  readonly platform: string;
  /** Of MLflow, which its server tells; undefined: the model is served without it. */
  readonly engineVersion?: string | undefined;
  /** In ascending order of their numbers; those that cannot be served have a reason. */
  readonly versions: readonly ModelVersionFacts[];
  /** Empty where nothing is known of them. */
  readonly inputs: readonly TensorFacts[];
  readonly outputs: readonly TensorFacts[];
  /** The model's configuration as Triton shows it (TRI-16); undefined: it has none. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
}

export interface ModelVersionFacts {
  readonly version: string;
  /** Why it cannot be served; undefined: it is. */
  readonly failure?: string | undefined;
}

/** One input or output of a model. */
export interface TensorFacts {
  readonly name: string;
  /** As the Open Inference Protocol names it: BOOL, UINT8 to UINT64, INT8 to INT64, FP16, FP32, FP64, BYTES. */
  readonly datatype: string;
  /** -1 stands for any number. */
  readonly shape: readonly number[];
}

/** Schemas of a script, as they stand in the swagger documents. */
export interface ScriptSchemas {
  /** Anything that `renderPythonJson` renders; undefined: nothing is declared. */
  readonly input?: unknown;
  readonly output?: unknown;
  /** Versions the schemas can be described in (contract IS-20). */
  readonly versions: readonly SwaggerVersion[];
  /** For versions that say the two in words of their own; `input` and `output` are then those of the others. */
  readonly dialects?:
    | Readonly<Partial<Record<SwaggerVersion, { readonly input?: unknown; readonly output?: unknown }>>>
    | undefined;
}

/** One call of run(). */
export interface RunCall {
  /** POST body, or the JSON text made of the query string (contract IN-5). */
  readonly body: Uint8Array;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly requestId: string;
  /** Undefined: the request is not traced here. */
  readonly trace?: Trace | undefined;
  /** As in the request. */
  readonly remoteAddress?: string | undefined;
  readonly signal?: CancelSignal | undefined;
  /** As in the request. */
  readonly log?: Log | undefined;
}

/** What run() gave back. */
export type RunOutcome =
  | (RunFacts & { readonly kind: "json"; readonly body: Uint8Array | string })
  | (RunFacts & {
      readonly kind: "response";
      readonly status: number;
      readonly headers: HeaderList;
      readonly body: Uint8Array | string | BodyStream;
      /** True when the script itself built an HTTP response (contract OUT-2), false for a streamed plain result. */
      readonly fromScript: boolean;
    });

/** Life of a runtime: `loading` until init() is done, then `ready`; `busy` = ready, and every worker is scoring. */
export type RuntimeState = "loading" | "ready" | "busy" | "failed" | "stopping";

/** What a runtime counts at this moment. */
export interface RuntimeLoad {
  /** Requests that wait. */
  readonly waiting: number;
  /** Bytes of their bodies. */
  readonly waitingBytes: number;
  /** Requests that workers have not answered. */
  readonly unanswered: number;
  readonly workers: Readonly<Record<WorkerState, number>>;
  /** Their processes. */
  readonly pids: readonly number[];
}

/** `idle` takes a request at once; `dead` is a place without a process. */
export type WorkerState = "starting" | "idle" | "busy" | "dead";

/** A worker that does not react. */
export interface SilentWorker {
  readonly pid: number | undefined;
  /** Ends it; another takes its place. @param reason follows "because" in the log */
  kill(reason: string): void;
}

/** A loaded score script, wherever it runs: in this process or in worker processes. */
export interface ScoreRuntime {
  /** Loads the script and runs init() once per worker. Idempotent: later calls return the first call's promise.
   *  @throws ScriptLoadError, ScriptShapeError, ScriptInitError, WorkerExitError */
  start(): Promise<ScriptFacts>;
  /** Runs one request. @throws ScoreError of any kind; never anything else */
  run(call: RunCall): Promise<RunOutcome>;
  /** Why a request would be turned away if it came now, so that a host need not read its body first.
   *  @param bodyBytes size of its body, and of all bodies that the host is still receiving
   *  @returns undefined: it would be taken */
  refusal?(bodyBytes: number): Error | undefined;
  /** Resolves when it is known what the script is. Waiting for that has the bounds of waiting for a worker.
   *  @throws ScoreError */
  whenLoaded?(bodyBytes: number, signal?: CancelSignal): Promise<ScriptFacts>;
  /** Resolves once no script runs on for a request that is answered already (timed out, or its client left): a worker
   *  that is not done with it after `graceMs` milliseconds is killed and replaced. Undefined: nothing runs on. For hosts
   *  that are frozen between requests; absent where a running script cannot be stopped. */
  settle?(graceMs: number): Promise<void> | undefined;
  /** Has so many workers from now on. Those that are too many get nothing new and end when what they run has ended; with
   *  none, requests wait until there are some. Absent where there are no workers. */
  resize?(workers: number): void;
  /** Asks the workers that have nothing to do for a sign of life. One that runs a script is not asked: its deadlines watch it.
   *  @returns those that gave none within so many milliseconds, and those that have been starting for longer than `startMs` */
  silentWorkers?(withinMs: number, startMs: number): Promise<readonly SilentWorker[]>;
  /** Finishes what runs (up to `graceMs` milliseconds), then ends. Never rejects. */
  close(graceMs: number): Promise<void>;
  readonly state: RuntimeState;
  /** What the script is, now; undefined: that is not known yet. It changes when another version of it is loaded. */
  readonly facts?: ScriptFacts | undefined;
  /** Whether init() has been done once, whatever has become of it since. */
  readonly initialised: boolean;
  /** The reason of `failed`, or of the last worker that did not come up. */
  readonly failure: Error | undefined;
  /** Undefined: nothing is known, as there are no workers. */
  readonly load?: RuntimeLoad | undefined;
  /** What the ready path shows of the last edit, the same object until that changes. Set by whoever loads the script anew when it is edited. */
  reload?: (() => object | undefined) | undefined;
}
