// Lambda says SIGTERM before it ends an environment, and waits for work behind an answer, only where an extension is
// registered: so there is one within the function's process.
import type { ClientRequest, IncomingMessage } from "node:http";

const NAME = "scorefn";
const VERSION = "2020-01-01/extension";

/** @returns what Lambda calls it   @throws what the network or Lambda has against it */
export function registerExtension(api: string, events: readonly "INVOKE"[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { "Lambda-Extension-Name": NAME, "Content-Type": "application/json" };
    const registration = http().request(
      `http://${api}/${VERSION}/register`,
      { method: "POST", headers, agent: false },
      (response) => {
        response.resume();
        const id = response.headers["lambda-extension-identifier"];
        if (response.statusCode === 200 && typeof id === "string") resolve(id);
        else reject(new Error(`status ${response.statusCode}`));
      },
    );
    registration.once("error", reject);
    registration.end(JSON.stringify({ events }));
  });
}

/** Says that the extension is done, and asks for its next event. It does not keep the process up. */
export function askForNext(api: string, id: string, onResponse: (response: IncomingMessage) => void): ClientRequest {
  const headers = { "Lambda-Extension-Identifier": id };
  const next = http().request(`http://${api}/${VERSION}/event/next`, { headers, agent: false }, onResponse);
  next.once("socket", (socket) => socket.unref());
  return next.end();
}

/** Lambda's runtime has it loaded; elsewhere it would take longer than all that is loaded here. */
function http(): typeof import("node:http") {
  return process.getBuiltinModule("node:http");
}
