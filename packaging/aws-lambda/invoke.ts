// Runs a built function on this machine.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Environment, processEnvironment } from "../../adapters/lambda/settings.ts";
import { type HeaderList, packageFile } from "../../src/host.ts";
import {
  type BuildRequest,
  formatMs,
  type InvokeOptions,
  invokeBuild,
  type RunningBuild,
  type StartOptions,
  unlessAborted,
} from "../invoke.ts";
import { problem, readDescription } from "../out-folder.ts";
import type { LambdaSettings } from "./build.ts";
import { type Invocation, type RuntimeApi, startRuntimeApi } from "./runtime-api.ts";

export interface FunctionOptions {
  /** Folder of a build. */
  readonly directory: string;
  /** Program that runs it; default: this Node. */
  readonly node?: string | undefined;
  /** Module that runs it in there; default: a small client of our own. */
  readonly client?: string | undefined;
  /** On top of the environment of this process. */
  readonly env?: Environment | undefined;
  /** Gets what the function prints; default: stderr. */
  readonly onOutput?: ((text: string) => void) | undefined;
  /** Aborted: nobody waits for the start any more, and the process is ended. */
  readonly signal?: AbortSignal | undefined;
}

/** A built function that runs. */
export interface LocalFunction {
  readonly build: LambdaSettings;
  readonly api: RuntimeApi;
  readonly process: ChildProcess;
  /** From the start of the process to the end of its init phase. */
  readonly coldStartMs: number;
  /** @param timeoutMs default: what the build has as its time-out   @param traceId X-Ray's word for the invocation */
  invoke(event: unknown, timeoutMs?: number, traceId?: string): Promise<Invocation>;
  /** Most memory the function and what it started have used, in bytes; null where the system does not tell. */
  memoryBytes(): number | null;
  /** SIGTERM, then, after half a second, SIGKILL: as Lambda does. @returns how it ended */
  stop(): Promise<number | NodeJS.Signals | null>;
}

/** Time from SIGTERM to SIGKILL, in milliseconds. */
const STOP_MS = 500;

/** Starts a built function and waits until its init phase is over.
 *  @throws ConfigError when there is no build; Error when the function fails in its init phase */
