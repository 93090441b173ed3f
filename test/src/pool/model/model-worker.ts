// A worker as docs/worker-protocol.md describes it, of either language: it may do at any moment whatever the document allows
// it to do at that moment.

import type { LaunchEvents, LaunchedProcess } from "../../../../src/pool/process.ts";
import { monotonicMs } from "../../../../src/protocol/clock.ts";
import { FrameReader, frameHead } from "../../../../src/protocol/frame.ts";
import {
  execMsPrefix,
  Frame,
  isInTime,
  jsonPayload,
  metaPrefix,
  STREAM_CREDIT_BYTES,
  splitMeta,
} from "../../../../src/protocol/messages.ts";
import { ModelPipe } from "./model-pipe.ts";
import type { World } from "./world.ts";

/** What a request makes the script do; the body is its JSON. */
export interface Order {
  readonly key: string;
  readonly does: "answer" | "raise" | "stream" | "crash" | "hang";
  /** How long run() takes, in milliseconds. */
  readonly ms: number;
  /** While it runs the worker neither reads its pipe nor heeds an INTERRUPT: a native call, a loop. */
  readonly deaf: boolean;
  readonly padding: string;
}

export interface ModelOptions {
  readonly concurrency: number;
  readonly concurrent: boolean;
  /** Chance that it dies while it starts. */
  readonly failsToStart: number;
  /** Gets each record whose frame has been written whole; undefined: the front wants none. */
  readonly onRecord: ((pid: number, message: string) => void) | undefined;
}

interface Task {
  readonly id: number;
  readonly order: Order;
  readonly beginBy: number;
  endsAt: number;
  credit: number;
  chunks: number;
  interrupted: boolean;
}

const REPORT = { type: "ValueError", message: "no", traceback: "no", location: null };
const CHUNK_BYTES = 100_000;
const CHUNKS = 4;
const MAX_RECORDS = 20;

let lastPid = 0;

export class ModelWorker implements LaunchedProcess {
  readonly pid: number;
  isAlive = true;
  /** Dies at a write, at most so many bytes of which get through. */
  diesAtWrite: number | undefined;
  readonly #world: World;
  readonly #options: ModelOptions;
  readonly #events: LaunchEvents;
  readonly #onRun: (key: string) => void;
  readonly #in: ModelPipe;
  readonly #out: ModelPipe;
  readonly #lifeline: ModelPipe;
  readonly #reader: FrameReader;
  #start: ("hello" | "loaded" | "ready")[] = [];
  #waiting: Task[] = [];
  readonly #begun = new Set<Task>();
  /** It was in time when the clock was looked at; BEGUN goes out next, with what is before it. */
  #picked: { task: Task; before: Buffer } | undefined;
  /** BEGUN has been written, and the clock has not been looked at again. */
  #beginning: Task | undefined;
  #stopping = false;
  #hasSaidHello = false;
  #recordCount = 0;

