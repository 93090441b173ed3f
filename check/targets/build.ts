// A folder that `scorefn build` has made, run on this machine as `scorefn invoke` runs it.
import { resolve } from "node:path";
import type { RunningBuild } from "../../packaging/invoke.ts";
import { readDescription } from "../../packaging/out-folder.ts";
import { targetNamed } from "../../packaging/targets.ts";
import { ConfigError, processEnvironment, timerMs } from "../../src/host.ts";
import type { Output } from "../output.ts";
import { NotLoaded, type Running, type Target } from "../types.ts";

export interface BuildOptions {
  readonly directory: string;
  /** How long it may take to start, in milliseconds. */
  readonly initTimeoutMs: number;
  /** How long one answer may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly output: Output;
}

/** @throws ConfigError when the folder is no build */
export async function buildTarget(options: BuildOptions): Promise<Target> {
  const { directory } = options;
  const { target: cloud, settings } = await readDescription(directory);
  if (targetNamed(cloud) === undefined) throw new ConfigError("ERR_CONFIG", `this scorefn knows no target ${cloud}`);
  if (settings.template === "custom-handler") {
    const message = `${directory} is a custom handler, which only the Functions host runs; start it there (func start), and check it with --url`;
    throw new ConfigError("ERR_CONFIG", message);
  }
  return {
    name: directory,
    startName: `the build for ${cloud} starts, and ${settings.model === undefined ? "init() is done" : "the model loads"}`,
    servesModel: settings.model !== undefined,
    start: () => start(cloud, options),
  };
}

async function start(cloud: string, { directory, initTimeoutMs, timeoutMs, output }: BuildOptions): Promise<Running> {
  const startedAt = performance.now();
  const message = `the build did not start within ${initTimeoutMs} ms`;
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(new Error(message)), timerMs(initTimeoutMs));
  const starting = targetNamed(cloud)!.start({
    directory: resolve(directory),
    env: { SCOREFN_STRICT: processEnvironment.SCOREFN_STRICT ?? "true" },
    writeError: (text) => output.add(text),
    signal: over.signal,
  });
  // A process that never comes back from run() or init() would outlive us.
  const forget = onEndingSignal(async () => {
    over.abort(new Error("the check was stopped"));
    await starting.then((started) => started.stop());
  });
  let build: RunningBuild;
  try {
    build = await starting;
  } catch (error) {
    forget();
    throw new NotLoaded({ rule: "build-start", level: "error", message: (error as Error).message });
  } finally {
    clearTimeout(timer);
  }
  const initMs = performance.now() - startedAt;
  let peak = 0;
  return {
    initMs,
    async send(request) {
      const from = performance.now();
      const answer = await within(build.send(request), timeoutMs, `no answer within ${timeoutMs} ms`);
      peak = Math.max(peak, answer.memoryBytes ?? 0);
      const { status, headers, body, complete } = answer;
      return { status, headers, body, isComplete: complete, ms: performance.now() - from };
    },
    peakBytes: () => peak || undefined,
    async close() {
      await build.stop();
      forget();
    },
  };
}

/** @throws Error when it takes longer */
async function within<T>(promise: Promise<T>, limitMs: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), timerMs(limitMs));
  });
  promise.catch(() => {});
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Cleans up before a signal ends this process.
 *  @returns takes that back */
function onEndingSignal(cleanUp: () => Promise<unknown>): () => void {
  const end = (signal: NodeJS.Signals): void => {
    forget();
    const die = (): void => void process.kill(process.pid, signal);
    cleanUp().then(die, die);
  };
  const forget = (): void => {
    for (const signal of ENDING) process.off(signal, end);
  };
  for (const signal of ENDING) process.on(signal, end);
  return forget;
}
