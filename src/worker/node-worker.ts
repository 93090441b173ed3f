// Entry of the worker process for JavaScript and TypeScript scripts: claims descriptor 3, shakes hands, loads the
// script, answers requests in order. It writes the script's log records to its stdout.
import { Socket } from "node:net";
import { format } from "node:util";
import { toScoreError } from "../errors.ts";
import type { LogLevel } from "../log/levels.ts";
import type { Log } from "../log/logger.ts";
import { openWorkerLog } from "../log/open.ts";
import type { ScriptInput } from "../script/input.ts";
import { type LoadedScript, loadJavaScript } from "../script/javascript.ts";
import type { BodyStream, ErrorReport, RunOutcome, ScriptFacts } from "../types.ts";
import { FrameReader, FrameWriter, writeBuffers } from "./frame.ts";
import {
  execMsPrefix,
  type Failed,
  Frame,
  jsonPayload,
  metaPrefix,
  PROTOCOL_VERSION,
  parseJson,
  type ResponseMeta,
  type RunError,
  type RunMeta,
  STREAM_CREDIT_BYTES,
  type StartOptions,
  splitMeta,
} from "./protocol.ts";
import { toWireSchemas } from "./wire-schemas.ts";

/** Exit code of a worker whose script cannot be served (contract PROC-8). */
const EXIT_FAILED = 3;

/** Milliseconds of short runs before the pipe is read again. */
const TURN_MS = 1;

const pipe = new Socket({ fd: 3, readable: true, writable: true });
const writer = new FrameWriter((buffers) => writeBuffers(pipe, buffers), setImmediate);

/** A request that was received and is not answered. */
interface Task {
  readonly id: number;
  readonly type: number;
  readonly payload: Buffer;
  /** Set when the script has asked for its signal. */
  aborter: AbortController | undefined;
  /** Why nobody waits for it any more; it may come before the request's turn. */
  interrupted: DOMException | undefined;
  /** Bytes the stream may still send. */
  credit: number;
  onCredit: (() => void) | undefined;
}

let script: LoadedScript;
let concurrency = 1;
let stopping = false;
let beginning = false;
const begun = new Map<number, Task>();
let waiting: Task[] = [];

function receive(type: number, id: number, payload: Buffer): void {
  switch (type) {
    case Frame.HELLO:
      void start(parseJson<StartOptions>(payload));
      return;
    case Frame.RUN:
    case Frame.RUN_META:
      waiting.push({
        id,
        type,
        payload,
        aborter: undefined,
        interrupted: undefined,
        credit: STREAM_CREDIT_BYTES,
        onCredit: undefined,
      });
      return;
    case Frame.INTERRUPT:
      interrupt(id, parseJson<{ reason: string }>(payload).reason);
      return;
    case Frame.CREDIT:
      grant(id, payload.readUInt32LE(0));
      return;
    case Frame.RECALL:
      writer.send(Frame.RECALLED, 0, jsonPayload({ ids: waiting.map((task) => task.id) }));
      waiting = [];
      return;
    case Frame.STOP:
      stopping = true;
      exitWhenDone();
      return;
  }
}

const reader = new FrameReader(receive);
pipe.on("data", (chunk: Buffer) => {
  reader.feed(chunk);
  beginNext();
});
// The front has gone, or wants this process to end: nobody would read an answer.
pipe.on("close", () => process.exit(0));
pipe.on("error", () => process.exit(0));