export async function startFunction(options: FunctionOptions): Promise<LocalFunction> {
  const directory = resolve(options.directory);
  const build = await readBuild(directory);
  const api = await startRuntimeApi();
  const startedAt = performance.now();
  const client = options.client ?? packageFile("dist/packaging/aws-lambda/runtime-client.js");
  const child = spawn(options.node ?? process.execPath, [client, build.handler], {
    cwd: join(directory, "function"),
    env: {
      ...processEnvironment,
      AWS_LAMBDA_RUNTIME_API: api.address,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(build.memoryMb),
      AWS_LAMBDA_FUNCTION_NAME: "score",
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/score",
      AWS_LAMBDA_LOG_STREAM_NAME: "local",
      LAMBDA_TASK_ROOT: join(directory, "function"),
      _HANDLER: build.handler,
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const onOutput = options.onOutput ?? ((text) => void process.stderr.write(text));
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", onOutput);
  const exited = new Promise<number | NodeJS.Signals | null>((settle) => {
    child.once("exit", (code, signal) => settle(code ?? signal));
    child.once("error", () => settle(null));
  });
  const stop = async (): Promise<number | NodeJS.Signals | null> => {
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    child.kill("SIGTERM");
    const how = await exited;
    clearTimeout(timer);
    await api.close();
    return how;
  };
  const ended = exited.then((how) => Promise.reject(new Error(`the function ended in its init phase (${how})`)));
  try {
    await unlessAborted(options.signal, Promise.race([api.ready, ended]));
  } catch (error) {
    await stop();
    throw error;
  }
  ended.catch(() => {});
  return {
    build,
    api,
    process: child,
    coldStartMs: performance.now() - startedAt,
    invoke: (event, timeoutMs = build.timeoutSeconds * 1_000, traceId) => api.invoke(event, timeoutMs, traceId),
    memoryBytes: () => peakMemory(child.pid),
    stop,
  };
}

async function readBuild(directory: string): Promise<LambdaSettings> {
  const { target, settings } = await readDescription(directory);
  if (target !== "aws-lambda") throw problem(`${directory} is a build for ${target}, not for aws-lambda`);
  return settings as unknown as LambdaSettings;
}

/** Posts one request to /score of a built function, prints the answer and what it took.
 *  @returns the exit code   @throws ConfigError when there is no build, or it does not run */
export function invokeLambda(options: InvokeOptions): Promise<number> {
  return invokeBuild(options, () => startLambda(options));
}

/** @throws ConfigError when there is no build; Error when the function fails in its init phase */
export async function startLambda(options: StartOptions): Promise<RunningBuild> {
  const local = await startFunction({ ...options, onOutput: options.writeError });
  return {
    coldStart: formatMs(local.coldStartMs),
    async send(request) {
      const outcome = await local.invoke(eventOf(request));
      const { complete, durationMs } = outcome;
      const memoryLimitMb = local.build.memoryMb;
      return { ...wholeAnswer(outcome), complete, durationMs, memoryBytes: local.memoryBytes(), memoryLimitMb };
    },
    stop: local.stop,
  };
}

/** A Function URL's event for a POST of JSON to /score. */
export function scoreEvent(body: Uint8Array): Record<string, unknown> {
  const headers = { "content-type": "application/json", "content-length": String(body.length) };
  return eventOf({ method: "POST", path: "/score", query: "", headers, body: Buffer.from(body) });
}

/** A Function URL's event. */
function eventOf({ method, path, query, headers, body }: BuildRequest): Record<string, unknown> {
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: query,
    headers: { ...headers, host: "localhost" },
    requestContext: { stage: "$default", http: { method, path, sourceIp: "127.0.0.1" } },
    body: body.toString("base64"),
    isBase64Encoded: true,
  };
}

/** Status and body of an answer, whether it was streamed or not. */
export function readAnswer(invocation: Invocation): { status: number; text: string } {
  const { status, body } = wholeAnswer(invocation);
  return { status, text: body.toString() };
}

interface WholeAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** What the function answers, as a Function URL shows it. */
interface Head {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
}

function wholeAnswer({ kind, body, streamed }: Invocation): WholeAnswer {
  if (kind !== "answer") {
    return { status: 502, headers: [], body: kind === "timeout" ? Buffer.from("the function timed out") : body };
  }
  if (!streamed) {
    const result = JSON.parse(body.toString()) as Head & { body: string; isBase64Encoded: boolean };
    const bytes = Buffer.from(result.body, result.isBase64Encoded ? "base64" : "utf8");
    return { status: result.statusCode, headers: headersOf(result), body: bytes };
  }
  const end = body.indexOf(Buffer.alloc(8));
  const head = JSON.parse(body.subarray(0, end).toString()) as Head;
  return { status: head.statusCode, headers: headersOf(head), body: body.subarray(end + 8) };
}

function headersOf({ headers = {}, cookies = [] }: Head): HeaderList {
  return [...Object.entries(headers), ...cookies.map((cookie) => ["set-cookie", cookie] as const)];
}

/** Linux tells in /proc: the peaks of the process and of its children, added up. */
function peakMemory(pid: number | undefined): number | null {
  if (pid === undefined || !existsSync("/proc/self/status")) return null;
  let bytes = 0;
  for (const id of [pid, ...childrenOf(pid)]) {
    try {
      bytes += Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? 0) * 1024;
    } catch {
      // It has ended meanwhile.
    }
  }
  return bytes;
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" "))
      .filter((id) => id !== "")
      .map(Number)
      .flatMap((id) => [id, ...childrenOf(id)]);
  } catch {
    return [];
  }
}
