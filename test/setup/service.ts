import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { resolveConfig } from "../../src/config/config.ts";
import { packageFile } from "../../src/core/package-root.ts";
import {
  type CreateRuntime,
  createService as composeService,
  createLog,
  createRuntime,
  type HeaderList,
  type Log,
  type ScoreRequest,
  type ScoreResponse,
  type ScoreRuntime,
  type Scorer,
} from "../../src/host.ts";
import { DEADLINE_MS } from "./deadline.ts";

export type Language = "python" | "typescript";

export { DEADLINE_MS };

/** Folder of the score scripts of the tests, which is also their app root. */
export const SCRIPTS: string = packageFile("test/fixtures/scripts");

export function scriptFile(name: string, language: Language): string {
  return `${name}.${language === "python" ? "py" : "ts"}`;
}

/** The place of a piece of text in a script, as ERR-11 tells it, without the function. */
export function placeOf(script: string, text: string): { file: string; line: number; column: number; source: string } {
  const lines = readFileSync(join(SCRIPTS, script), "utf8").split("\n");
  const index = lines.findIndex((line) => line.includes(text));
  const line = lines[index]!;
  return { file: script, line: index + 1, column: line.indexOf(text) + 1, source: line.trim() };
}

/** A score script, its runtime and the core in front of it, in this process. */
export interface Service {
  readonly config: Config;
  readonly runtime: ScoreRuntime;
  readonly scorer: Scorer;
  readonly log: Log;
  /** What this process (not its workers) has logged so far. */
  readonly logged: () => string;
  /** Posts a body to /score. */
  post(body: string, more?: Partial<ScoreRequest>): Promise<Answer>;
  get(path: string, more?: Partial<ScoreRequest>): Promise<Answer>;
  /** Process ids of all workers that have become ready so far, in that order. */
  workerPids(): number[];
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly text: string;
}

/** Sets up what answers for a script; its runtime is not started yet.
 *  @param script file below SCRIPTS   @param env on top of PATH and HOME; a flag's variable will do for the flag
 *  @param runtimeOf default: that of the settings */
export function createService(
  script: string,
  env: Readonly<Record<string, string>> = {},
  runtimeOf: CreateRuntime = createRuntime,
): Service {
  const { config } = resolveConfig({
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      AML_APP_ROOT: SCRIPTS,
      AZUREML_ENTRY_SCRIPT: script,
      // Workers write to the stdout of the tests.
      AZUREML_LOG_LEVEL: "CRITICAL",
      ...env,
    },
  });
  let logged = "";
  const log = createLog((text) => {
    logged += text;
  }, "INFO");
  const { runtime, scorer } = composeService({
    settings: { config, warnings: [] },
    openLog: () => log,
    createRuntime: runtimeOf,
  });
  const send = async (method: string, path: string, body: string, more: Partial<ScoreRequest> = {}) =>
    readAnswer(await scorer.handle({ method, path, query: "", headers: {}, body: Buffer.from(body), ...more }));
  return {
    config,
    runtime,
    scorer,
    log,
    logged: () => logged,
    post: (body, more) => send("POST", "/score", body, more),
    get: (path, more) => send("GET", path, "", more),
    workerPids: () => [...logged.matchAll(/Worker with pid (\d+) ready/g)].map(([, pid]) => Number(pid)),
    close: () => runtime.close(0),
  };
}

/** A service whose script is ready. */
export async function startService(script: string, env?: Readonly<Record<string, string>>): Promise<Service> {
  const service = createService(script, env);
  await service.runtime.start();
  return service;
}

async function readAnswer({ status, headers, body }: ScoreResponse): Promise<Answer> {
  if (typeof body === "string") return { status, headers, text: body };
  if (body instanceof Uint8Array) return { status, headers, text: Buffer.from(body).toString() };
  let text = "";
  for await (const chunk of body) text += Buffer.from(chunk).toString();
  return { status, headers, text };
}

/** The value of a header that occurs once at most. */
export function headerOf(headers: HeaderList, name: string): string | undefined {
  const values = headers.filter(([own]) => own.toLowerCase() === name.toLowerCase());
  if (values.length > 1) throw new Error(`header ${name} occurs ${values.length} times`);
  return values[0]?.[1];
}

/** Waits until the condition holds. @throws at DEADLINE_MS, with the last reason of a condition that throws
 *  @param interval between looks, in milliseconds; one that asks a server takes the processor from what it waits for */
export async function until(condition: () => unknown, what: string, interval = 5): Promise<void> {
  await vi.waitFor(
    async () => {
      if (!(await condition())) throw new Error(`${what}: not within ${DEADLINE_MS} ms`);
    },
    { timeout: DEADLINE_MS, interval },
  );
}

/** A folder of this test's own. */
export interface TemporaryFolder {
  file(name: string): string;
  remove(): Promise<void>;
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  const folder = await mkdtemp(join(tmpdir(), "scorefn-test-"));
  return { file: (name) => join(folder, name), remove: () => rm(folder, { recursive: true, force: true }) };
}

/** What `waits_for_file` waits for: its path is the request. */
export interface Gate {
  readonly path: string;
  /** Resolves when run() has begun to wait. */
  begun(): Promise<void>;
  open(): Promise<void>;
}

export function createGate(folder: TemporaryFolder, name: string): Gate {
  const path = folder.file(name);
  return {
    path,
    begun: () => until(() => existsSync(`${path}.begun`), `run() for ${name} has begun`),
    open: () => writeFile(path, ""),
  };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
