import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { isRawHttp, type RunContext, type ScriptLogger } from "../authoring/authoring.ts";
import { markerOf, type SchemaMarker } from "../authoring/marker.ts";
import { attempt } from "../core/attempt.ts";
import {
  BadInputError,
  ResultError,
  type ScoreError,
  ScriptInitError,
  ScriptLoadError,
  ScriptRunError,
  ScriptShapeError,
} from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { RunOutcome, ScriptFacts } from "../core/types.ts";
import { decodeUtf8 } from "../json/utf8.ts";
import { describeV8, locateV8, type Roots } from "../locate/v8.ts";
import { isTypeScript } from "./compile.ts";
import { describeCall, readInput, refuseRawHttp, toScriptSchemas } from "./declared.ts";
import type { ScriptInput } from "./input.ts";
import { runRawHttp } from "./raw-http.ts";
import { ResultGuard } from "./result-guard.ts";
import { streamItems, streamOutcome } from "./stream.ts";
import { scriptTakes } from "./takes.ts";
import { enableTypeScript } from "./typescript.ts";

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
  const { self, init, run } = pickFunctions(exported, entryScript);
  log.script.info(`Found user script at ${entryScript}`);
  const raw = isRawHttp(run) ? run : undefined;
  const marker = markerOf(run);
  if (marker !== undefined) refuseRawHttp(run);
  log.script.info(describeMode(raw !== undefined, marker));
  const takes = scriptTakes(run);
  const declared = marker === undefined ? {} : await describeSchemas(marker, roots, log);
  const guard = new ResultGuard(options.strict ?? false, (message) => log.server.warning(message), marker?.check);
  const call = (marker?.run as Run | undefined) ?? run;
  const failed = (error: unknown): ScoreError => runFailure(error, roots);

  return {
    facts: { takes, concurrent: true, ...declared },
    async init() {
      log.script.info("Invoking user's init function");
      try {
        await init.call(self);
      } catch (cause) {
        const report = describeV8(cause, roots, { codeFrame: true, modelDir });
        throw new ScriptInitError("ERR_SCRIPT_INIT", `${report.type}: ${report.message}`, { cause, report });
      }
      log.script.info("Users's init has completed successfully");
    },
    run(input) {
      const context = takes === "body" ? undefined : new Context(input, (input.log ?? log).print);
      if (raw !== undefined) {
        return runRawHttp(raw, input, context!).catch((error: unknown) => {
          throw failed(error);
        });
      }
      if (marker === undefined) return invoke(decodeUtf8(input.body), context);
      let data: unknown;
      try {
        data = readInput(marker, input.body);
      } catch (error) {
        throw failed(error);
      }
      if (!(data instanceof Promise)) return invoke(data, context);
      return data.then(
        (value) => invoke(value, context),
        (error: unknown) => {
          throw failed(error);
        },
      );
    },
  };

  function invoke(data: unknown, context: RunContext | undefined): RunOutcome | Promise<RunOutcome> {
    const startedAt = performance.now();
    let value: unknown;
    let later: boolean;
    try {
      value = call.call(self, data, context);
      later = isThenable(value);
    } catch (error) {
      throw failed(error);
    }
    if (later) {
      return Promise.resolve(value).then(
        (result) => finish(result, startedAt, guard, failed),
        (error: unknown) => {
          throw failed(error);
        },
      );
    }
    return finish(value, startedAt, guard, failed);
  }
}

function describeMode(isRaw: boolean, marker: SchemaMarker | undefined): string {
  if (marker !== undefined) return describeCall(marker);
  return isRaw
    ? "run() is decorated with rawHttp. Server will invoke it with the request object."
    : "run() is not decorated. Server will invoke it with the input in JSON string.";
}

/** @throws ScriptLoadError when a library cannot describe what it made */
async function describeSchemas(
  marker: SchemaMarker,
  roots: Roots,
  log: Log,
): Promise<Pick<ScriptFacts, "input" | "schemas">> {
  const description = await marker.describe().catch((cause: unknown) => {
    const report = describeV8(cause, roots);
    throw new ScriptLoadError("ERR_SCRIPT_LOAD", `${report.type}: ${report.message}`, { cause, report });
  });
  for (const warning of description.warnings) log.server.warning(warning);
  return { input: "json", schemas: toScriptSchemas(description) };
}

