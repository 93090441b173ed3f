// What a worker may say (docs/worker-protocol.md, §4 and §6), told from what it was sent. test/python/worker_model.py is
// the same for the Python loops.
import { Frame, isInTime } from "../../../src/protocol/messages.ts";
import type { Said } from "./loop-harness.ts";

interface Sent {
  readonly id: number;
  /** 0: sent at once. */
  readonly beginBy: number;
  state: "sent" | "begun" | "streaming" | "ended" | "recalled";
  /** BEGUN was written when its time had passed. */
  isLate: boolean;
  hasRun: boolean;
  credit: number;
}

const STREAM_CREDIT = 262_144;

/** Throws at the first thing that the worker must not say or do. */
export class WorkerModel {
  readonly #sent = new Map<number, Sent>();
  readonly #concurrency: number;
  #recalls = 0;
  #lastRun = 0;
  readonly #noted: string[] = [];
  /** How many records were handed over or dropped. */
  #told = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** The script writes a record. */
  notes(text: string): void {
    this.#noted.push(text);
  }

  get ids(): number[] {
    return [...this.#sent.keys()];
  }

  run(id: number, beginBy: number): void {
    this.#sent.set(id, { id, beginBy, state: "sent", isLate: false, hasRun: false, credit: STREAM_CREDIT });
  }

  recall(): void {
    this.#recalls++;
  }

  credit(id: number, bytes: number): void {
    const request = this.#sent.get(id);
    if (request !== undefined) request.credit += bytes;
  }

  /** run() is called. */
  runs(id: number): void {
    const request = this.#known(id);
    check(!request.hasRun, `request ${id} runs twice`);
    check(request.state !== "recalled" && request.state !== "ended", `request ${id} runs when it is ${request.state}`);
    check(request.beginBy === 0 || request.state === "begun", `request ${id} runs without BEGUN`);
    check(!request.isLate, `request ${id} runs although its time had passed when BEGUN was written`);
    check(id > this.#lastRun, `request ${id} runs after ${this.#lastRun}`);
    request.hasRun = true;
    this.#lastRun = id;
    this.#checkRoom();
  }

  /** @param before the clock when the write began   @param after when it was done, in milliseconds */
  said({ type, id, text }: Said, before: number, after: number): void {
    if (type === Frame.RECALLED) {
      this.#recalled(text.split(" ")[1]?.split(",").map(Number) ?? []);
      return;
    }
    if (type === Frame.RECORDS) {
      this.#recorded(text);
      return;
    }
    const request = this.#known(id);
    check(this.#told === this.#noted.length, `${text} before ${this.#noted.slice(this.#told)}`);
    if (type === Frame.BEGUN) {
      check(request.beginBy !== 0 && request.state === "sent", `BEGUN of ${id}, which is ${request.state}`);
      check(isInTime(request.beginBy, before), `BEGUN of ${id} after its time`);
      request.state = "begun";
      request.isLate = !isInTime(request.beginBy, after);
      this.#checkRoom();
      return;
    }
    const hasBegun = request.state === "begun" || (request.beginBy === 0 && request.state === "sent");
    if (type === Frame.CHUNK || type === Frame.END) {
      check(request.state === "streaming", `${text} of a request that is ${request.state}`);
      if (type === Frame.END) request.state = "ended";
      else {
        check(request.credit > 0, `${text} without credit`);
        request.credit -= Number(text.split(" ")[2]);
      }
      return;
    }
    check(hasBegun || (type === Frame.ERROR && request.state === "streaming"), `${text}, which is ${request.state}`);
    check(request.hasRun || type === Frame.ERROR, `${text} without a run`);
    request.state = type === Frame.RESPONSE && !text.endsWith("whole") ? "streaming" : "ended";
  }

  /** Streams that wait for the front. */
  get streaming(): number[] {
    return [...this.#sent.values()].filter(({ state }) => state === "streaming").map(({ id }) => id);
  }

  /** The worker has stopped by itself. */
  end(): void {
    for (const { id, beginBy, state, hasRun } of this.#sent.values()) {
      if (beginBy === 0) check(state === "ended", `request ${id}, sent at once, is ${state} at the end`);
      else check(state !== "begun" && state !== "streaming", `request ${id} is ${state} at the end`);
      check(!hasRun || state === "ended", `request ${id} has run and is ${state}`);
    }
    check(this.#told === this.#noted.length, `neither handed over nor dropped: ${this.#noted.slice(this.#told)}`);
    check(this.#recalls === 0, `${this.#recalls} RECALLs without an answer`);
  }

  /** Records come in order; between those of one frame and after them some may have been dropped. */
  #recorded(text: string): void {
    const [messages = "", dropped] = text.slice("RECORDS ".length).split(" +");
    const found = messages.split(",").filter((message) => message !== "");
    const outstanding = this.#noted.slice(this.#told, this.#told + found.length + Number(dropped ?? 0));
    let at = 0;
    for (const message of found) at = outstanding.indexOf(message, at) + 1 || Number.POSITIVE_INFINITY;
    check(at <= outstanding.length, `${text} is out of order, or comes twice: ${outstanding}`);
    check(found.length > 0 || dropped !== undefined, "RECORDS of nothing");
    this.#told += found.length + Number(dropped ?? 0);
  }

  #recalled(ids: readonly number[]): void {
    check(
      ids.every((id, index) => index === 0 || id > ids[index - 1]!),
      `RECALLED ${ids} is out of order`,
    );
    let isLate = false;
    for (const id of ids) {
      const request = this.#known(id);
      check(request.beginBy !== 0 && !request.hasRun, `RECALLED ${id}, which was sent at once, or has run`);
      check(
        request.state === "sent" || (request.state === "begun" && request.isLate),
        `RECALLED ${id}: ${request.state}`,
      );
      isLate ||= request.state === "begun";
      request.state = "recalled";
    }
    // One that was late is not the answer to a RECALL.
    if (!isLate) check(--this.#recalls >= 0, "a RECALLED that answers nothing");
  }

  #checkRoom(): void {
    let begun = 0;
    for (const { state, hasRun } of this.#sent.values()) {
      if (state === "begun" || state === "streaming" || (state === "sent" && hasRun)) begun++;
    }
    check(begun <= this.#concurrency, `${begun} requests have begun, of ${this.#concurrency} at a time`);
  }

  #known(id: number): Sent {
    const request = this.#sent.get(id);
    if (request === undefined) throw new Error(`request ${id} was never sent`);
    return request;
  }
}

function check(isTrue: boolean, message: string): void {
  if (!isTrue) throw new Error(message);
}
