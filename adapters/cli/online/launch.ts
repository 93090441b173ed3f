// Starts the process of an endpoint, which outlives the command, and hears from it until it is ready.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { OperationError, type Refusal } from "../../../endpoint/control/errors.ts";
import { type EndpointFolder, makeFolder } from "../../../endpoint/control/state/folders.ts";
import type { KeptEndpoint } from "../../../endpoint/control/state/store.ts";
import type { OnlineHost } from "./program.ts";

/** What the process is told on its standard input, as one line of JSON. */
export type Order =
  | { readonly kind: "create"; readonly state: KeptEndpoint }
  | { readonly kind: "resume"; readonly port?: number | undefined; readonly host?: string | undefined };

/** What it says on descriptor 3, a line of JSON each. */
export type Event =
  | { readonly progress: string }
  | { readonly ready: true }
  | { readonly error: { readonly refusal: Refusal; readonly message: string } };

/** Where the process says how it gets on. */
export const EVENTS_FD = 3;

/** Size at which the file of what processes wrote outside of their log is emptied: 1 MiB. */
const MAX_OUTPUT_BYTES = 1_048_576;

/** How much of a dead process's last words is shown: what fits on a screen. */
const MAX_SHOWN_BYTES = 4_096;

/** Resolves when the endpoint listens and its deployments have come up, or have failed to.
 *  @throws OperationError: `busy` when another process runs the endpoint, else why it does not start */
export async function launch(folder: EndpointFolder, order: Order, host: OnlineHost): Promise<void> {
  await makeFolder(folder);
  const output = openSync(folder.output, "a+", 0o600);
  try {
    if (fstatSync(output).size > MAX_OUTPUT_BYTES) ftruncateSync(output);
    const from = fstatSync(output).size;
    const [command = "", ...words] = [...host.program, folder.name];
    const child = spawn(command, words, {
      // A session of its own: neither Ctrl+C nor the end of the terminal reaches it.
      detached: true,
      windowsHide: true,
      cwd: folder.path,
      env: environmentOf(folder, host),
      stdio: ["pipe", output, output, "pipe"],
    });
    await followed(child, order, host);
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) return;
    throw new OperationError("failed", `the process of the endpoint ended: ${lastWords(output, from)}`);
  } finally {
    closeSync(output);
  }
}

/** The environment of the command. The process runs in another folder, so relative paths become absolute. */
function environmentOf({ path }: EndpointFolder, { env, cwd }: OnlineHost): NodeJS.ProcessEnv {
  const { SCOREFN_PYTHON: python, XDG_CACHE_HOME: cache } = env;
  return {
    ...env,
    SCOREFN_HOME: dirname(dirname(path)),
    ...(python && /[/\\]/.test(python) && { SCOREFN_PYTHON: resolve(cwd, python) }),
    ...(cache && { XDG_CACHE_HOME: resolve(cwd, cache) }),
  };
}

/** Resolves when the process is ready or has ended. */
async function followed(child: ChildProcess, order: Order, host: OnlineHost): Promise<void> {
  const events = child.stdio[EVENTS_FD] as Readable;
  const ended = new Promise<void>((exit, reject) => {
    child.once("error", (error) =>
      reject(new OperationError("failed", `the process of the endpoint cannot be started: ${error.message}`, error)),
    );
    child.once("exit", () => exit());
  });
  ended.catch(() => {});
  // The process may have died before it has read anything.
  child.stdin!.on("error", () => {});
  child.stdin!.end(`${JSON.stringify(order)}\n`);
  try {
    for await (const text of createInterface({ input: events, crlfDelay: Number.POSITIVE_INFINITY })) {
      const event = JSON.parse(text) as Event;
      if ("ready" in event) return;
      if ("error" in event) throw new OperationError(event.error.refusal, event.error.message);
      host.tell(`${event.progress}\n`);
    }
    await ended;
  } finally {
    events.destroy();
    child.unref();
  }
}

/** The end of what the process wrote outside of its log. */
function lastWords(output: number, from: number): string {
  const { size } = fstatSync(output);
  const start = Math.max(from, size - MAX_SHOWN_BYTES);
  const bytes = Buffer.alloc(size - start);
  readSync(output, bytes, 0, bytes.length, start);
  return bytes.toString("utf8").trim() || "it said nothing";
}
