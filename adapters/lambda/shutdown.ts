import { askForNext, registerExtension } from "./extension.ts";
import { type Environment, processEnvironment } from "./settings.ts";

/** Calls `stop` at SIGTERM, then ends the process. Resolves when Lambda knows that it has to send one; outside Lambda at
 *  once. Never rejects: without a signal there is nothing to stop in time for.
 *  @param isRegistered true: there is an extension already */
export async function onShutdown(
  stop: () => Promise<void>,
  isRegistered: boolean,
  env: Environment = processEnvironment,
): Promise<void> {
  const api = env.AWS_LAMBDA_RUNTIME_API;
  if (api === undefined) return;
  process.once("SIGTERM", () => {
    void stop().finally(() => process.exit(0));
  });
  if (isRegistered) return;
  try {
    const id = await registerExtension(api, []);
    // Left open: it tells Lambda that the extension is ready, which asks for no events.
    askForNext(api, id, (response) => response.resume()).once("error", () => {});
  } catch {
    // Then there is no signal.
  }
}
