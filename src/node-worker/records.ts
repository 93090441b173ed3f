import { frameHead } from "../protocol/frame.ts";
import { Frame } from "../protocol/messages.ts";
import type { ToldRecord } from "../script/recorded.ts";
import type { Link } from "./channel.ts";

// As in python/scorefn_worker/record_channel.py, which says why.
export const MAX_RECORDS = 1_000;
export const MAX_BYTES = 262_144;
const TURN_MS = 100;

/** Takes along with each write what the script has written since the last one, and writes soon after what no other write
 *  does, unless nobody reads the pipe: of that no more is kept than the limits allow, and the rest is counted. */
export class RecordLink implements Link {
  readonly #link: Link;
  readonly #tryWrite: (bytes: Buffer) => number;
  readonly #later: (action: () => void) => void;
  /** Records as JSON. */
  #kept: string[] = [];
  #count = 0;
  #bytes = 0;
  #dropped = 0;
  /** What the pipe had no room for of a frame that it has taken a part of. */
  #rest: Buffer = NOTHING;
  #isTurning = false;

  /** @param tryWrite writes what there is room for now, and says how many bytes that was
   *  @param later calls a function at the end of a turn */
  constructor(link: Link, tryWrite: (bytes: Buffer) => number, later: (action: () => void) => void = atTurnsEnd) {
    this.#link = link;
    this.#tryWrite = tryWrite;
    this.#later = later;
  }

  /** Keeps a record where there is room. */
  readonly add = (record: ToldRecord): void => {
    if (!this.#keep(record)) this.#dropped++;
    this.#turn();
  };

  write(buffers: readonly Uint8Array[]): void {
    const first = this.#take();
    this.#rest = NOTHING;
    this.#link.write(first.length === 0 ? buffers : [first, ...buffers]);
  }

  /** Writes what is kept as far as there is room. */
  handOver(): void {
    const bytes = this.#rest.length > 0 ? this.#rest : this.#take();
    if (bytes.length > 0) this.#rest = bytes.subarray(this.#tryWrite(bytes));
  }

  #keep(record: ToldRecord): boolean {
    if (this.#count >= MAX_RECORDS || this.#bytes >= MAX_BYTES) return false;
    const json = JSON.stringify(record);
    const bytes = Buffer.byteLength(json);
    if (this.#bytes + bytes > MAX_BYTES) return false;
    this.#kept.push(json);
    this.#count++;
    this.#bytes += bytes;
    return true;
  }

  /** What goes first: the rest of a frame, and a frame of what is kept. */
  #take(): Buffer {
    if (this.#kept.length === 0 && this.#dropped === 0) return this.#rest;
    const payload = Buffer.from(`{"records":[${this.#kept.join(",")}],"dropped":${this.#dropped}}`);
    this.#kept = [];
    this.#dropped = 0;
    return Buffer.concat([this.#rest, frameHead(Frame.RECORDS, 0, payload.length), payload]);
  }

  #turn(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#later(() => {
      this.#isTurning = false;
      this.handOver();
      const isTaken = this.#kept.length === 0 && this.#rest.length === 0;
      if (isTaken) {
        this.#count = 0;
        this.#bytes = 0;
      }
      if (!isTaken || this.#dropped > 0) this.#turn();
    });
  }
}

const NOTHING: Buffer = Buffer.alloc(0);

function atTurnsEnd(action: () => void): void {
  setTimeout(action, TURN_MS).unref();
}
