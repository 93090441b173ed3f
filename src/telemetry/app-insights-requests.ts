import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import type { Next, OutgoingRequest } from "./app-insights-delivery.ts";
import type { Items } from "./app-insights-exporter.ts";
import type { RequestRow } from "./app-insights-row.ts";
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

  /** Resolves when they are taken, or given up. */
  async send(rows: readonly RequestRow[]): Promise<void> {
    const texts: string[] = [];
    const others: RequestRow[] = [];
    for (const row of rows) {
      const text = this.#rows.textOf(row);
      if (text === undefined) others.push(row);
      else texts.push(text);
    }
    if (others.length > 0) await Promise.all([this.#sendMade(others, texts), this.#rows.learn(others)]);
    else if (!(await this.#sendTexts(rows[0]!, texts))) await this.send(rows);
  }

  /** @param texts of rows that go with them */
  #sendMade(rows: readonly RequestRow[], texts: readonly string[]): Promise<void> {
    const spans = rows.map((row) => spanOf(row, this.#context));
    return this.#items.make(spans, (request, next) => {
      if (texts.length > 0) request.body = bytesOf([(request.body as string).slice(1, -1), ...texts]);
      return this.#deliver(request, next);
    });
  }

  /** The exporter readies a request with the first of them, which shows whether it still makes the same.
   *  @returns false: it does not, and nothing was sent */
  async #sendTexts(first: RequestRow, texts: readonly string[]): Promise<boolean> {
    let isRight = false;
    await this.#items.make([spanOf(first, this.#context)], async (request, next) => {
      isRight = request.body === `[${texts[0]}]`;
      if (isRight) {
        request.body = bytesOf(texts);
        await this.#deliver(request, next);
      } else this.#rows.distrust();
    });
    return isRight;
  }
}

/** The HTTP client would make them of a text twice: to count them, and to send them. */
function bytesOf(items: readonly string[]): Buffer {
  return Buffer.from(`[${items.join(",")}]`);
}
