// Entry of the worker process for JavaScript and TypeScript scripts: shakes hands, loads the script, hands the frames to
// the task loop. It writes the script's log records to its stdout.
import { toScoreError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { stackOf } from "../core/thrown.ts";
import type { ScriptFacts } from "../core/types.ts";
import { setProcessFields } from "../log/ambient.ts";
import { consoleMethods } from "../log/console.ts";
import type { LogLevel } from "../log/levels.ts";
import { openWorkerLog } from "../log/open.ts";
import { monotonicMs } from "../protocol/clock.ts";
import { FrameReader, FrameWriter } from "../protocol/frame.ts";
import {
  type Failed,
  FROM_WORKER_FD,
  Frame,
  jsonPayload,
  PROTOCOL_VERSION,
  parseJson,
  type StartOptions,
  TO_WORKER_FD,
} from "../protocol/messages.ts";
import { toWireSchemas } from "../protocol/wire-schemas.ts";
import { hasTracing } from "../script/active-span.ts";
import { type LoadedScript, loadJavaScript } from "../script/javascript.ts";
import { Recorder } from "../script/recorded.ts";
import { DescriptorLink, type Link, readDescriptor } from "./channel.ts";
import { scriptFailure, wrongLogging, wrongProtocol } from "./failures.ts";
import { holdLifeline } from "./lifeline.ts";
import { TaskLoop } from "./loop.ts";
import { RecordLink } from "./records.ts";
import { writeLines } from "./whole-lines.ts";

const EXIT_STOPPED = 0;
/** Exit code of a worker that its script's own fault has ended. */
const EXIT_FAULT = 1;
/** Exit code of a worker that was started without pipes. */
const EXIT_NO_PIPE = 2;
/** Exit code of a worker whose script cannot be served (contract PROC-8). */
const EXIT_FAILED = 3;

/** The front has gone, or wants this process to end: nobody would read an answer. */
const stop = (): void => leave(EXIT_STOPPED);

holdLifeline();
const descriptor = new DescriptorLink(FROM_WORKER_FD, stop);
let link: Link = descriptor;
/** Where the front wants the script's records. */
let records: RecordLink | undefined;
let loop: TaskLoop | undefined;

const reader = new FrameReader((type, id, payload, beginBy) => {
  if (loop !== undefined) loop.receive(type, id, payload, beginBy);
  else if (type === Frame.HELLO) void start(parseJson<StartOptions>(payload));
  else if (type === Frame.STOP) stop();
});

try {
  readDescriptor(
    TO_WORKER_FD,
    (chunk) => {
      reader.feed(chunk);
      loop?.advance();
    },
    stop,
  );
} catch {
  const text = `this worker is started by scorefn and does nothing by itself: descriptor ${TO_WORKER_FD} is not a pipe.\n`;
  process.stderr.write(text);
  process.exit(EXIT_NO_PIPE);
}

async function start(options: StartOptions): Promise<void> {
  say(Frame.WORKER_HELLO, {
    protocol: PROTOCOL_VERSION,
    runtime: `node ${process.versions.node}`,
    pid: process.pid,
  });
  if (options.protocol !== PROTOCOL_VERSION) fail(wrongProtocol(options.protocol));
  const log = openLog(options);
  guardProcess(log, options.model === undefined ? "score script" : "model");
  const script = await load(options, options.records ? recorded(log) : log);
  loop = new TaskLoop({
    link,
    script,
    concurrency: options.concurrency,
    now: monotonicMs,
    defer: setImmediate,
    onStopped: stop,
  });
  say(Frame.READY, hasTracing() ? { traces: true } : {});
}

/** Hands over the script's records from now on. @returns the log that the script is to have */
function recorded(log: Log): Log {
  records = new RecordLink(descriptor, (bytes) => descriptor.tryWrite(bytes));
  link = records;
  const recorder = new Recorder(log, records.add);
  recorder.watchConsole();
  // The script may end the process itself.
  process.on("exit", handOverLast);
  return recorder.logOf(log);
}

function handOverLast(): void {
  records?.handOver();
}

function leave(code: number): never {
  // Behind the script's own listeners, which may print.
  process.on("exit", handOverLast);
  process.exit(code);
}

async function load(options: StartOptions, log: Log): Promise<LoadedScript> {
  const { model, entryScript, appRoot, modelDir, strict } = options;
  let stage: Failed["stage"] = model === undefined ? "load" : "model";
  try {
    const script =
      model === undefined
        ? await loadJavaScript({ entryScript: entryScript!, appRoot, modelDir, strict }, log)
        : await (await import("../no-code/open-model.ts")).openModel(model, log, options);
    say(Frame.LOADED, toLoaded(script.facts));
    stage = "init";
    await script.init();
    return script;
  } catch (error) {
    return fail(scriptFailure(stage, toScoreError(error)));
  }
}

function toLoaded({ schemas, ...facts }: ScriptFacts): object {
  return schemas === undefined ? facts : { ...facts, schemas: toWireSchemas(schemas) };
}

function openLog({ logging, logLevel, logFormat }: StartOptions): Log {
  try {
    if (logFormat === "json") setProcessFields({ worker: process.pid });
    const write = logFormat === "json" ? writeLines : (text: string) => process.stdout.write(text);
    return openWorkerLog(logging, logLevel as LogLevel, write, logFormat);
  } catch (error) {
    return fail(wrongLogging(error as Error));
  }
}

/** The script's prints become records, and what it fails to catch does not pass unnoticed.
 *  @param what runs here */
function guardProcess(log: Log, what: string): void {
  Object.assign(console, consoleMethods(log));
  // A script may close them; a line that cannot be written is not worth a worker.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  // It belongs to no request, so no request fails for it.
  process.on("unhandledRejection", (reason) => {
    log.server.error(`Unhandled rejection in the ${what}: ${stackOf(reason)}\n`);
  });
  process.on("uncaughtException", (error) => {
    log.server.error(`Uncaught exception in the ${what}: ${stackOf(error)}\n`);
    leave(EXIT_FAULT);
  });
  // Ctrl+C reaches the whole process group; the front decides when a worker stops.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
}

function say(type: number, message: object): void {
  const writer = new FrameWriter(
    (buffers) => link.write(buffers),
    () => {},
  );
  writer.send(type, 0, jsonPayload(message));
  writer.flush();
}

function fail(failed: Failed): never {
  say(Frame.FAILED, failed);
  leave(EXIT_FAILED);
}
