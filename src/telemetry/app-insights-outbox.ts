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
  #waitingBytes = 0;
  readonly #underWay = new Set<Promise<void>>();
  /** Items and bytes, under way or not. */
  #size = 0;
  #bytes = 0;
  /** Items that have come, and those of them that are done with. */
  #added = 0;
  #done = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OutboxOptions<T>) {
    this.#options = options;
  }

  /** Items that wait or are under way. */
  get size(): number {
    return this.#size;
  }

  /** @param bytes about what the item takes */
  add(item: T, bytes: number): void {
    if (this.#size >= MAX_ITEMS || this.#bytes + bytes > MAX_BYTES) {
      this.#options.onDropped(1);
      return;
    }
    this.#waiting.push({ item, bytes });
    this.#waitingBytes += bytes;
    this.#size++;
    this.#bytes += bytes;
    this.#added++;
    if (this.#hasBatch) this.#pump();
    else this.#wait();
  }

  /** Resolves when all that is there now has been taken, or given up. */
  async flush(): Promise<void> {
    const upTo = this.#added;
    while (this.#done < upTo) {
      while (this.#waiting.length > 0 && this.#hasTurn) this.#sendBatch();
      await Promise.race(this.#underWay);
    }
  }

  get #hasBatch(): boolean {
    return this.#waiting.length >= MAX_BATCH || this.#waitingBytes >= MAX_BATCH_BYTES;
  }

  get #hasTurn(): boolean {
    return this.#underWay.size < (this.#options.isSlow() ? 1 : MAX_UNDER_WAY);
  }

  #wait(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#waiting.length > 0 && this.#hasTurn) this.#sendBatch();
      this.#pump();
    }, DELAY_MS).unref();
  }

  #pump(): void {
    while (this.#hasBatch && this.#hasTurn) this.#sendBatch();
    if (this.#waiting.length > 0) this.#wait();
  }

  #sendBatch(): void {
    let count = 0;
    let bytes = 0;
    do bytes += this.#waiting[count++]!.bytes;
    while (count < Math.min(MAX_BATCH, this.#waiting.length) && bytes < MAX_BATCH_BYTES);
    const items = this.#waiting.splice(0, count).map(({ item }) => item);
    this.#waitingBytes -= bytes;
    const sent = this.#options.send(items).finally(() => {
      this.#underWay.delete(sent);
      this.#size -= count;
      this.#bytes -= bytes;
      this.#done += count;
      this.#pump();
    });
    this.#underWay.add(sent);
  }
}
