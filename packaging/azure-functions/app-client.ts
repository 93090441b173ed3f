import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, type Environment, packageFile, processEnvironment } from "../../src/host.ts";
import { unlessAborted } from "../invoke.ts";
import type { AppAnswer, AppRequest, Asked, LoadReport, Reply } from "./app-process.ts";

/** A function app in a process of its own. */
export interface AppProcess {
  readonly loaded: Extract<LoadReport, { kind: "loaded" }>;
  /** Milliseconds from the start of the process until the app can be asked. */
  readonly processMs: number;
  /** @throws when there is no answer */
  send(request: AppRequest): Promise<AppAnswer>;
  /** What the process has written so far. */
  output(): string;
  /** Resolves when the process has ended. */
  close(): Promise<void>;
}

export interface AppProcessOptions {
  /** Program that runs the app; default: this Node. */
  readonly node?: string | undefined;
  /** On top of the app's local.settings.json and of the environment of this process. */
  readonly env?: Environment | undefined;
  /** The hooks of the start are left out, and no request can be sent. */
  readonly withoutStart?: boolean | undefined;
  /** Aborted: nobody waits for the start any more, and the process is ended. */
  readonly signal?: AbortSignal | undefined;
}

/** How long the app's hooks for the end may take, in milliseconds: one that never comes back from run() runs none. */
const END_MS = 10_000;

/** Loads the app in a folder as the host would, in a fresh process.
 *  @throws ConfigError with the reason when it does not load */
export async function startAppProcess(directory: string, options: AppProcessOptions = {}): Promise<AppProcess> {
  if (!existsSync(join(directory, "package.json"))) {
    throw new ConfigError("ERR_CONFIG", `${directory} is not a function app: it has no package.json`);
  }
  const startedAt = performance.now();
  const args = options.withoutStart ? [directory, "load"] : [directory];
  const child = fork(packageFile("dist/packaging/azure-functions/app-process.js"), args, {
    cwd: directory,
    env: { ...(await localSettings(directory)), ...processEnvironment, ...options.env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    execArgv: [],
    execPath: options.node ?? process.execPath,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<never>((_resolve, reject) => {
    child.once("error", reject).once("exit", (code, signal) => {
      reject(new ConfigError("ERR_CONFIG", `the app's process ended (${code ?? signal}): ${output.trim()}`));
    });
  });
  ended.catch(() => {});
  const kill = (): boolean => child.kill("SIGKILL");
  let loaded: LoadReport;
  try {
    [loaded] = await unlessAborted(
      options.signal,
      Promise.race([once(child, "message") as Promise<[LoadReport]>, ended]),
    );
    if (loaded.kind === "failed") throw new ConfigError("ERR_CONFIG", `${directory} does not load: ${loaded.message}`);
  } catch (error) {
    // What the script has begun may keep it alive.
    kill();
    throw error;
  }
  const processMs = performance.now() - startedAt;

  const waiting = new Map<number, (reply: Reply) => void>();
  let lastId = 0;
  child.on("message", (reply: Reply) => {
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  return {
    loaded,
    processMs,
    output: () => output,
    async send(request) {
      const id = ++lastId;
      const replied = new Promise<Reply>((resolve) => waiting.set(id, resolve));
      const asked: Asked = { id, request };
      child.send(asked);
      const { answer, problem } = await Promise.race([replied, ended]);
      if (answer === undefined) throw new Error(problem);
      return answer;
    },
    async close() {
      if (child.connected) child.disconnect();
      const timer = setTimeout(kill, END_MS);
      await ended.catch(() => {});
      clearTimeout(timer);
    },
  };
}

/** Variables that `func start` would set. */
async function localSettings(directory: string): Promise<Record<string, string>> {
  const text = await readFile(join(directory, "local.settings.json"), "utf8").catch(() => "{}");
  return (JSON.parse(text) as { Values?: Record<string, string> }).Values ?? {};
}