function finish(
  value: unknown,
  startedAt: number,
  guard: ResultGuard,
  failed: (error: unknown) => ScoreError,
): RunOutcome | Promise<RunOutcome> {
  const execMs = performance.now() - startedAt;
  let body: string | Promise<string>;
  try {
    const items = typeof value === "object" ? streamItems(value) : undefined;
    if (items !== undefined) {
      return streamOutcome(items, execMs, guard.render).catch((error: unknown) => {
        throw failed(error);
      });
    }
    body = guard.body(value);
  } catch (error) {
    throw failed(error);
  }
  if (typeof body === "string") return { kind: "json", body, execMs };
  return body.then(
    (text) => ({ kind: "json", body: text, execMs }),
    (error: unknown) => {
      throw failed(error);
    },
  );
}

function runFailure(cause: unknown, roots: Roots): ScoreError {
  // A proxy may refuse to tell what it is an instance of.
  if (attempt(() => cause instanceof ResultError || cause instanceof BadInputError, false)) return cause as ScoreError;
  const report = describeV8(cause, roots);
  return new ScriptRunError("ERR_SCRIPT_RUN", `${report.type}: ${report.message}`, { cause, report });
}

async function importScript(options: JavaScriptOptions, roots: Roots): Promise<Record<string, unknown>> {
  const { entryScript: path, modelDir, importScript: importBundled } = options;
  if (importBundled === undefined && !existsSync(path)) {
    const message = `No such file or directory: '${path}'`;
    const hint = "Check --entry_script; it is relative to the current directory.";
    const report = { type: "FileNotFoundError", message, traceback: message, location: null, hint };
    throw new ScriptLoadError("ERR_SCRIPT_LOAD", message, { report });
  }
  try {
    if (importBundled !== undefined) return await importBundled();
    if (isTypeScript(path)) enableTypeScript();
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    const cause = importBundled === undefined ? await locatable(error, path, roots) : error;
    const report = describeV8(cause, roots, { codeFrame: true, modelDir });
    throw new ScriptLoadError("ERR_SCRIPT_LOAD", `${report.type}: ${report.message}`, { cause: error, report });
  }
}

/** A name that bundlers do not follow: what they make needs no compiler. */
const COMPILER: string = ["es", "build"].join("");

/** Node keeps the place of a module's syntax error to itself; the compiler tells. */
async function locatable(error: unknown, path: string, roots: Roots): Promise<unknown> {
  if (!(error instanceof SyntaxError) || locateV8(error, roots) !== null) return error;
  const { transform, stop } = (await import(COMPILER)) as typeof import("esbuild");
  try {
    await transform(readFileSync(path, "utf8"), { loader: "js", sourcefile: path, logLevel: "silent" });
    return error;
  } catch (located) {
    return located;
  } finally {
    await stop();
  }
}

interface ScriptFunctions {
  /** What the functions are called on: an author's default export may use `this`. */
  readonly self: unknown;
  readonly init: () => unknown;
  readonly run: Run;
}

function pickFunctions(exported: Record<string, unknown>, path: string): ScriptFunctions {
  const fallback = exported.default;
  const named = "init" in exported || "run" in exported;
  const source = named || typeof fallback !== "object" || fallback === null ? exported : (fallback as typeof exported);
  const pick = (name: "init" | "run"): ((...args: unknown[]) => unknown) => {
    const value = source[name];
    if (typeof value === "function") return value as (...args: unknown[]) => unknown;
    const message =
      value === undefined
        ? `User script at ${path} does not have a ${name}() function defined.`
        : `${name} in the user script at ${path} is not a function but ${typeof value}.`;
    const signature = name === "init" ? "init()" : "run(data)";
    const hint = `Export it: export async function ${signature} { … }`;
    const report = { type: "ScriptShapeError", message, traceback: message, location: null, hint };
    throw new ScriptShapeError("ERR_SCRIPT_SHAPE", message, { report });
  };
  return { self: source, init: pick("init"), run: pick("run") as Run };
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
}
