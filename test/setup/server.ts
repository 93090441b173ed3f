import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll } from "vitest";
import { DEADLINE_MS } from "./deadline.ts";

/** One probe of waitReady(): a server that is loading its script may leave it without an answer. */
const PROBE_DEADLINE_MS = 10_000;
const POLL_MS = 25;

export interface ServerOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; default: that of the tests. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Where it will listen, as `args` say. */
  readonly port: number;
}

export interface RunningServer {
  readonly url: string;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Waits until GET `path` answers 200. @throws when the server ends before, or too much time has passed */
  waitReady(path?: string): Promise<void>;
  /** Waits until stdout matches. @throws like waitReady() */
  waitOutput(pattern: RegExp): Promise<void>;
  /** Waits until the process has ended and all its output is there. @returns exit code, or the signal that ended it */
  waitExit(): Promise<number | NodeJS.Signals>;
  /** SIGTERM, then waitExit(). */
  stop(): Promise<number | NodeJS.Signals>;
}

const running = new Set<ChildProcess>();

afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a server process. One that a test leaves behind is killed when its file has ended. */
export function startServer(options: ServerOptions): RunningServer {
  const { command, args, env = process.env, cwd, port } = options;
  const child = spawn(command, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  let ended: number | NodeJS.Signals | Error | undefined;
  const closed = new Promise<void>((resolve) => {
    const end = (how: number | NodeJS.Signals | Error) => {
      ended ??= how;
      running.delete(child);
      resolve();
    };
    child.once("error", end);
    child.once("close", (code, signal) => end(code ?? signal ?? 0));
  });
  const url = `http://127.0.0.1:${port}`;

  const fail = (what: string) =>
    new Error(`${what}: ${command} ${args.join(" ")}\n--- stdout\n${output.stdout}\n--- stderr\n${output.stderr}`);

  /** Asks `condition` again after every piece of output, or every POLL_MS. */
  async function waitUntil(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    while (!(await condition())) {
      if (ended !== undefined) throw fail(`ended (${ended}) before ${what}`);
      if (performance.now() > deadline) throw fail(`no sign of ${what} after ${DEADLINE_MS} ms`);
      await Promise.race([delay(POLL_MS), closed]);
    }
  }

  async function waitExit(): Promise<number | NodeJS.Signals> {
    const late = new AbortController();
    await Promise.race([closed, delay(DEADLINE_MS, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
    if (ended === undefined) {
      child.kill("SIGKILL");
      throw fail(`still running after ${DEADLINE_MS} ms`);
    }
    if (ended instanceof Error) throw ended;
    return ended;
  }

  return {
    url,
    pid: child.pid ?? -1,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    waitReady: (path = "/ready") => waitUntil(() => answersOk(url + path), `GET ${path} = 200`),
    waitOutput: (pattern) => waitUntil(() => pattern.test(output.stdout), `${pattern} on stdout`),
    waitExit,
    stop: () => {
      child.kill("SIGTERM");
      return waitExit();
    },
  };
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PROBE_DEADLINE_MS) });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

const handedOut = new Set<number>();

/** A port that was free a moment ago, and that no other caller of this process gets. It lies below those that the system
 *  hands out itself: one of them might be taken by somebody's connection before the server listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (handedOut.has(port) || !(await isFree(port))) continue;
    handedOut.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once("error", () => resolve(false));
    probe.listen(port, "0.0.0.0", () => probe.close(() => resolve(true)));
  });
}
