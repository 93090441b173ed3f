/** Items that wait. At a span or record of some 2 kB it is the memory that telemetry may take at most in one outbox. */
const MAX_ITEMS = 4_096;
/** Bytes that wait, about: bodies and messages make some items big. */
const MAX_BYTES = 8_000_000;
/** Items of one batch: more would hold up requests for milliseconds while it is made into JSON. */
const MAX_BATCH = 250;
/** Bytes of one batch, about; the service takes no large ones. */
const MAX_BATCH_BYTES = 1_000_000;
/** Batches under way at a time. With the service 0.1 s away these are 10,000 items a second. */
const MAX_UNDER_WAY = 4;
/** How long an item waits for others, in milliseconds: what the reference takes. */
const DELAY_MS = 5_000;

interface Waiting<T> {
  readonly item: T;
  readonly bytes: number;
}

export interface OutboxOptions<T> {
  /** Never rejects. */
  readonly send: (items: readonly T[]) => Promise<void>;
  /** Told of items that found no room. */
  readonly onDropped: (count: number) => void;
  /** While true, batches go one by one. */
  readonly isSlow: () => boolean;
}

/** What is to be sent, in batches. It holds a bounded number of items and bytes, and drops what comes beyond them. */
export class Outbox<T> {
  readonly #options: OutboxOptions<T>;
  #waiting: Waiting<T>[] = [];
  #bytes = 0;
  readonly #underWay = new Set<Promise<void>>();
  #itemsUnderWay = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OutboxOptions<T>) {
    this.#options = options;
  }

  /** Items that wait or are under way. */
  get size(): number {
    return this.#waiting.length + this.#itemsUnderWay;
  }

  /** @param bytes about what the item takes */
  add(item: T, bytes: number): void {
    if (this.#waiting.length >= MAX_ITEMS || this.#bytes + bytes > MAX_BYTES) {
      this.#options.onDropped(1);
      return;
    }
    this.#waiting.push({ item, bytes });
    this.#bytes += bytes;
    if (this.#hasBatch) this.#pump();
    else this.#wait();
  }

  /** Sends what waits now. Resolves when it has been taken, or given up. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0) this.#sendBatch();
    await Promise.all(this.#underWay);
  }

  get #hasBatch(): boolean {
    return this.#waiting.length >= MAX_BATCH || this.#bytes >= MAX_BATCH_BYTES;
  }

  #wait(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#underWay.size === 0) this.#sendBatch();
      this.#pump();
    }, DELAY_MS).unref();
  }

  #pump(): void {
    const most = this.#options.isSlow() ? 1 : MAX_UNDER_WAY;
    while (this.#hasBatch && this.#underWay.size < most) this.#sendBatch();
    if (this.#waiting.length > 0) this.#wait();
  }

  #sendBatch(): void {
    let count = 0;
    let bytes = 0;
    while (count < Math.min(MAX_BATCH, this.#waiting.length) && bytes < MAX_BATCH_BYTES) {
      bytes += this.#waiting[count++]!.bytes;
    }
    if (count === 0) return;
    const items = this.#waiting.splice(0, count).map(({ item }) => item);
    this.#bytes -= bytes;
    this.#itemsUnderWay += count;
    const sent = this.#options.send(items).finally(() => {
      this.#underWay.delete(sent);
      this.#itemsUnderWay -= count;
      this.#pump();
    });
    this.#underWay.add(sent);
  }
}
