// Tries a build on this machine: what `scorefn invoke` does whatever the cloud.
import { type Environment, type HeaderList, ScoreError } from "../src/host.ts";
import type { Step } from "./inputs.ts";
import { problem } from "./out-folder.ts";
import { formatBytes } from "./report.ts";
import { readRequestData } from "./request-data.ts";

export interface StartOptions {
  /** Folder of a build. */
  readonly directory: string;
  /** Program that runs it; default: this Node. */
  readonly node?: string | undefined;
  /** On top of the environment of this process. */
  readonly env?: Environment | undefined;
  /** Gets the log and the figures, for stderr. */
  readonly writeError: (text: string) => void;
  /** Is told what begins. */
  readonly step?: Step | undefined;
  /** Aborted: nobody waits for the start any more, and its process is ended. */
  readonly signal?: AbortSignal | undefined;
}

export interface InvokeOptions extends StartOptions {
  /** The request body, or `@file`. */
  readonly data: string;
  /** Gets the answer's body, for stdout. */
  readonly write: (text: string) => void;
}

/** A request for a build. */
export interface BuildRequest {
  readonly method: string;
  /** Still percent-encoded. */
  readonly path: string;
  /** Without the `?`. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A build that runs in a process of its own. */
export interface RunningBuild {
  /** What the cold start took, in words. */
  readonly coldStart: string;
  send(request: BuildRequest): Promise<BuildAnswer>;
  /** Ends it. */
  stop(): Promise<unknown>;
}

export interface BuildAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
  /** False when it broke off. */
  readonly complete: boolean;
  readonly durationMs: number;
  /** Null where the system does not tell. */
  readonly memoryBytes: number | null;
  /** What the function may have at most, where that is known. */
  readonly memoryLimitMb?: number | undefined;
}

/** A POST of JSON to the script. */
const SCORE = { method: "POST", path: "/score", query: "", headers: { "content-type": "application/json" } };

/** Posts one request to /score of a build in a fresh process, prints the answer and what it took.
 *  @returns exit code: 0 when the answer's status is 200, else 1
 *  @throws ConfigError when the build does not run, or the data cannot be read */
export async function invokeBuild(options: InvokeOptions, start: () => Promise<RunningBuild>): Promise<number> {
  const { data, write, writeError, step = () => {} } = options;
  const body = await readRequestData(data);
  step("starting the build in a process of its own");
  const running = await start().catch((error: Error) => {
    throw error instanceof ScoreError ? error : problem(error.message);
  });
  try {
    step("waiting for the answer");
    const answer = await running.send({ ...SCORE, body }).catch((error: Error) => {
      throw problem(`there was no answer: ${error.message}`);
    });
    const { status, complete, durationMs, memoryBytes, memoryLimitMb } = answer;
    const text = answer.body.toString();
    write(text.endsWith("\n") ? text : `${text}\n`);
    const memory = memoryBytes === null ? "unknown" : formatBytes(memoryBytes);
    writeError(`status      ${status}${complete ? "" : " (the answer broke off)"}\n`);
    writeError(`cold start  ${running.coldStart}\n`);
    writeError(`duration    ${formatMs(durationMs)}\n`);
    writeError(`memory      ${memory}${memoryLimitMb === undefined ? "" : ` of ${memoryLimitMb} MB`}\n`);
    return status === 200 && complete ? 0 : 1;
  } finally {
    await running.stop();
  }
}

/** @throws the signal's reason as soon as it is aborted */
export async function unlessAborted<T>(signal: AbortSignal | undefined, started: Promise<T>): Promise<T> {
  if (signal === undefined) return started;
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
  });
  try {
    return await Promise.race([started, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

export function formatMs(value: number): string {
  return `${value.toFixed(1)} ms`;
}