  constructor(world: World, options: ModelOptions, events: LaunchEvents, onRun: (key: string) => void) {
    this.pid = ++lastPid;
    this.#world = world;
    this.#options = options;
    this.#events = events;
    this.#onRun = onRun;
    this.#in = new ModelPipe(world);
    this.#out = new ModelPipe(world);
    this.#lifeline = new ModelPipe(world);
    this.#reader = new FrameReader((...frame) => this.#receive(...frame));
    const [toWorker, fromWorker, lifeline] = [this.#in, this.#out, this.#lifeline].map((pipe) => pipe.asSocket());
    events.onPipes({ toWorker: toWorker!, fromWorker: fromWorker!, lifeline: lifeline! });
  }

  kill(signal: NodeJS.Signals): void {
    if (signal === "SIGKILL") this.die(signal);
  }

  die(signal: string | null, code: number | null = null): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    for (const pipe of [this.#in, this.#out, this.#lifeline]) pipe.close();
    const exit = {
      isPending: true,
      poll: () => {
        this.#world.pollables.delete(exit);
        this.#events.onExit({ code, signal });
      },
    };
    this.#world.pollables.add(exit);
  }

  get isDeaf(): boolean {
    for (const { order, endsAt } of this.#begun) if (order.deaf && endsAt > this.#world.now) return true;
    return false;
  }

  get nextEndAt(): number | undefined {
    let next: number | undefined;
    for (const { endsAt } of this.#begun) {
      if (endsAt > this.#world.now && (next === undefined || endsAt < next)) next = endsAt;
    }
    return next;
  }

  /** Does one thing of those it may do. @returns false when there was none */
  step(): boolean {
    if (!this.isAlive || this.isDeaf) return false;
    const { random } = this.#world;
    if (this.#mayTell) {
      this.#write(Buffer.alloc(0));
      return true;
    }
    if (this.#start.length > 0) {
      this.#say(this.#start.shift()!);
      return true;
    }
    if (this.#picked !== undefined) {
      const { task, before } = this.#picked;
      this.#picked = undefined;
      this.#beginning = task;
      this.#write(Buffer.concat([before, frame(Frame.BEGUN, task.id)]));
      return true;
    }
    if (this.#beginning !== undefined) {
      this.#secondLook(this.#beginning);
      return true;
    }
    const done = [...this.#begun].filter((task) => task.endsAt <= this.#world.now && canGoOn(task));
    const can = [
      ...(done.length > 0 ? [() => this.#goOn(random.pick(done))] : []),
      ...(this.#in.size > 0 ? [() => this.#read()] : []),
      ...(this.#mayBegin ? [() => this.#begin()] : []),
    ];
    if (can.length === 0) return false;
    random.pick(can)();
    return true;
  }

  get #mayBegin(): boolean {
    return this.#waiting.length > 0 && this.#begun.size < (this.#options.concurrent ? this.#options.concurrency : 1);
  }

  #read(): void {
    const { random } = this.#world;
    this.#reader.feed(this.#in.take(random.chance(0.7) ? this.#in.size : 1 + random.below(this.#in.size)));
  }

  #receive(type: number, id: number, payload: Buffer, beginBy: number): void {
    switch (type) {
      case Frame.HELLO:
        this.#start = ["hello", "loaded", "ready"];
        return;
      case Frame.RUN:
      case Frame.RUN_META: {
        const body = type === Frame.RUN ? payload : splitMeta(payload).body;
        const order = JSON.parse(body.toString()) as Order;
        this.#waiting.push({
          id,
          order,
          beginBy,
          endsAt: 0,
          credit: STREAM_CREDIT_BYTES,
          chunks: 0,
          interrupted: false,
        });
        return;
      }
      case Frame.INTERRUPT:
        for (const task of [...this.#begun, ...this.#waiting]) {
          if (task.id !== id || (task.beginBy !== 0 && !this.#begun.has(task))) continue;
          task.interrupted = true;
          if (task.order.does !== "hang") task.endsAt = Math.min(task.endsAt, this.#world.now);
        }
        return;
      case Frame.CREDIT:
        for (const task of this.#begun) if (task.id === id) task.credit += payload.readUInt32LE(0);
        return;
      case Frame.RECALL: {
        const back = this.#waiting.filter((task) => task.beginBy !== 0 && (id === 0 || task.id === id));
        this.#waiting = this.#waiting.filter((task) => !back.includes(task));
        this.#write(frame(Frame.RECALLED, 0, jsonPayload({ ids: back.map((task) => task.id) })));
        return;
      }
      case Frame.STOP:
        this.#stopping = true;
        this.#waiting = this.#waiting.filter(({ beginBy }) => beginBy === 0);
        this.#exitWhenDone();
        return;
      default:
        throw new Error(`the front sent frame type ${type}`);
    }
  }

  #say(what: "hello" | "loaded" | "ready"): void {
    if (this.#world.random.chance(this.#options.failsToStart)) {
      this.die("SIGKILL");
      return;
    }
    const { concurrent } = this.#options;
    if (what === "hello") {
      this.#write(frame(Frame.WORKER_HELLO, 0, jsonPayload({ protocol: 2, runtime: "model", pid: this.pid })));
      this.#hasSaidHello = true;
    } else if (what === "loaded") this.#write(frame(Frame.LOADED, 0, jsonPayload({ takes: "body", concurrent })));
    else this.#write(frame(Frame.READY, 0, jsonPayload({})));
  }

  /** Takes the next request that is still in time. @param before goes out in one write with its BEGUN */
  #begin(before?: Buffer): void {
    let task = this.#waiting.shift();
    while (task !== undefined && task.beginBy !== 0 && !this.#isInTime(task)) task = this.#waiting.shift();
    if (task === undefined) {
      if (before !== undefined) this.#write(before);
      return;
    }
    if (task.beginBy === 0) {
      if (before !== undefined) this.#write(before);
      if (this.isAlive) this.#run(task);
      return;
    }
    this.#picked = { task, before: before ?? Buffer.alloc(0) };
  }

  #isInTime({ beginBy }: Task): boolean {
    return isInTime(beginBy, monotonicMs());
  }

  #secondLook(task: Task): void {
    this.#beginning = undefined;
    if (this.#isInTime(task)) this.#run(task);
    else this.#write(frame(Frame.RECALLED, 0, jsonPayload({ ids: [task.id] })));
  }

  #run(task: Task): void {
    this.#begun.add(task);
    if (task.interrupted) {
      this.#end(task, frame(Frame.ERROR, task.id, jsonPayload({ kind: "interrupted", error: REPORT })));
      return;
    }
    this.#onRun(task.order.key);
    if (task.order.does === "crash") this.die("SIGSEGV");
    task.endsAt = task.order.does === "hang" ? Number.POSITIVE_INFINITY : this.#world.now + task.order.ms;
  }

  /** run() has come back, or yields its next item. */
  #goOn(task: Task): void {
    const { id, order, interrupted } = task;
    if (order.does === "stream" && !interrupted) {
      this.#stream(task);
      return;
    }
    const result = Buffer.concat([execMsPrefix(order.ms), Buffer.from(JSON.stringify(order.key))]);
    if (interrupted) this.#end(task, frame(Frame.ERROR, id, jsonPayload({ kind: "interrupted", error: REPORT })));
    else if (order.does === "raise")
      this.#end(task, frame(Frame.ERROR, id, jsonPayload({ kind: "run", error: REPORT })));
    else this.#end(task, frame(Frame.RESULT, id, result));
  }

  #stream(task: Task): void {
    const { id, order } = task;
    const meta = { status: 200, headers: [], execMs: order.ms, stream: true, fromScript: false };
    const head = task.chunks === 0 ? frame(Frame.RESPONSE, id, metaPrefix(meta)) : Buffer.alloc(0);
    if (task.chunks === CHUNKS) {
      this.#end(task, frame(Frame.END, id));
    } else {
      task.chunks++;
      task.credit -= CHUNK_BYTES;
      const chunk = Buffer.alloc(CHUNK_BYTES, order.key);
      this.#write(Buffer.concat([head, frame(Frame.CHUNK, id, chunk)]));
    }
  }

  #end(task: Task, answer: Buffer): void {
    this.#begun.delete(task);
    if (this.#mayBegin && this.#world.random.chance(0.8)) this.#begin(answer);
    else this.#write(answer);
    if (this.#stopping) this.#exitWhenDone();
  }

  #exitWhenDone(): void {
    const isBeginning = this.#picked !== undefined || this.#beginning !== undefined;
    if (this.#begun.size === 0 && this.#waiting.length === 0 && !isBeginning) this.die(null, 0);
  }

  get #mayTell(): boolean {
    const { onRecord } = this.#options;
    const mayTell = onRecord !== undefined && this.#hasSaidHello && this.#recordCount < MAX_RECORDS;
    return mayTell && this.#world.random.chance(0.1);
  }

  #write(bytes: Buffer): void {
    if (!this.isAlive) return;
    const records = bytes.length === 0 || this.#mayTell ? this.#records() : [];
    const all = Buffer.concat([...records.map(({ bytes: each }) => each), bytes]);
    const written = Math.min(all.length, this.diesAtWrite ?? all.length);
    this.#out.put(all.subarray(0, written));
    for (const { message, bytes: each } of records) {
      if (each.length <= written) this.#options.onRecord?.(this.pid, message);
    }
    if (this.diesAtWrite !== undefined) this.die("SIGKILL");
  }

  #records(): { message: string; bytes: Buffer }[] {
    const message = `${this.pid}-${this.#recordCount++}`;
    const record = { time: this.#world.now, level: "INFO", logger: "azmlinfsrv.print", message };
    return [{ message, bytes: frame(Frame.RECORDS, 0, jsonPayload({ records: [record], dropped: 0 })) }];
  }
}

/** False for a stream that waits for credit. */
function canGoOn({ order, chunks, credit, interrupted }: Task): boolean {
  return order.does !== "stream" || interrupted || credit > 0 || chunks === CHUNKS;
}

function frame(type: number, id: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  return Buffer.concat([frameHead(type, id, payload.length), payload]);
}
