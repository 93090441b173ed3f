// The worker's ends of the pipes: frames come in on one descriptor and go out on another (docs/worker-protocol.md).
import { writeSync, writevSync } from "node:fs";
import { Socket } from "node:net";

/** Where the task loop writes. */
export interface Link {
  /** Returns when the system has all of it: what it has is read by the front even if this process dies the next moment. */
  write(buffers: readonly Uint8Array[]): void;
}

/** Buffers that one system call takes (IOV_MAX of Linux and macOS). */
const MAX_BUFFERS = 1024;

/** Pause before the next try, in milliseconds, when the pipe is full and the descriptor does not block. */
const FULL_PAUSE_MS = 1;

/** libuv's stream, which Node keeps to itself: nothing else makes a descriptor block, or not. */
interface Handle {
  setBlocking(isBlocking: boolean): void;
}

/** Writes on a descriptor and waits as long as that takes. */
export class DescriptorLink implements Link {
  readonly #descriptor: number;
  readonly #onGone: () => void;
  #handle: Handle | undefined;

  /** @param onGone the reader has gone; what is written from then on is dropped */
  constructor(descriptor: number, onGone: () => void) {
    this.#descriptor = descriptor;
    this.#onGone = onGone;
  }

  write(buffers: readonly Uint8Array[]): void {
    let rest = buffers;
    while (rest.length > 0) {
      try {
        rest = after(rest, this.#writeSome(rest));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EAGAIN") pause(FULL_PAUSE_MS);
        else if (code !== "EINTR") {
          this.#onGone();
          return;
        }
      }
    }
  }

  /** Writes once, without waiting, and says how many bytes there was room for. */
  tryWrite(bytes: Buffer): number {
    try {
      this.#handle ??= handleOf(this.#descriptor);
      this.#handle?.setBlocking(false);
      return writeSync(this.#descriptor, bytes);
    } catch (error) {
      if (isFull(error)) return 0;
      this.#onGone();
      return bytes.length;
    } finally {
      this.#handle?.setBlocking(true);
    }
  }

  #writeSome(buffers: readonly Uint8Array[]): number {
    if (buffers.length === 1) return writeSync(this.#descriptor, buffers[0]!);
    return writevSync(this.#descriptor, buffers.slice(0, MAX_BUFFERS));
  }
}

/** Reads a descriptor until the front closes it. */
export function readDescriptor(descriptor: number, onChunk: (chunk: Buffer) => void, onGone: () => void): void {
  const pipe = new Socket({ fd: descriptor, readable: true, writable: false });
  pipe.on("data", onChunk);
  pipe.on("close", onGone);
  pipe.on("error", onGone);
}

/** What is left of the buffers after so many bytes. */
function after(buffers: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let index = 0;
  let left = bytes;
  while (index < buffers.length && left >= buffers[index]!.length) left -= buffers[index++]!.length;
  if (left === 0) return index === 0 ? buffers : buffers.slice(index);
  return [buffers[index]!.subarray(left), ...buffers.slice(index + 1)];
}

function handleOf(fd: number): Handle | undefined {
  return (new Socket({ fd, readable: false, writable: true }).unref() as { _handle?: Handle })._handle;
}

function isFull(error: unknown): boolean {
  return ["EAGAIN", "EINTR"].includes((error as NodeJS.ErrnoException).code ?? "");
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, milliseconds);
}
