import type { app } from "@azure/functions";
import type { AzureService } from "../adapters/azure/service.ts";

/** So long the start of the app waits for init(), in milliseconds. The host sends no requests meanwhile, but gives up on
 *  an app that takes too long; a slower init() is waited for by the requests. */
const START_WAIT_MS = 5_000;

/** Transport, init() at the start, warm-up of further instances, and the end. */
export function registerLifecycle({ setup, hook, warmup }: typeof app, service: AzureService): void {
  setup({ enableHttpStream: service.config.functionsHttpStream });
  hook.appStart(() => Promise.race([service.ready(), pause(START_WAIT_MS)]));
  hook.appTerminate(() => service.close());
  const begins = service.answerDropped();
  hook.preInvocation(({ invocationContext }) => begins(invocationContext.invocationId));
  warmup("warmup", { handler: () => service.ready() });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
