import type { Writable } from "node:stream";
import { FrameError } from "../core/errors.ts";
import { HEAD_BYTES, MAX_FRAME_BYTES } from "./messages.ts";

/** Called for each whole frame. `payload` is a view into what was fed: copy it to keep it past the call, unless the
 *  frame's own bytes are all that is kept. `beginBy` is 0 but for waiting requests. */
export type FrameSink = (type: number, id: number, payload: Buffer, beginBy: number) => void;

/** Splits whatever the pipe delivered into whole frames, keeping the tail for the next call. A payload is copied at
 *  most once, and only when it arrives in pieces.
 *  @see docs/worker-protocol.md */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #maxPayloadBytes: number;
  /** Start of a frame whose head is not complete yet. */
  #partialHead: Buffer | undefined;
  /** Payload of the frame under way, of which `#filled` bytes are there. */
  #payload: Buffer | undefined;
  #filled = 0;
  /** Type, and "begin by" above it. */
  #word = 0;
  #id = 0;

  constructor(sink: FrameSink, maxPayloadBytes: number = MAX_FRAME_BYTES) {
    this.#sink = sink;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** True when the bytes fed so far end with a whole frame. */
  get atBoundary(): boolean {
    return this.#payload === undefined && this.#partialHead === undefined;
  }

  /** @param chunk any length, cut anywhere
   *  @throws FrameError `ERR_FRAME` when a length exceeds `maxPayloadBytes`, which only garbage does */
  feed(chunk: Buffer): void {
    let offset = this.#payload === undefined ? 0 : this.#fill(chunk);
    let bytes = chunk;
    if (this.#partialHead !== undefined) {
      bytes = Buffer.concat([this.#partialHead, chunk]);
      this.#partialHead = undefined;
    }
    while (bytes.length - offset >= HEAD_BYTES) {
      const length = bytes.readUInt32LE(offset);
      if (length > this.#maxPayloadBytes) {
        throw new FrameError("ERR_FRAME", `a frame of ${length} bytes is longer than ${this.#maxPayloadBytes}`);
      }
      const word = bytes.readUInt32LE(offset + 4);
      const id = bytes.readUInt32LE(offset + 8);
      const start = offset + HEAD_BYTES;
      if (bytes.length - start < length) {
        this.#word = word;
        this.#id = id;
        this.#payload = Buffer.allocUnsafeSlow(length);
        this.#filled = bytes.copy(this.#payload, 0, start);
        return;
      }
      offset = start + length;
      this.#sink(word & TYPE_MASK, id, bytes.subarray(start, offset), word >>> 8);
    }
    if (offset < bytes.length) this.#partialHead = bytes.subarray(offset);
  }

  #fill(chunk: Buffer): number {
    const payload = this.#payload!;
    const copied = chunk.copy(payload, this.#filled);
    this.#filled += copied;
    if (this.#filled === payload.length) {
      this.#payload = undefined;
      this.#sink(this.#word & TYPE_MASK, this.#id, payload, this.#word >>> 8);
    }
    return copied;
  }
}

const TYPE_MASK = 0xff;

/** The head of a frame with `payloadBytes` to follow. */
export function frameHead(type: number, id: number, payloadBytes: number, beginBy = 0): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  writeHead(head, type, id, payloadBytes, beginBy);
  return head;
}

function writeHead(frame: Buffer, type: number, id: number, payloadBytes: number, beginBy: number): void {
  frame.writeUInt32LE(payloadBytes, 0);
  frame.writeUInt32LE((type | (beginBy << 8)) >>> 0, 4);
  frame.writeUInt32LE(id, 8);
}

/** Payloads up to this many bytes are copied behind their head, so that a turn's frames make one buffer; longer ones
 *  are handed to the pipe as they are. 16 KiB: above it a copy costs more than another iovec. */
const INLINE_PAYLOAD_BYTES = 16_384;

/** Collects the frames made in one turn of the event loop and hands them to the pipe in one write.
 *  Knows no pipe: `write` gets the buffers of one turn, `defer` runs a function at the end of the turn. */
export class FrameWriter {
  readonly #write: (buffers: readonly Uint8Array[]) => void;
  readonly #defer: (flush: () => void) => void;
  readonly #flush = (): void => this.flush();
  #buffers: Uint8Array[] = [];

  constructor(write: (buffers: readonly Uint8Array[]) => void, defer: (flush: () => void) => void) {
    this.#write = write;
    this.#defer = defer;
  }

  /** Queues one frame whose payload is `prefix` (may be empty) followed by `body`. */
  send(type: number, id: number, body: Uint8Array = EMPTY, prefix: Uint8Array = EMPTY, beginBy = 0): void {
    if (this.#buffers.length === 0) this.#defer(this.#flush);
    const length = prefix.length + body.length;
    if (length > INLINE_PAYLOAD_BYTES) {
      this.#buffers.push(frameHead(type, id, length, beginBy));
      if (prefix.length > 0) this.#buffers.push(prefix);
      this.#buffers.push(body);
      return;
    }
    const frame = Buffer.allocUnsafe(HEAD_BYTES + length);
    writeHead(frame, type, id, length, beginBy);
    if (prefix.length > 0) frame.set(prefix, HEAD_BYTES);
    frame.set(body, HEAD_BYTES + prefix.length);
    this.#buffers.push(frame);
  }

  /** Writes at once what this turn has queued. */
  flush(): void {
    if (this.#buffers.length === 0) return;
    const buffers = this.#buffers;
    this.#buffers = [];
    this.#write(buffers);
  }
}

/** Hands one turn's buffers to a pipe in one system call. */
export function writeBuffers(pipe: Writable, buffers: readonly Uint8Array[]): void {
  if (buffers.length === 1) {
    pipe.write(buffers[0]);
    return;
  }
  pipe.cork();
  for (const buffer of buffers) pipe.write(buffer);
  pipe.uncork();
}

const EMPTY: Uint8Array = new Uint8Array(0);
