import { type Target, Tree } from "./tree.ts";

/** So long after the last event files are looked at, in milliseconds: editors save in several steps, and tools write many files. */
const DEBOUNCE_MS = 100;

/** Where events never end, files are looked at so often all the same, in milliseconds. */
const MAX_WAIT_MS = 1_000;

/** How often files are looked at where the system tells nothing of them, in milliseconds. */
const POLL_MS = 500;

export interface WatcherOptions {
  /** Files that count have changed. Called with at least one path. */
  readonly onChange: (paths: readonly string[]) => void;
  readonly onWarning: (message: string) => void;
  /** Asks the system for nothing. Default: only where it has nothing to give. */
  readonly isPolled?: boolean;
}

/** Tells of changed files below folders. */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #trees = new Map<string, Tree>();
  #timer: NodeJS.Timeout | undefined;
  #firstEventAt: number | undefined;
  /** What is under way: one look at a time. */
  #turn: Promise<void> = Promise.resolve();
  #isPolled: boolean;
  #isClosed = false;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#isPolled = options.isPolled ?? false;
  }

  /** Watches these from now on, and nothing else. Resolves when no change after `since` can pass unnoticed any more.
   *  @param since in milliseconds since 1970: what has been written after it in folders that are new here has changed */
  watch(targets: readonly Target[], since: number): Promise<void> {
    return this.#next(async () => {
      const wanted = new Map(targets.map((target) => [target.key, target]));
      for (const [key, tree] of this.#trees) {
        if (wanted.has(key)) continue;
        tree.close();
        this.#trees.delete(key);
      }
      const added = [...wanted].filter(([key]) => !this.#trees.has(key));
      const changed = await Promise.all(added.map(([key, target]) => this.#add(key, target, since)));
      this.#tell(changed.flat());
      if (this.#isPolled) this.#poll();
    });
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const tree of this.#trees.values()) tree.close();
  }

  async #add(key: string, target: Target, since: number): Promise<readonly string[]> {
    const events = { onEvent: () => this.#event(), onLimit: (error: Error) => this.#limit(error) };
    const tree = new Tree(target, events, this.#isPolled);
    this.#trees.set(key, tree);
    return tree.open(since);
  }

  #event(): void {
    if (this.#isPolled || this.#isClosed) return;
    const now = performance.now();
    this.#firstEventAt ??= now;
    const waitMs = Math.min(DEBOUNCE_MS, Math.max(0, this.#firstEventAt + MAX_WAIT_MS - now));
    this.#lookIn(waitMs);
  }

  #poll(): void {
    if (!this.#isClosed) this.#lookIn(POLL_MS);
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.#next(async () => {
        this.#firstEventAt = undefined;
        const changed = await Promise.all([...this.#trees.values()].map((tree) => tree.look()));
        this.#tell(changed.flat());
        if (this.#isPolled) this.#poll();
      });
    }, ms).unref();
  }

  #tell(paths: readonly string[]): void {
    if (!this.#isClosed && paths.length > 0) this.#options.onChange([...new Set(paths)]);
  }

  #limit(error: Error): void {
    if (this.#isPolled || this.#isClosed) return;
    this.#isPolled = true;
    this.#options.onWarning(
      `The system has no more watches for files (${error.message}): they are looked at every ${POLL_MS} ms instead. On Linux raise fs.inotify.max_user_watches or fs.inotify.max_user_instances.`,
    );
    for (const tree of this.#trees.values()) tree.poll();
    this.#poll();
  }

  #next(action: () => Promise<void>): Promise<void> {
    // A file that vanishes while it is looked at has an event of its own.
    this.#turn = this.#turn.then(() => (this.#isClosed ? undefined : action())).catch(() => {});
    return this.#turn;
  }
}
