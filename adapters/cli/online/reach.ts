// Finds the process of an endpoint, and starts it again when it does not run: after a restart of the machine, for example.
import { setTimeout as delay } from "node:timers/promises";
import {
  type Call,
  call,
  EndedError,
  NotRunningError,
  SilentError,
  type TakeLines,
} from "../../../endpoint/control/channel/client.ts";
import type { Hello } from "../../../endpoint/control/channel/messages.ts";
import { notFound, OperationError } from "../../../endpoint/control/errors.ts";
import { type EndpointFolder, endpointFolder, homeFolder } from "../../../endpoint/control/state/folders.ts";
import { lockHolder } from "../../../endpoint/control/state/lock.ts";
import { readState } from "../../../endpoint/control/state/store.ts";
import { VERSION } from "../../../src/host.ts";
import { launch, type Order } from "./launch.ts";
import type { OnlineHost } from "./program.ts";
import { wakeOrEnd } from "./signals.ts";

/** How long a process that another command has just started may take until it takes commands, in milliseconds; it needs a second. */
const START_MS = 60_000;
const LOOK_MS = 100;

/** How long a running process may take to say hello, in milliseconds. It does so at once, except on a busy machine. */
const HELLO_MS = 10_000;

/** The process of an endpoint, which takes commands. */
export interface Reached {
  readonly folder: EndpointFolder;
  readonly hello: Hello;
  /** @throws OperationError with what it says */
  ask(method: Call["method"], path: string, body?: unknown, takeLines?: TakeLines): Promise<unknown>;
}

export function folderOf(name: string, { env }: Pick<OnlineHost, "env">): EndpointFolder {
  return endpointFolder(homeFolder(env), name.toLowerCase());
}

/** @param order for the process, if it has to be started   @throws OperationError `not-found` */
export async function reach(
  name: string,
  host: OnlineHost,
  order: Extract<Order, { kind: "resume" }> = { kind: "resume" },
): Promise<Reached> {
  const folder = folderOf(name, host);
  const hello = (await tryHello(folder)) ?? (await start(folder, host, order));
  if (hello.version !== VERSION) {
    host.tell(
      `warning: the endpoint ${folder.name} is run by scorefn ${hello.version}, and this is ${VERSION}; end process ${hello.pid}, and the next command starts it anew\n`,
    );
  }
  return reached(folder, hello, host);
}

export function reached(folder: EndpointFolder, hello: Hello, host: OnlineHost): Reached {
  const progress = (line: string): void => host.tell(`${line}\n`);
  return {
    folder,
    hello,
    async ask(method, path, body, takeLines) {
      const question = { method, path, body };
      try {
        return await call(folder.socket, question, progress, takeLines);
      } catch (error) {
        if (!(error instanceof NotRunningError)) throw error;
      }
      // The process has ended since it said hello, and has not heard the command.
      await start(folder, host, { kind: "resume" });
      return call(folder.socket, question, progress, takeLines).catch((error: unknown) => {
        throw error instanceof NotRunningError ? unreachable(folder) : error;
      });
    },
  };
}

/** @returns undefined when no process takes commands   @throws SilentError for one that runs and does not answer */
export async function tryHello(folder: EndpointFolder): Promise<Hello | undefined> {
  try {
    return (await call(folder.socket, { method: "GET", path: "/hello", timeoutMs: HELLO_MS }, () => {})) as Hello;
  } catch (error) {
    if (error instanceof SilentError) {
      const pid = lockHolder(folder.path)?.pid;
      const cure = pid === undefined ? "" : `; ${wakeOrEnd(pid)}`;
      throw new SilentError("failed", `the endpoint ${folder.name} does not answer${cure}`, error);
    }
    if (error instanceof NotRunningError || error instanceof EndedError) return undefined;
    throw error;
  }
}

/** Another command may just be starting the process, or the last process may not have ended yet. */
async function start(folder: EndpointFolder, host: OnlineHost, order: Order): Promise<Hello> {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline) {
    if (lockHolder(folder.path) === undefined) {
      if ((await readState(folder)).isNew) throw missing(folder);
      await launch(folder, order, host).catch((error: unknown) => {
        if (!(error instanceof OperationError) || error.refusal !== "busy") throw error;
      });
    }
    const hello = await tryHello(folder);
    if (hello !== undefined) return hello;
    await delay(LOOK_MS);
  }
  throw unreachable(folder);
}

/** Waits for a process that runs to take commands. @returns undefined when it has ended meanwhile */
export async function awaitHello(folder: EndpointFolder): Promise<Hello | undefined> {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline) {
    const hello = await tryHello(folder);
    if (hello !== undefined) return hello;
    if (lockHolder(folder.path) === undefined) return undefined;
    await delay(LOOK_MS);
  }
  throw unreachable(folder);
}

function unreachable({ name, log }: EndpointFolder): OperationError {
  return new OperationError("failed", `the process of the endpoint ${name} takes no commands; ${log} may say why`);
}

export function missing({ name }: EndpointFolder): OperationError {
  return notFound(`there is no endpoint ${name}; online-endpoint list shows those that there are`);
}
