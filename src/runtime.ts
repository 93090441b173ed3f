import type { Config } from "./config/config.ts";
import { ScoreError } from "./core/errors.ts";
import type { Events } from "./core/events.ts";
import type { Log } from "./core/log.ts";
import { packageFile } from "./core/package-root.ts";
import type { ScoreRuntime } from "./core/types.ts";
import { PRODUCT } from "./core/version.ts";
import { forDebugger, inspectArgs } from "./debugging.ts";
import { inProcess } from "./in-process.ts";
import { withAllocator } from "./pool/allocator.ts";
import { EXIT_OLD_PYTHON, findPython, pythonNotFound, pythonTooOld } from "./pool/interpreter.ts";
import { WorkerPool } from "./pool/pool.ts";
import type { PoolOptions } from "./pool/pool-options.ts";
import type { WorkerCommand } from "./pool/process.ts";
import { wakeAtEnd } from "./pool/wake-at-end.ts";
import type { StartOptions } from "./protocol/messages.ts";

const JAVASCRIPT = /\.[cm]?[jt]sx?$/;

/** True for scripts that run in Node; everything else, and no script at all (contract LOAD-2), is Python's. */
export function isJavaScript(entryScript: string | null): entryScript is string {
  return entryScript !== null && JAVASCRIPT.test(entryScript);
}

/** True for what is served in Node: such a script, or an ONNX model. */
export function runsInNode({ model, entryScript }: Pick<Config, "model" | "entryScript">): boolean {
  return model === null ? isJavaScript(entryScript) : model.kind !== "mlflow";
}

/** What a host may want otherwise. */
type RuntimeOptions = Pick<PoolOptions, "restart" | "onOutput"> &
  Pick<WorkerCommand, "folder"> &
  Pick<StartOptions, "fresh">;

/** The runtime for the configured script, chosen by its extension and by `scriptHost`; not started yet.
 *  @throws ScoreError `ERR_PYTHON_NOT_FOUND` */
export function createRuntime(
  given: Config,
  log: Log,
  events: Events,
  { folder, fresh, ...pool }: RuntimeOptions = {},
): ScoreRuntime {
  const config = forDebugger(given, log);
  const { appRoot, entryScript, model, modelDir, scoringTimeoutMs, maxQueue, strict } = config;
  if (config.scriptHost === "in-process" && runsInNode(config)) return inProcess()(config, log, events);
  const { sourceDirectory, logLevel, workerConcurrency, debugPort } = config;
  return new WorkerPool(
    {
      command: { ...(runsInNode(config) ? nodeCommand(config) : pythonCommand(config, log)), folder },
      start: {
        server: PRODUCT,
        appRoot,
        entryScript,
        ...(model !== null && { model }),
        sourceDirectory,
        modelDir,
        concurrency: workerConcurrency,
        logLevel,
        logging: log.file?.forWorkers ?? null,
        strict,
        ...(log.format === "json" && { logFormat: log.format }),
        ...(fresh && { fresh }),
        ...(debugPort !== null && { debugPort }),
      },
      workerCount: config.workerCount,
      preload: config.workerPreload && canPreload(config, log, pool.restart),
      scoringTimeoutMs,
      workerTimeoutMs: config.workerTimeoutMs,
      maxQueue,
      maxQueueBytes: config.maxQueueBytes,
      queueTimeoutMs: config.queueTimeoutMs,
      ...pool,
    },
    log,
    events,
  );
}

/** Without it a debugger misses breakpoints in what Python 3.11 and later have built in. */
const TRACEABLE = ["-Xfrozen_modules=off"];

function nodeCommand(config: Config): WorkerCommand {
  const main = packageFile("dist/src/node-worker/main.js");
  const [file, ...args] = wakeAtEnd([process.execPath, ...inspectArgs(config.debugPort), main]);
  return {
    file,
    args,
    env: config.workerEnv,
    // A signal cannot reach a JavaScript function that runs.
    nudgeSignal: null,
    onMissing: (cause) =>
      new ScoreError("ERR_INTERNAL", `cannot start ${process.execPath}: ${cause.message}`, { cause }),
  };
}

function pythonCommand(config: Config, log: Log): WorkerCommand {
  const debugged = config.debugPort !== null;
  const python = findPython({ python: config.python, env: config.workerEnv });
  const { env, own } = withAllocator(config.workerEnv);
  let logged = "";
  return {
    file: python,
    args: [...(debugged ? TRACEABLE : []), packageFile("python/worker.py"), ...own],
    env,
    // The exception would be raised inside the debugger that holds the script at a breakpoint.
    nudgeSignal: debugged ? null : "SIGUSR1",
    onMissing: (cause) => pythonNotFound([python], cause),
    onRuntime(runtime) {
      // Another one only after the interpreter has been replaced below a server that runs.
      const what = config.model === null ? "score script" : "model";
      if (runtime !== logged) log.server.info(`The ${what} runs with ${runtime} at ${python}`);
      logged = runtime;
    },
    onExitCode: (code) => (code === EXIT_OLD_PYTHON ? pythonTooOld(python) : undefined),
  };
}

/** Says why not, when it cannot be done: the workers then load the script separately. */
function canPreload(config: Config, log: Log, restart: PoolOptions["restart"]): boolean {
  const reason = runsInNode(config)
    ? "Node cannot fork a process that runs"
    : process.platform === "win32"
      ? "this platform cannot fork a process"
      : restart === "by-requests"
        ? "this host may freeze the process that the workers are forked off"
        : undefined;
  if (reason === undefined) return true;
  log.server.warning(`WORKER_PRELOAD has no effect: ${reason}. Each worker loads the script itself.`);
  return false;
}
