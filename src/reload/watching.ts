import { setTimeout as delay } from "node:timers/promises";
import { importedFiles, isJavaScriptFile } from "./imports.ts";
import { outsideOf, targetsOf } from "./targets.ts";
import type { Made } from "./version.ts";
import { Watcher, type WatcherOptions } from "./watcher.ts";

/** So long the compiler waits before it reads a script's imports, in milliseconds: the worker, which compiles them at that time,
 *  needs the processor more. What is edited until then shows by its time. */
const READ_AFTER_MS = 500;

/** Watches what the newest version is made of. */
export class Watching {
  readonly #watcher: Watcher;
  #newest: Pick<Made, "config" | "readAt"> | undefined;
  /** Modules of the newest version that lie elsewhere, as far as they are known. */
  #outside: readonly string[] = [];
  /** One compiler at a time. */
  #reading: Promise<void> = Promise.resolve();

  constructor(options: WatcherOptions) {
    this.#watcher = new Watcher(options);
  }

  /** Resolves when no edit of its folders can pass unnoticed any more. What it imports from elsewhere is found while it loads. */
  async follow(version: Pick<Made, "config" | "readAt">): Promise<void> {
    this.#newest = version;
    await this.#watch(version);
    const { entryScript } = version.config;
    if (entryScript === null || !isJavaScriptFile(entryScript)) return;
    this.#reading = this.#reading.then(async () => {
      await delay(READ_AFTER_MS, undefined, { ref: false });
      if (this.#newest !== version) return;
      const files = await importedFiles(entryScript);
      if (this.#newest !== version) return;
      this.#outside = outsideOf(files, version.config);
      await this.#watch(version);
    });
  }

  close(): void {
    this.#newest = undefined;
    this.#watcher.close();
  }

  #watch({ config, readAt }: Pick<Made, "config" | "readAt">): Promise<void> {
    return this.#watcher.watch(targetsOf(config, this.#outside), readAt);
  }
}
