// A folder that `scorefn build` has made, run on this machine as `scorefn invoke` runs it.
import { resolve } from "node:path";
import type { RunningBuild } from "../../packaging/invoke.ts";
import { readDescription } from "../../packaging/out-folder.ts";
import { targetNamed } from "../../packaging/targets.ts";
import { ConfigError, processEnvironment } from "../../src/host.ts";
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
    startName: `the build for ${cloud} starts, and init() is done`,
    start: () => start(cloud, options),
  };
}

async function start(cloud: string, { directory, initTimeoutMs, timeoutMs, output }: BuildOptions): Promise<Running> {
  const startedAt = performance.now();
  const starting = targetNamed(cloud)!.start({
    directory: resolve(directory),
    env: { SCOREFN_STRICT: processEnvironment.SCOREFN_STRICT ?? "true" },
    writeError: (text) => output.add(text),
  });
  let build: RunningBuild;
  try {
    build = await within(starting, initTimeoutMs, `the build did not start within ${initTimeoutMs} ms`, (late) =>
      late.stop(),
    );
  } catch (error) {
    const message = (error as Error).message;
    throw new NotLoaded({ rule: "build-start", level: "error", message });
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
    },
  };
}

/** @param late gets what comes when nobody waits for it any more */
async function within<T>(
  promise: Promise<T>,
  limitMs: number,
  message: string,
  late?: (value: T) => unknown,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), limitMs);
  });
  try {
    return await Promise.race([promise, over]);
  } catch (error) {
    promise.then(late, () => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
