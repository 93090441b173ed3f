import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import type { Next, OutgoingRequest } from "./app-insights-delivery.ts";
import type { Items } from "./app-insights-exporter.ts";
import { type RequestRow, ROW_WIDTH, rowAt } from "./app-insights-row.ts";
import { type RowContext, Rows, spanOf } from "./app-insights-rows.ts";

type Deliver = (request: OutgoingRequest, next: Next) => Promise<void>;

/** Sends batches of requests. */
export class Requests {
  readonly #items: Items<ReadableSpan>;
  readonly #context: RowContext;
  readonly #rows: Rows;
  readonly #deliver: Deliver;

  /** @param shown of an exporter that nobody sends with */
  constructor(items: Items<ReadableSpan>, shown: Items<ReadableSpan>, context: RowContext, deliver: Deliver) {
    this.#items = items;
    this.#context = context;
    this.#deliver = deliver;
    this.#rows = new Rows(context, async (spans) => {
      let made = "";
      await shown.make(spans, async ({ body }) => {
        made = body as string;
      });
      return made;
    });
  }

  /** Resolves when they are taken, or given up.   @param list of rows, as `packRows` makes it */
  async send(list: readonly unknown[]): Promise<void> {
    const bytes = new JsonBytes((list.length / ROW_WIDTH) * USUAL_ROW_BYTES);
    const others: RequestRow[] = [];
    let first: readonly [row: RequestRow, text: string] | undefined;
    for (let at = 0; at < list.length; at += ROW_WIDTH) {
      const row = rowAt(list, at);
      const text = this.#rows.textOf(row);
      if (text === undefined) others.push(row);
      else {
        first ??= [row, text];
        bytes.add(text);
      }
    }
    if (others.length > 0) await Promise.all([this.#sendMade(others, bytes), this.#rows.learn(others)]);
    else if (first !== undefined && !(await this.#sendTexts(...first, bytes))) await this.send(list);
  }

  /** @param more rows that go with them */
  #sendMade(rows: readonly RequestRow[], more: JsonBytes): Promise<void> {
    const spans = rows.map((row) => spanOf(row, this.#context));
    return this.#items.make(spans, (request, next) => {
      if (!more.isEmpty) {
        more.add((request.body as string).slice(1, -1));
        request.body = more.take();
      }
      return this.#deliver(request, next);
    });
  }

  /** The exporter readies a request with the first of them, which shows whether it still makes the same.
   *  @returns false: it does not, and nothing was sent */
  async #sendTexts(first: RequestRow, text: string, all: JsonBytes): Promise<boolean> {
    let isRight = false;
    await this.#items.make([spanOf(first, this.#context)], async (request, next) => {
      isRight = request.body === `[${text}]`;
      if (isRight) {
        request.body = all.take();
        await this.#deliver(request, next);
      } else this.#rows.distrust();
    });
    return isRight;
  }
}

/** A row with a short answer, in bytes. */
const USUAL_ROW_BYTES = 1_600;
/** Bytes that a character takes at most, for each unit of a string. */
const MAX_BYTES_PER_UNIT = 3;

/** A JSON array in the making. Texts of its items would have to be kept until all are there, and made into bytes twice: by an
 *  HTTP client to count them, and once more to send them. */
class JsonBytes {
  #bytes: Buffer;
  #length = 0;

  /** @param size about as many bytes as will be needed */
  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafeSlow(size + 2);
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  add(item: string): void {
    const most = this.#length + item.length * MAX_BYTES_PER_UNIT + 2;
    if (most > this.#bytes.length) this.#grow(most);
    this.#put(this.isEmpty ? "[" : ",");
    this.#put(item);
  }

  /** The array, which ends here. */
  take(): Buffer {
    this.#put("]");
    return this.#bytes.subarray(0, this.#length);
  }

  #put(text: string): void {
    this.#length += this.#bytes.write(text, this.#length);
  }

  #grow(size: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(size, this.#bytes.length * 2));
    this.#bytes.copy(bytes, 0, 0, this.#length);
    this.#bytes = bytes;
  }
}
