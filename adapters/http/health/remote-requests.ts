import { type ScoreRequest, type Scorer, toScoreError } from "../../../src/host.ts";
import { ClientSignal } from "../client-signal.ts";
import { type FromHealth, monotonicMs, type PlainRequest, type ToHealth, toPlainError } from "./messages.ts";

type Tell = (message: ToHealth, transfer?: ArrayBuffer[]) => void;

/** A request of the health port that the main thread is answering. */
interface Open {
  readonly signal: ClientSignal;
  chunks: AsyncIterator<Uint8Array> | undefined;
}

/** Answers, in the main thread, the requests that the health port's thread hands over. */
export class RemoteRequests {
  readonly #scorer: Scorer;
  readonly #tell: Tell;
  readonly #open = new Map<number, Open>();

  constructor(scorer: Scorer, tell: Tell) {
    this.#scorer = scorer;
    this.#tell = tell;
  }

  receive(message: Extract<FromHealth, { id: number }>): void {
    const { id } = message;
    if (message.kind === "request") {
      void this.#answer(id, message.request);
      return;
    }
    const open = this.#open.get(id);
    if (open === undefined) return;
    if (message.kind === "abort") open.signal.abort();
    else if (message.kind === "pull") void this.#sendChunk(id, open);
    else {
      this.#open.delete(id);
      open.chunks?.return?.().catch(() => {});
    }
  }

  async #answer(id: number, { receivedAt, ...plain }: PlainRequest): Promise<void> {
    const signal = new ClientSignal();
    const open: Open = { signal, chunks: undefined };
    this.#open.set(id, open);
    const age = monotonicMs() - receivedAt;
    const request: ScoreRequest = { ...plain, signal, receivedAt: performance.now() - age };
    const { status, headers, body } = await this.#scorer.handle(request);
    if (typeof body === "string" || body instanceof Uint8Array) {
      this.#open.delete(id);
      // A copy: the bytes may be the script's own, or part of a bigger buffer.
      const sent = typeof body === "string" ? body : new Uint8Array(body);
      const transfer = typeof sent === "string" ? [] : [sent.buffer as ArrayBuffer];
      this.#tell({ kind: "answer", id, answer: { status, headers, body: sent } }, transfer);
      return;
    }
    open.chunks = body[Symbol.asyncIterator]();
    this.#tell({ kind: "answer", id, answer: { status, headers, body: null } });
  }

  async #sendChunk(id: number, { chunks }: Open): Promise<void> {
    try {
      const item = await chunks!.next();
      if (item.done !== true) {
        const bytes = new Uint8Array(item.value);
        this.#tell({ kind: "chunk", id, bytes }, [bytes.buffer as ArrayBuffer]);
        return;
      }
      this.#tell({ kind: "end", id, error: undefined });
    } catch (error) {
      this.#tell({ kind: "end", id, error: toPlainError(toScoreError(error)) });
    }
    this.#open.delete(id);
  }
}
