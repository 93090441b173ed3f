import { FrameError } from "../core/errors.ts";
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

  /** What run() is called with. @throws FrameError `ERR_FRAME` when no request can be made of it */
  toInput(): ScriptInput {
    if (!this.#hasMeta) return this;
    const { meta, body } = splitMeta<RunMeta>(this.body);
    checkMeta(meta);
    const { traceparent, tracestate, method } = meta;
    this.isHead = method === "HEAD";
    // It is nobody else's, and a copy would take longer than all the rest.
    const input = meta as Writable<ScriptInput> & RunMeta;
    input.trace = traceparent === undefined ? undefined : { traceparent, tracestate };
    input.body = body;
    input.signal = () => this.signal();
    return input;
  }
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** A host may have made up a header that is a number, and run() expects text. */
function checkMeta(meta: RunMeta): void {
  const headers = meta?.headers ?? {};
  if (!isObject(meta) || !isObject(headers)) {
    throw new FrameError("ERR_FRAME", "the server sent a request whose meta, or whose headers, are not a JSON object");
  }
  for (const name in headers) checkText(`header ${name}`, headers[name]);
  for (const name in meta) if (name !== "headers") checkText(name, meta[name as keyof RunMeta]);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkText(name: string, value: unknown): void {
  if (typeof value === "string") return;
  throw new FrameError("ERR_FRAME", `the ${name} of the request is not text but of type ${typeof value}`);
}
