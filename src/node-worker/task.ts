import { Frame, type RunMeta, STREAM_CREDIT_BYTES, splitMeta } from "../protocol/messages.ts";
import type { ScriptInput } from "../script/input.ts";
import { LazySignal } from "../script/lazy-signal.ts";

/** A request that was received and is not answered. For scripts that take only the body it is what run() is called with,
 *  so that it costs one object. */
export class Task extends LazySignal implements ScriptInput {
  readonly id: number;
  readonly body: Buffer;
  /** 0: the front counts it as begun. */
  readonly beginBy: number;
  /** Bytes its stream may still send. */
  credit: number = STREAM_CREDIT_BYTES;
  onCredit: (() => void) | undefined;
  /** Its answer has no body. */
  isHead = false;
  readonly #hasMeta: boolean;

  constructor(type: number, id: number, payload: Buffer, beginBy: number) {
    super();
    this.id = id;
    this.body = payload;
    this.beginBy = beginBy;
    this.#hasMeta = type === Frame.RUN_META;
  }

  override abort(reason: DOMException): void {
    super.abort(reason);
    this.onCredit?.();
  }

  /** What run() is called with. @throws FrameError `ERR_FRAME` */
  toInput(): ScriptInput {
    if (!this.#hasMeta) return this;
    const { meta, body } = splitMeta<RunMeta>(this.body);
    this.isHead = meta.method === "HEAD";
    return { ...meta, body, signal: () => this.signal() };
  }
}