async function start(options: StartOptions): Promise<void> {
  writer.send(
    Frame.WORKER_HELLO,
    0,
    jsonPayload({ protocol: PROTOCOL_VERSION, runtime: `node ${process.versions.node}`, pid: process.pid }),
  );
  if (options.protocol !== PROTOCOL_VERSION) {
    const message = `the server speaks worker protocol ${options.protocol}, this worker ${PROTOCOL_VERSION}`;
    fail({
      stage: "protocol",
      error: { type: "FrameError", message, traceback: message, location: null },
      records: [],
    });
    return;
  }
  concurrency = options.concurrency;
  const log = openLog(options);
  if (log === undefined) return;
  guardProcess(log);
  let stage: Failed["stage"] = "load";
  try {
    const { appRoot, modelDir, strict } = options;
    script = await loadJavaScript({ entryScript: options.entryScript!, appRoot, modelDir, strict }, log);
    writer.send(Frame.LOADED, 0, jsonPayload(toLoaded(script.facts)));
    stage = "init";
    await script.init();
  } catch (error) {
    const failure = toScoreError(error);
    if (failure.code === "ERR_SCRIPT_SHAPE") stage = "shape";
    fail({ stage, error: failure.report ?? plainReport(failure), records: failureRecords(stage, failure) });
    return;
  }
  writer.send(Frame.READY, 0, jsonPayload({}));
  beginNext();
}

function toLoaded({ schemas, ...facts }: ScriptFacts): object {
  return schemas === undefined ? facts : { ...facts, schemas: toWireSchemas(schemas) };
}

/** @returns undefined when the logging configuration cannot be used, which the front is then told */
function openLog({ logging, logLevel }: StartOptions): Log | undefined {
  try {
    return openWorkerLog(logging, logLevel as LogLevel, (text) => process.stdout.write(text));
  } catch (error) {
    const report = plainReport(error as Error);
    const message = `Invalid config file!: ${report.message}`;
    fail({ stage: "load", error: report, records: [{ level: "CRITICAL", message }] });
    return undefined;
  }
}

/** The script's prints become records, and what it fails to catch does not pass unnoticed. */
function guardProcess(log: Log): void {
  const print = (...values: unknown[]): void => log.print.info(format(...values));
  Object.assign(console, { log: print, info: print, debug: print });
  // A script may close them; a line that cannot be written is not worth a worker.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  process.on("unhandledRejection", (reason) => {
    log.server.error(`Unhandled rejection in the score script: ${stackOf(reason)}\n`);
  });
  process.on("uncaughtException", (error) => {
    log.server.error(`Uncaught exception in the score script: ${stackOf(error)}\n`);
    process.exit(1);
  });
  // Ctrl+C reaches the whole process group; the front decides when a worker stops.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
}

function fail(failed: Failed): void {
  writer.send(Frame.FAILED, 0, jsonPayload(failed));
  writer.flush();
  pipe.end(() => process.exit(EXIT_FAILED));
}

/** Begins what may be begun. Short synchronous runs follow each other without a turn of the event loop in between; after
 *  `TURN_MS` the pipe is looked at again. */
function beginNext(): void {
  if (script === undefined || beginning) return;
  beginning = true;
  const endAt = performance.now() + TURN_MS;
  while (begun.size < concurrency && waiting.length > 0 && performance.now() < endAt) begin(waiting.shift()!);
  beginning = false;
  if (begun.size < concurrency && waiting.length > 0) setImmediate(beginNext);
}

function begin(task: Task): void {
  begun.set(task.id, task);
  if (task.interrupted !== undefined) {
    sendError(task, task.interrupted);
    return;
  }
  let outcome: RunOutcome | Promise<RunOutcome>;
  try {
    outcome = script.run(toInput(task));
  } catch (error) {
    sendError(task, error);
    return;
  }
  if (outcome instanceof Promise) {
    outcome.then(
      (value) => answer(task, value),
      (error: unknown) => sendError(task, error),
    );
  } else {
    answer(task, outcome);
  }
}

function toInput(task: Task): ScriptInput {
  const signal = (): AbortSignal => {
    task.aborter ??= new AbortController();
    if (task.interrupted !== undefined) task.aborter.abort(task.interrupted);
    return task.aborter.signal;
  };
  if (task.type === Frame.RUN) return { body: task.payload, signal };
  const { meta, body } = splitMeta<RunMeta>(task.payload);
  return { ...meta, body, signal };
}

