import { ResultError, toScoreError } from "../core/errors.ts";
import type { BodyStream, RunOutcome } from "../core/types.ts";
import { FrameWriter } from "../protocol/frame.ts";
import {
  execMsPrefix,
  Frame,
  type InterruptReason,
  isInTime,
  jsonPayload,
  MAX_FRAME_BYTES,
  metaPrefix,
  parseJson,
  type ResponseMeta,
  type RunError,
} from "../protocol/messages.ts";
import type { ScriptInput } from "../script/input.ts";
import type { LoadedScript } from "../script/javascript.ts";
import { clientGone, deadlinePassed } from "../script/lazy-signal.ts";
import { surroundings } from "../script/surroundings.ts";
import type { Link } from "./channel.ts";
import { plainReport } from "./failures.ts";
import { Inbox } from "./inbox.ts";
import { sendStream } from "./stream.ts";
import { Task } from "./task.ts";

/** Milliseconds of short runs before the pipe is read again. */
const TURN_MS = 1;

export interface TaskLoopOptions {
  readonly link: Link;
  readonly script: LoadedScript;
  /** Requests that may have begun and not ended at a time. */
  readonly concurrency: number;
  /** The clock of "begin by", in milliseconds. */
  readonly now: () => number;
  /** Calls a function after what the event loop has to do anyway. */
  readonly defer: (action: () => void) => void;
  /** Called once after STOP, when everything that has begun is answered. */
  readonly onStopped: () => void;
}

/** Answers the requests of one script (docs/worker-protocol.md, §4 to §6). Knows no process and no pipe: frames come in
 *  through `receive`, with `advance` after those that were read together, and go out on the link. */
export class TaskLoop {
  readonly #script: LoadedScript;
  readonly #concurrency: number;
  readonly #now: () => number;
  readonly #defer: (action: () => void) => void;
  readonly #onStopped: () => void;
  readonly #writer: FrameWriter;
  readonly #inbox: Inbox;
  /** What has begun, with what is announced. */
  readonly #begun = new Map<number, Task>();
  /** Waiting requests that the front was told have begun, and requests sent at once; run() is not called yet. */
  #announced: Task[] = [];
  #advancing = false;
  #flushing = false;
  #stopping = false;
  #stopped = false;

