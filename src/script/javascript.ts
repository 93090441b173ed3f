import { dirname } from "node:path";
import { isRawHttp, type RunContext, type ScriptLogger } from "../authoring/authoring.ts";
import { markerOf } from "../authoring/marker.ts";
import { attempt } from "../core/attempt.ts";
import {
  BadInputError,
  ResultError,
  type ScoreError,
  ScriptInitError,
  ScriptLoadError,
  ScriptRunError,
} from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { traceOf } from "../core/traceparent.ts";
import type { RunOutcome, ScriptFacts } from "../core/types.ts";
import { RefusedError } from "../json/result.ts";
import { decoder } from "../json/utf8.ts";
import { describeFailure, type Roots } from "../locate/describe.ts";
import type { ScriptInput } from "./input.ts";
import { ResultGuard } from "./result-guard.ts";
import { streamItems } from "./stream-items.ts";
import { scriptTakes } from "./takes.ts";

/** A JavaScript or TypeScript score script in this process. */
export interface LoadedScript {
  readonly facts: ScriptFacts;
  /** @throws ScriptInitError */
  init(): Promise<void>;
  /** Answers at once when run() does. @throws BadInputError, ScriptRunError, ResultError, now or by rejecting */
  run(input: ScriptInput): RunOutcome | Promise<RunOutcome>;
}

export interface JavaScriptOptions {
  readonly entryScript: string;
  readonly appRoot: string;
  /** What the script sees as `AZUREML_MODEL_DIR`. */
  readonly modelDir: string | null;
  /** True: results that clients will misread are errors. Default: they are warned of. */
  readonly strict?: boolean | undefined;
  /** Gives the script's exports; default: `import()` of the file. A bundle that holds the script passes its own. */
  readonly importScript?: (() => Promise<Record<string, unknown>>) | undefined;
}

type Run = (data: unknown, context?: RunContext) => unknown;

/** Loads a score script: `.ts .mts .cts .js .mjs .cjs`, named exports or a default export of `{ init, run }`.
 *  @throws ScriptLoadError when it cannot be imported, ScriptShapeError when it lacks init() or run() */
export async function loadJavaScript(options: JavaScriptOptions, log: Log): Promise<LoadedScript> {
  const { entryScript, appRoot, modelDir } = options;
  const roots: Roots = { appRoot, scriptDir: dirname(entryScript) };
  const exported = await importScript(options, roots);
  const { self, init, run } = await pickFunctions(exported, entryScript);
  log.script.info(`Found user script at ${entryScript}`);
  const raw = isRawHttp(run) ? run : undefined;
  const marker = markerOf(run);
  // Only scripts that need them have them loaded.
  const declared = marker && (await import("./declared.ts"));
  const runRawHttp = raw && (await import("./raw-http.ts")).runRawHttp;
  declared?.refuseRawHttp(run);
  log.script.info(marker === undefined ? describeMode(raw !== undefined) : declared!.describeCall(marker));
  const takes = scriptTakes(run);
  const facts = marker === undefined ? {} : await declared!.describeSchemas(marker, roots, log);
  const warn = (message: string): void => log.server.warning(message);
  const guard = new ResultGuard(options.strict ?? false, warn, marker && declared!.outputCheck(marker));
  const call = (marker?.run as Run | undefined) ?? run;
  const fail: Fail = async (error) => {
    throw await runFailure(error, roots);
  };

  return {
    facts: { takes, concurrent: true, ...facts },
    async init() {
      log.script.info("Invoking user's init function");
      try {
        await init.call(self);
      } catch (cause) {
        const report = await describeFailure(cause, roots, { codeFrame: true, modelDir });
        throw new ScriptInitError("ERR_SCRIPT_INIT", `${report.type}: ${report.message}`, { cause, report });
      }
      log.script.info("Users's init has completed successfully");
    },
    run(input) {
      const context = takes === "body" ? undefined : new Context(input, (input.log ?? log).print);
      if (runRawHttp !== undefined) return runRawHttp(raw!, input, context!).catch(fail);
      if (marker === undefined) return runText(input.body, context);
      let data: unknown;
      try {
        data = declared!.readInput(marker, input.body);
      } catch (error) {
        return fail(error);
      }
      return data instanceof Promise ? data.then((value) => invoke(value, context), fail) : invoke(data, context);
    },
  };

  function runText(body: Uint8Array, context: RunContext | undefined): RunOutcome | Promise<RunOutcome> {
    let text: string;
    try {
      text = decoder.decode(body);
    } catch {
      return import("../json/utf8-fault.ts").then(({ decodeUtf8 }) => invoke(decodeUtf8(body), context));
    }
    return invoke(text, context);
  }

  function invoke(data: unknown, context: RunContext | undefined): RunOutcome | Promise<RunOutcome> {
    const startedAt = performance.now();
    let value: unknown;
    let later: boolean;
    try {
      value = call.call(self, data, context);
      later = isThenable(value);
    } catch (error) {
      return fail(error);
    }
    if (!later) return finish(value, startedAt, guard, fail);
    return Promise.resolve(value).then((result) => finish(result, startedAt, guard, fail), fail);
  }
}

