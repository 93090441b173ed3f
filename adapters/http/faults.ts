import { inspect } from "node:util";
import type { Log } from "../../src/host.ts";

/** Faults of one run that are logged; a server that goes on failing while it stops must not fill the disk. */
const MAX_LOGGED = 20;

/** Resolves at the first fault that nothing else has caught. What runs is then in an unknown state, so the server has to
 *  stop; until it has, further faults are logged and change nothing.
 *  @param here what runs in this process besides the server: a rejection that nobody handles is likely its own, which is
 *  logged as in a worker process and ends nothing */
export function firstFault(log: Log, here: "score script" | "model" | undefined): Promise<void> {
  let logged = 0;
  const report = (what: string, thrown: unknown): void => {
    if (logged++ < MAX_LOGGED) log.server.critical(`${what}: ${describe(thrown)}\n`);
  };
  return new Promise((resolve) => {
    process.on("uncaughtException", (error) => {
      report("A fault of the server's own, which stops", error);
      resolve();
    });
    process.on("unhandledRejection", (reason) => {
      if (here !== undefined) {
        log.server.error(`Unhandled rejection in the ${here}: ${describe(reason)}`);
        return;
      }
      report("A fault of the server's own, which stops", reason);
      resolve();
    });
  });
}

/** Anything can be thrown, also an object whose getters throw. */
function describe(thrown: unknown): string {
  try {
    return thrown instanceof Error && typeof thrown.stack === "string" ? thrown.stack : inspect(thrown, { depth: 1 });
  } catch {
    return "something that cannot be shown";
  }
}
