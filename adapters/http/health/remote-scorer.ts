import type { MessagePort } from "node:worker_threads";
import type { BodyStream, ScoreRequest, ScoreResponse } from "../../../src/host.ts";
import { type FromHealth, fromPlainError, monotonicMs, type PlainAnswer, type ToHealth } from "./messages.ts";

/** Called once with what a request is waiting for, an answer or the next chunk. */
type Settle = (message: Extract<ToHealth, { id: number }>) => void;

/** The thread's way to the scorer of the main thread: hands requests over and brings their answers back. */
export class RemoteScorer {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, Settle>();
  #lastId = 0;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Never rejects: the main thread's scorer does not. */
  handle(request: ScoreRequest): Promise<ScoreResponse> {
    const id = ++this.#lastId;
    const { method, path, query, headers, remoteAddress, signal } = request;
    const body = ownBytes(request.body);
    const age = request.receivedAt === undefined ? 0 : performance.now() - request.receivedAt;
    const plain = { method, path, query, headers, body, remoteAddress, receivedAt: monotonicMs() - age };
    this.#post({ kind: "request", id, request: plain }, [body.buffer as ArrayBuffer]);
    const abort = (): void => this.#post({ kind: "abort", id });
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort);
    return new Promise((resolve) => {
      this.#waiting.set(id, (message) => {
        signal?.removeEventListener("abort", abort);
        if (message.kind === "answer") resolve(this.#toResponse(id, message.answer));
      });
    });
  }

  /** Takes what the main thread says about a request. */
  receive(message: Extract<ToHealth, { id: number }>): void {
    const settle = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    settle?.(message);
  }

  #toResponse(id: number, { status, headers, body }: PlainAnswer): ScoreResponse {
    return { status, headers, body: body ?? this.#stream(id) };
  }

  /** One chunk is asked for at a time, so back-pressure reaches the script. Not a generator: its return() would wait for
   *  a script that is between two chunks. */
  #stream(id: number): BodyStream {
    let ended = false;
    const next = async (): Promise<IteratorResult<Uint8Array>> => {
      const message = ended ? undefined : await this.#pull(id);
      if (message?.kind === "chunk") return { done: false, value: message.bytes };
      ended = true;
      if (message?.kind === "end" && message.error !== undefined) throw fromPlainError(message.error);
      return { done: true, value: undefined };
    };
    const leave = async (): Promise<IteratorResult<Uint8Array>> => {
      if (!ended) {
        ended = true;
        this.#post({ kind: "drop", id });
        this.receive({ kind: "end", id, error: undefined });
      }
      return { done: true, value: undefined };
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: leave }) };
  }

  #pull(id: number): Promise<Extract<ToHealth, { id: number }>> {
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#post({ kind: "pull", id });
    });
  }

  #post(message: FromHealth, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }
}

/** Bytes whose memory nobody else uses, so that it can be moved to the other thread. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  const whole = bytes.byteLength > 0 && bytes.byteLength === bytes.buffer.byteLength;
  return whole ? bytes : new Uint8Array(bytes);
}