  constructor({ link, script, concurrency, now, defer, onStopped }: TaskLoopOptions) {
    this.#script = script;
    this.#concurrency = script.facts.concurrent ? concurrency : 1;
    this.#now = now;
    this.#defer = defer;
    this.#onStopped = onStopped;
    this.#writer = new FrameWriter(
      (buffers) => link.write(buffers),
      () => {},
    );
    this.#inbox = new Inbox(now);
  }

  /** Handles one frame. Nothing begins before `advance`, so that what is recalled in the same breath does not. */
  receive(type: number, id: number, payload: Buffer, beginBy: number): void {
    switch (type) {
      case Frame.RUN:
      case Frame.RUN_META:
        this.#inbox.push(new Task(type, id, payload, beginBy));
        return;
      case Frame.INTERRUPT:
        this.#interrupt(id, parseJson<{ reason: InterruptReason }>(payload).reason);
        return;
      case Frame.CREDIT:
        this.#grant(id, payload.readUInt32LE(0));
        return;
      case Frame.RECALL:
        this.#sendRecalled(this.#inbox.giveBack(id));
        return;
      case Frame.STOP:
        this.#stopping = true;
        this.#inbox.stop();
    }
  }

  /** Begins what may begin. Short synchronous runs follow each other without a turn of the event loop in between; after
   *  `TURN_MS` the pipe is looked at again. */
  readonly advance = (): void => {
    if (this.#advancing) return;
    this.#advancing = true;
    const pauseAt = this.#now() + TURN_MS;
    for (let task = this.#next(); task !== undefined; task = this.#next()) {
      this.#begin(task);
      if (this.#now() >= pauseAt && this.#announced.length + this.#inbox.size > 0) {
        this.#defer(this.advance);
        break;
      }
    }
    this.#advancing = false;
    this.#writer.flush();
    if (this.#stopping && !this.#stopped && this.#begun.size === 0 && this.#inbox.size === 0) {
      this.#stopped = true;
      this.#onStopped();
    }
  };

  #next(): Task | undefined {
    return this.#announced.shift() ?? this.#announce();
  }

  /** Takes the next request out of the inbox when there is room for it. From now on it counts as begun. */
  #announce(): Task | undefined {
    if (this.#begun.size >= this.#concurrency) return undefined;
    const task = this.#inbox.next();
    if (task === undefined) return undefined;
    this.#begun.set(task.id, task);
    if (task.beginBy !== 0) this.#writer.send(Frame.BEGUN, task.id);
    return task;
  }

  #begin(task: Task): void {
    // run() may block: what was said so far must be with the front, above all that this request has begun.
    this.#writer.flush();
    // The second look: only of what was announced in time the front knows that it has begun (§4, rule 4).
    if (task.beginBy !== 0 && !isInTime(task.beginBy, this.#now())) {
      this.#begun.delete(task.id);
      this.#sendRecalled([task.id]);
      return;
    }
    if (task.reason !== undefined) {
      this.#sendError(task, task.reason);
      return;
    }
    let input: ScriptInput;
    try {
      input = task.toInput();
    } catch (error) {
      this.#sendError(task, error);
      return;
    }
    const { logFields } = input;
    const fields = logFields === undefined ? undefined : `"worker":${process.pid}${logFields}`;
    const surround = surroundings(input, fields);
    if (surround === undefined) this.#run(task, input);
    else surround(() => this.#run(task, input));
  }

  #run(task: Task, input: ScriptInput): void {
    let outcome: RunOutcome | Promise<RunOutcome>;
    try {
      outcome = this.#script.run(input);
    } catch (error) {
      this.#sendError(task, error);
      return;
    }
    if (outcome instanceof Promise) {
      outcome.then(
        (value) => this.#answer(task, value),
        (error: unknown) => this.#sendError(task, error),
      );
    } else {
      this.#answer(task, outcome);
    }
  }

  #answer(task: Task, outcome: RunOutcome): void {
    let stream: BodyStream | undefined;
    try {
      stream = this.#sendAnswer(task, outcome);
    } catch (error) {
      this.#sendError(task, error);
      return;
    }
    if (stream === undefined) this.#end(task);
    else void this.#pump(task, stream);
  }

  /** @returns the body that follows, when it is a stream */
  #sendAnswer(task: Task, outcome: RunOutcome): BodyStream | undefined {
    if (outcome.kind === "json") {
      this.#send(Frame.RESULT, task, toBytes(outcome.body), execMsPrefix(outcome.execMs));
      return undefined;
    }
    const { status, headers, execMs, fromScript, body } = outcome;
    const stream = typeof body === "object" && Symbol.asyncIterator in body ? body : undefined;
    const meta: ResponseMeta = { status, headers, execMs, fromScript, stream: stream !== undefined };
    const bytes = stream === undefined ? toBytes(body as Uint8Array | string) : undefined;
    this.#send(Frame.RESPONSE, task, bytes, metaPrefix(meta));
    if (stream !== undefined) this.#flushSoon();
    return stream;
  }

  async #pump(task: Task, stream: BodyStream): Promise<void> {
    try {
      if (task.isHead) await stream[Symbol.asyncIterator]().return?.();
      else {
        await sendStream(task, stream, (chunk) => {
          this.#send(Frame.CHUNK, task, chunk);
          this.#flushSoon();
        });
      }
    } catch (error) {
      this.#sendError(task, error, "stream");
      return;
    }
    this.#send(Frame.END, task);
    this.#end(task);
  }

  /** @throws ResultError `ERR_RESULT` when there is more than a frame can hold */
  #send(type: number, task: Task, body?: Uint8Array, prefix?: Uint8Array): void {
    const length = (body?.length ?? 0) + (prefix?.length ?? 0);
    if (length > MAX_FRAME_BYTES) {
      const message = `run() gave ${length} bytes at once; a worker can send ${MAX_FRAME_BYTES}`;
      throw new ResultError("ERR_RESULT", message);
    }
    this.#writer.send(type, task.id, body, prefix);
  }

  /** The pieces of a stream that come in one turn of the event loop leave in one write. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#defer(() => {
      this.#flushing = false;
      this.#writer.flush();
    });
  }

  #sendError(task: Task, error: unknown, kind?: RunError["kind"]): void {
    const failure = toScoreError(error);
    const message: RunError = {
      kind: task.reason !== undefined ? "interrupted" : (kind ?? errorKind(failure.code)),
      error: failure.report ?? plainReport(failure),
    };
    this.#writer.send(Frame.ERROR, task.id, jsonPayload(message));
    this.#end(task);
  }

  #sendRecalled(ids: readonly number[]): void {
    this.#writer.send(Frame.RECALLED, 0, jsonPayload({ ids }));
  }

  /** Its last frame is queued. It leaves at once, for the next run() may block, and takes along the word that the next
   *  waiting request begins. */
  #end(task: Task): void {
    this.#begun.delete(task.id);
    const next = this.#announce();
    if (next !== undefined) this.#announced.push(next);
    this.#writer.flush();
    this.advance();
  }

  #interrupt(id: number, reason: InterruptReason): void {
    const task = this.#begun.get(id) ?? this.#inbox.findSentAtOnce(id);
    task?.abort(reason === "deadline" ? deadlinePassed() : clientGone());
  }

  #grant(id: number, bytes: number): void {
    const task = this.#begun.get(id);
    if (task === undefined) return;
    task.credit += bytes;
    task.onCredit?.();
  }
}

function toBytes(body: Uint8Array | string): Uint8Array {
  return typeof body === "string" ? Buffer.from(body) : body;
}

function errorKind(code: string): RunError["kind"] {
  if (code === "ERR_BAD_INPUT") return "input";
  return code === "ERR_RESULT" ? "result" : "run";
}
