// What is made once per environment, before the first request: settings, log, script, core.
import { writeSync } from "node:fs";
import { inspect } from "node:util";
import {
  batchLines,
  type CreateRuntime,
  createServiceLater,
  createStyledLog,
  type Log,
  mayHaveTelemetry,
  type Service,
  toScoreError,
  type UsableConfig,
} from "../../src/host.ts";

export { type CreateRuntime, inProcess } from "../../src/host.ts";

import type { Observer } from "./observer.ts";
import {
  asksForMetrics,
  type Environment,
  type FunctionOptions,
  processEnvironment,
  readSettings,
} from "./settings.ts";
import { onShutdown } from "./shutdown.ts";

export interface LambdaOptions extends FunctionOptions {
  /** Gets whole lines of the log; default: stdout. */
  readonly write?: ((text: string) => void) | undefined;
}

/** A score script that is ready to answer, or knows why it is not. */
export interface LambdaService extends Service {
  /** Hands the log over: what is not written when an answer leaves, appears with the next request or never. */
  flush(): void;
  /** Undefined: nobody observes it. */
  readonly observer?: Observer | undefined;
}

/** How long a script that was told to end may take before its worker is killed, in milliseconds: within the margin of a
 *  deadline, and long enough for a script that can be interrupted. */
export const SETTLE_MS = 100;

/** How long SIGTERM leaves to requests that run, in milliseconds: Lambda kills at 300 or 500. */
const STOP_GRACE_MS = 100;

/** Loads the script and calls its init(); resolves when requests can be answered, if only with the reason why they
 *  cannot. Never rejects: a function that fails in its init phase is started again for every request, and its clients get
 *  a bare 502. */
export async function startService(createRuntime: CreateRuntime, options: LambdaOptions = {}): Promise<LambdaService> {
  const { write = writeOut, env = processEnvironment } = options;
  const batch = batchLines(write);
  const settings = await readSettings(options);
  const { observer, failure } = await observe(settings.config, env, write);
  const service = await createServiceLater({
    ...(observer && { telemetry: observer.telemetry, subscribers: observer.subscribers }),
    settings,
    openLog: ({ logLevel }, style) => createStyledLog(batch.write, logLevel, style),
    createRuntime,
  });
  const { log, runtime } = service;
  if (failure !== undefined) log.server.warning(`Telemetry is off, because it cannot be loaded: ${failure.message}`);
  if (env.AWS_LAMBDA_RUNTIME_API !== undefined) outliveForgottenPromises(log);
  const registered = onShutdown(
    async () => {
      log.server.info("Received SIGTERM; finishing what runs.");
      await runtime.close(STOP_GRACE_MS);
      await observer?.close();
      batch.flush();
    },
    observer?.isExtension === true,
    env,
  );
  // A failure is in the log already, and in every answer.
  await Promise.all([runtime.start().catch(() => undefined), registered]);
  batch.flush();
  return { ...service, flush: batch.flush, observer };
}

/** Whoever observes is no reason for a function not to start. */
async function observe(
  config: UsableConfig["config"],
  env: Environment,
  write: (text: string) => void,
): Promise<{ readonly observer?: Observer | undefined; readonly failure?: Error }> {
  const writeMetrics = asksForMetrics(env) ? write : undefined;
  if (writeMetrics === undefined && !mayHaveTelemetry(env)) return {};
  try {
    const { openObserver } = await import("./observer.ts");
    return { observer: await openObserver({ config, env, writeMetrics }) };
  } catch (error) {
    return { failure: toScoreError(error) };
  }
}

/** A promise that a script has forgotten, and that rejects, is told in the log. Lambda's runtime would end the environment
 *  for it, and with it the request that is about to be answered: so its listener goes, which is there by now. */
function outliveForgottenPromises(log: Log): void {
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason) => {
    log.server.error(`Nobody handled the rejection of a promise: ${inspect(reason)}\n`);
  });
}

const STDOUT = 1;

/** process.stdout takes two milliseconds to be made, and is only needed while a reader is slow. */
function writeOut(text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(STDOUT, rest));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") process.stdout.write(rest);
  }
}
