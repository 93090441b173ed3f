// What is made once per environment, before the first request: settings, log, script, core.
import { batchLines, type CreateRuntime, createLog, createService, type Service } from "../../src/host.ts";

export { type CreateRuntime, inProcess } from "../../src/host.ts";

import { type FunctionOptions, readSettings } from "./settings.ts";
import { onShutdown } from "./shutdown.ts";

export interface LambdaOptions extends FunctionOptions {
  /** Gets whole lines of the log; default: stdout. */
  readonly write?: ((text: string) => void) | undefined;
}

/** A score script that is ready to answer, or knows why it is not. */
export interface LambdaService extends Service {
  /** Hands the log over: what is not written when an answer leaves, appears with the next request or never. */
  flush(): void;
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
  const { write = (text: string) => process.stdout.write(text) } = options;
  const batch = batchLines(write);
  const service = createService({
    settings: readSettings(options),
    openLog: ({ logLevel }) => createLog(batch.write, logLevel),
    createRuntime,
  });
  const { log, runtime } = service;
  const registered = onShutdown(async () => {
    log.server.info("Received SIGTERM; finishing what runs.");
    await runtime.close(STOP_GRACE_MS);
    batch.flush();
  }, options.env);
  // A failure is in the log already, and in every answer.
  await Promise.all([runtime.start().catch(() => undefined), registered]);
  batch.flush();
  return { ...service, flush: batch.flush };
}
