// Tries a custom handler: starts what host.json says, as the host does, and waits for the answer that the host waits for.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { problem } from "../out-folder.ts";
import { trialEnvironment, WITHOUT_SCRIPT } from "../trial.ts";

/** So long the host waits for an answer of whatever kind, in milliseconds. */
const ANSWER_MS = 30_000;
/** How often it is asked for, in milliseconds. */
const ASK_MS = 50;
/** Characters of its output that are shown when there is none. */
const TAIL = 2_000;

/** @param copy of the app   @throws ConfigError when nothing answers */
export async function checkAnswers(copy: string): Promise<void> {
  const { defaultExecutablePath: program = "", arguments: args = [] } = await readDescription(copy);
  const port = await freePort();
  const child = spawn(program === "node" ? process.execPath : program, args, {
    cwd: copy,
    env: { ...trialEnvironment(copy), ...WITHOUT_SCRIPT, FUNCTIONS_CUSTOMHANDLER_PORT: String(port) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-TAIL);
    });
  }
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  try {
    const ended = endOf(child);
    const over = new AbortController();
    const how = await Promise.race([
      ended,
      answer(port, over.signal),
      delay(ANSWER_MS, "no answer within 30 s", { ref: false }),
    ]);
    over.abort();
    if (how === undefined) return;
    throw problem(`the build does not work: ${[program, ...args].join(" ")}: ${how}${output && `: ${output.trim()}`}`);
  } finally {
    kill();
    process.off("exit", kill);
  }
}

async function readDescription(copy: string): Promise<{ defaultExecutablePath?: string; arguments?: string[] }> {
  const text = await readFile(join(copy, "host.json"), "utf8");
  try {
    return JSON.parse(text).customHandler.description;
  } catch (error) {
    throw problem(`the build does not work: host.json names no customHandler: ${(error as Error).message}`);
  }
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, "exit");
    return `its process ended (${signal ?? code})`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Resolves when something answers. */
async function answer(port: number, signal: AbortSignal): Promise<undefined> {
  while (!signal.aborted) {
    const answered = await fetch(`http://127.0.0.1:${port}/`, { signal }).catch(() => undefined);
    await answered?.body?.cancel();
    if (answered !== undefined) return;
    await delay(ASK_MS);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