/** Rejects with what the failure of a run() is called. */
type Fail = (error: unknown) => Promise<never>;

function describeMode(isRaw: boolean): string {
  return isRaw
    ? "run() is decorated with rawHttp. Server will invoke it with the request object."
    : "run() is not decorated. Server will invoke it with the input in JSON string.";
}

function finish(value: unknown, startedAt: number, guard: ResultGuard, fail: Fail): RunOutcome | Promise<RunOutcome> {
  const execMs = performance.now() - startedAt;
  let body: string | Promise<string>;
  try {
    const items = typeof value === "object" ? streamItems(value) : undefined;
    if (items !== undefined) {
      return import("./stream.ts")
        .then(({ streamOutcome }) => streamOutcome(items, execMs, guard.render, fail))
        .catch(fail);
    }
    body = guard.body(value);
  } catch (error) {
    return fail(error);
  }
  if (typeof body === "string") return { kind: "json", body, execMs };
  return body.then((text) => ({ kind: "json", body: text, execMs }), fail);
}

async function runFailure(cause: unknown, roots: Roots): Promise<ScoreError> {
  if (attempt(() => cause instanceof RefusedError, false)) {
    return (await import("../json/result-fault.ts")).describeRefusal(cause as RefusedError);
  }
  // A proxy may refuse to tell what it is an instance of.
  if (attempt(() => cause instanceof ResultError || cause instanceof BadInputError, false)) return cause as ScoreError;
  const report = await describeFailure(cause, roots);
  return new ScriptRunError("ERR_SCRIPT_RUN", `${report.type}: ${report.message}`, { cause, report });
}

async function importScript(options: JavaScriptOptions, roots: Roots): Promise<Record<string, unknown>> {
  const { entryScript, modelDir, importScript: importBundled } = options;
  if (importBundled === undefined) return (await import("./import-file.ts")).importFile(entryScript, roots, modelDir);
  try {
    return await importBundled();
  } catch (cause) {
    const report = await describeFailure(cause, roots, { codeFrame: true, modelDir });
    throw new ScriptLoadError("ERR_SCRIPT_LOAD", `${report.type}: ${report.message}`, { cause, report });
  }
}

interface ScriptFunctions {
  /** What the functions are called on: an author's default export may use `this`. */
  readonly self: unknown;
  readonly init: () => unknown;
  readonly run: Run;
}

async function pickFunctions(exported: Record<string, unknown>, path: string): Promise<ScriptFunctions> {
  const fallback = exported.default;
  const named = "init" in exported || "run" in exported;
  const source = named || typeof fallback !== "object" || fallback === null ? exported : (fallback as typeof exported);
  const { init, run } = source;
  if (typeof init === "function" && typeof run === "function") return { self: source, init, run } as ScriptFunctions;
  throw (await import("./shape-fault.ts")).shapeFault(source, path);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

class Context implements RunContext {
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestId: string;
  readonly logger: ScriptLogger;
  readonly #input: ScriptInput;

  constructor(input: ScriptInput, logger: ScriptLogger) {
    this.requestHeaders = input.headers ?? {};
    this.requestId = input.requestId ?? "";
    this.logger = logger;
    this.#input = input;
  }

  get signal(): AbortSignal {
    return this.#input.signal();
  }

  get traceparent(): string | undefined {
    return traceOf(this.#input)?.traceparent;
  }

  get tracestate(): string | undefined {
    return traceOf(this.#input)?.tracestate;
  }
}