function answer(task: Task, outcome: RunOutcome): void {
  if (outcome.kind === "json") {
    const body = typeof outcome.body === "string" ? Buffer.from(outcome.body) : outcome.body;
    writer.send(Frame.RESULT, task.id, body, execMsPrefix(outcome.execMs));
    end(task);
    return;
  }
  const { status, headers, execMs, fromScript, body } = outcome;
  const stream = typeof body === "object" && Symbol.asyncIterator in body ? body : undefined;
  const meta: ResponseMeta = { status, headers, execMs, fromScript, stream: stream !== undefined };
  if (stream === undefined) {
    const bytes = typeof body === "string" ? Buffer.from(body) : (body as Uint8Array);
    writer.send(Frame.RESPONSE, task.id, bytes, metaPrefix(meta));
    end(task);
    return;
  }
  writer.send(Frame.RESPONSE, task.id, undefined, metaPrefix(meta));
  void pump(task, stream);
}

async function pump(task: Task, stream: BodyStream): Promise<void> {
  try {
    for await (const chunk of stream) {
      if (task.interrupted) break;
      writer.send(Frame.CHUNK, task.id, chunk);
      task.credit -= chunk.length;
      while (task.credit <= 0 && !task.interrupted) {
        await new Promise<void>((resolve) => {
          task.onCredit = resolve;
        });
      }
      if (task.interrupted) break;
    }
    writer.send(Frame.END, task.id);
    end(task);
  } catch (error) {
    sendError(task, error, "stream");
  }
}

function interrupt(id: number, reason: string): void {
  const task = begun.get(id) ?? waiting.find((candidate) => candidate.id === id);
  if (task === undefined) return;
  const text = reason === "deadline" ? "the scoring deadline has passed" : "the client has left";
  task.interrupted = new DOMException(text, reason === "deadline" ? "TimeoutError" : "AbortError");
  task.aborter?.abort(task.interrupted);
  task.onCredit?.();
}

function grant(id: number, bytes: number): void {
  const task = begun.get(id);
  if (task === undefined) return;
  task.credit += bytes;
  task.onCredit?.();
}

function sendError(task: Task, error: unknown, kind?: RunError["kind"]): void {
  const failure = toScoreError(error);
  const message: RunError = {
    kind: kind ?? (task.interrupted ? "interrupted" : errorKind(failure.code)),
    error: failure.report ?? plainReport(failure),
  };
  writer.send(Frame.ERROR, task.id, jsonPayload(message));
  end(task);
}

function errorKind(code: string): RunError["kind"] {
  if (code === "ERR_BAD_INPUT") return "input";
  return code === "ERR_RESULT" ? "result" : "run";
}

function end(task: Task): void {
  begun.delete(task.id);
  // Not before the answer has left: an answer is sent as soon as it is there, and the next run() may block.
  writer.flush();
  if (waiting.length > 0) beginNext();
  if (stopping) exitWhenDone();
}

function exitWhenDone(): void {
  if (begun.size > 0 || waiting.length > 0) return;
  writer.flush();
  pipe.end(() => process.exit(0));
}

/** The records of contract LOAD-9, LOAD-11 and INIT-2. */
function failureRecords(stage: Failed["stage"], failure: { report?: ErrorReport | undefined; message: string }) {
  const traceback = failure.report?.traceback ?? failure.message;
  if (stage === "init") {
    return [
      { level: "ERROR", message: "User's init function failed" },
      {
        level: "ERROR",
        message: `Encountered Exception ${traceback}\nCaught an unhandled exception from the user script`,
      },
    ] as const;
  }
  const last = stage === "load" ? "\nFailed to import user script because it raised an unhandled exception" : "";
  return [{ level: "ERROR", message: `${traceback}${last}` }] as const;
}

function plainReport(error: Error): ErrorReport {
  return { type: error.name, message: error.message, traceback: error.stack ?? error.message, location: null };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
