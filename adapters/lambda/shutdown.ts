import { type Environment, processEnvironment } from "./settings.ts";

/** Lambda says SIGTERM before it ends an environment only where an extension is registered: so we register one that
 *  asks for no events. */
const NAME = "scorefn";

/** Calls `stop` at SIGTERM, then ends the process. Resolves when Lambda knows that it has to send one; outside Lambda at
 *  once. Never rejects: without a signal there is nothing to stop in time for. */
export async function onShutdown(stop: () => Promise<void>, env: Environment = processEnvironment): Promise<void> {
  const api = env.AWS_LAMBDA_RUNTIME_API;
  if (api === undefined) return;
  process.once("SIGTERM", () => {
    void stop().finally(() => process.exit(0));
  });
  await register(api).catch(() => undefined);
}

/** Registers the extension, and leaves its first request for an event open: that tells Lambda that it is ready. */
async function register(api: string): Promise<void> {
  // Lambda's runtime has it loaded; elsewhere it would take longer than all that is loaded here.
  const { request } = process.getBuiltinModule("node:http");
  const id = await new Promise<string>((resolve, reject) => {
    const registration = request(
      `http://${api}/2020-01-01/extension/register`,
      { method: "POST", headers: { "Lambda-Extension-Name": NAME, "Content-Type": "application/json" }, agent: false },
      (response) => {
        response.resume();
        const header = response.headers["lambda-extension-identifier"];
        if (response.statusCode === 200 && typeof header === "string") resolve(header);
        else reject(new Error(`status ${response.statusCode}`));
      },
    );
    registration.once("error", reject);
    registration.end('{"events":[]}');
  });
  const next = request(`http://${api}/2020-01-01/extension/event/next`, {
    headers: { "Lambda-Extension-Identifier": id },
    agent: false,
  });
  next.once("response", (response) => response.resume());
  next.once("error", () => {});
  next.once("socket", (socket) => socket.unref());
  next.end();
}
