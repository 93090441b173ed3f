import { type FSWatcher, type Stats, watch } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type FileState, hasChanged, stateOf } from "./file-state.ts";
import { isOwnFolder } from "./names.ts";

/** A folder that is watched. */
export interface Target {
  readonly path: string;
  /** With all folders below it. */
  readonly deep: boolean;
  /** Whether a file of this name counts. */
  readonly counts: (name: string) => boolean;
  /** Folders below it that do not. */
  readonly without: readonly string[];
  /** Same for the same target, however often it is made. */
  readonly key: string;
}

/** What a tree tells of itself. */
export interface TreeEvents {
  /** Something in it may have changed. */
  onEvent(): void;
  /** The system has no more watches to give. */
  onLimit(error: Error): void;
}

interface Folder {
  /** Which one it is, whatever its name. */
  readonly identity: string;
  readonly watcher: FSWatcher | undefined;
  readonly files: Map<string, FileState>;
  readonly folders: Set<string>;
}

/** One watch covers all that is below a folder. On Linux it would hold a watch for each file, and lose those that are replaced. */
const IS_RECURSIVE: boolean = process.platform === "darwin" || process.platform === "win32";

/** Links may lead round in circles; no source tree is as deep as this. */
const MAX_DEPTH = 32;

/** How much older than the start of a version a file may look that was written after it, in milliseconds: the clock of file
 *  systems is coarse. */
const CLOCK_SLACK_MS = 20;

/** A folder that is made in the place of one that was deleted often gets its number, but not its watch. */
const identityOf = ({ dev, ino, birthtimeMs }: Stats): string => `${dev}:${ino}:${birthtimeMs}`;

/** Keeps the state of a folder's files. Events only say where to look: what has changed is found by looking, so that one
 *  that is lost, doubled or early changes nothing. */
export class Tree {
  readonly #target: Target;
  readonly #events: TreeEvents;
  readonly #folders = new Map<string, Folder>();
  /** Of the folders above, which may be renamed or replaced. */
  #above: FSWatcher[] = [];
  #dirty = new Set<string>();
  #isPolled: boolean;
  #isClosed = false;

  /** @param isPolled true: it watches nothing, and all of it is looked at each time */
  constructor(target: Target, events: TreeEvents, isPolled: boolean) {
    this.#target = target;
    this.#events = events;
    this.#isPolled = isPolled;
  }

  /** Looks at everything for the first time.
   *  @param since files written after it have changed, in milliseconds since 1970   @returns their paths */
  async open(since: number): Promise<readonly string[]> {
    const found: string[] = [];
    this.#watchAbove();
    await this.#scan(this.#target.path, 0, found);
    const changed: string[] = [];
    for (const [path, { files }] of this.#folders) {
      for (const [name, { mtimeMs }] of files) if (mtimeMs > since - CLOCK_SLACK_MS) changed.push(join(path, name));
    }
    return changed;
  }

  /** Looks where something has happened. @returns paths of files that are new, changed or gone */
  async look(): Promise<readonly string[]> {
    const { path } = this.#target;
    const dirty = this.#isPolled ? [path, ...this.#folders.keys()] : [...this.#dirty];
    this.#dirty = new Set();
    const changed: string[] = [];
    // A folder before those below it.
    for (const folder of [...new Set(dirty)].sort((one, other) => one.length - other.length)) {
      if (folder === path) this.#watchAbove();
      if (folder === path || this.#folders.has(folder)) await this.#scan(folder, 0, changed);
    }
    return changed;
  }

  /** From now on everything is looked at each time. */
  poll(): void {
    this.#isPolled = true;
    this.#unwatch();
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
  }

  #unwatch(): void {
    for (const watcher of this.#above.splice(0)) watcher.close();
    for (const { watcher } of this.#folders.values()) watcher?.close();
  }

  async #scan(path: string, depth: number, changed: string[]): Promise<void> {
    const stats = await stat(path).catch(() => undefined);
    if (!stats?.isDirectory()) {
      this.#drop(path, changed);
      return;
    }
    const identity = identityOf(stats);
    const known = this.#folders.get(path);
    // Before it is read: what happens from here on comes as an event.
    const folder = known?.identity === identity ? known : this.#enter(path, identity, known);
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    if (this.#isClosed) return;
    const files = new Set<string>();
    const folders = new Set<string>();
    await Promise.all(
      entries.map(async (entry) => {
        const { name } = entry;
        const mayBeFolder = entry.isDirectory() || entry.isSymbolicLink();
        const mayBeFile = !entry.isDirectory() && this.#target.counts(name);
        const isWanted = mayBeFolder && this.#target.deep && depth < MAX_DEPTH && isOwnFolder(name);
        if (!mayBeFile && !isWanted) return;
        const child = join(path, name);
        const stats = await stat(child).catch(() => undefined);
        if (stats?.isDirectory() && isWanted && !this.#target.without.includes(child)) {
          folders.add(name);
          // What is known has events of its own, unless another has taken its place.
          if (this.#folders.get(child)?.identity !== identityOf(stats)) {
            if (!entry.isSymbolicLink() || !this.#isAbove(stats, path)) await this.#scan(child, depth + 1, changed);
          }
        } else if (stats?.isFile() && mayBeFile) {
          files.add(name);
          const before = folder.files.get(name);
          const now = await stateOf(child, stats, before);
          folder.files.set(name, now);
          if (before === undefined || hasChanged(before, now)) changed.push(child);
        }
      }),
    );
    for (const name of [...folder.files.keys()]) {
      if (files.has(name)) continue;
      folder.files.delete(name);
      changed.push(join(path, name));
    }
    for (const name of folder.folders) if (!folders.has(name)) this.#drop(join(path, name), changed);
    folder.folders.clear();
    for (const name of folders) folder.folders.add(name);
  }

  /** Whether a link leads back to a folder that it lies in. */
  #isAbove(stats: Stats, path: string): boolean {
    const identity = identityOf(stats);
    for (let folder = path; this.#folders.has(folder); folder = dirname(folder)) {
      if (this.#folders.get(folder)!.identity === identity) return true;
    }
    return false;
  }

  /** @param known what was there under that name */
  #enter(path: string, identity: string, known: Folder | undefined): Folder {
    known?.watcher?.close();
    const isCovered = IS_RECURSIVE && path !== this.#target.path;
    const watcher = isCovered
      ? undefined
      : this.#watch(path, IS_RECURSIVE && this.#target.deep, (name) => {
          this.#touch(name === null || !IS_RECURSIVE ? path : dirname(join(path, name)));
        });
    const { files = new Map<string, FileState>(), folders = new Set<string>() } = known ?? {};
    const folder = { identity, watcher, files, folders };
    this.#folders.set(path, folder);
    return folder;
  }

  #drop(path: string, changed: string[]): void {
    const folder = this.#folders.get(path);
    if (folder === undefined) return;
    folder.watcher?.close();
    this.#folders.delete(path);
    for (const name of folder.files.keys()) changed.push(join(path, name));
    for (const name of folder.folders) this.#drop(join(path, name), changed);
  }

  #touch(folder: string): void {
    this.#dirty.add(folder);
    this.#events.onEvent();
  }

  /** Whoever renames or replaces the folder, or one above it, changes nothing in the folder itself. */
  #watchAbove(): void {
    for (const watcher of this.#above.splice(0)) watcher.close();
    const { path } = this.#target;
    for (let child = path, folder = dirname(path); folder !== child; child = folder, folder = dirname(folder)) {
      const names = new Set([basename(child), basename(folder)]);
      const watcher = this.#watch(folder, false, (name) => {
        if (name === null || names.has(name)) this.#touch(path);
      });
      if (watcher !== undefined) this.#above.push(watcher);
      // There an open folder cannot be renamed.
      if (IS_RECURSIVE && watcher !== undefined) return;
    }
  }

  #watch(path: string, recursive: boolean, onEvent: (name: string | null) => void): FSWatcher | undefined {
    if (this.#isPolled || this.#isClosed) return undefined;
    try {
      // A server does not run on for the sake of its watches.
      const watcher = watch(path, { recursive, persistent: false }, (_event, name) => onEvent(name));
      watcher.on("error", () => {
        watcher.close();
        onEvent(null);
      });
      return watcher;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOSPC" || code === "EMFILE" || code === "ENFILE") this.#events.onLimit(error as Error);
      return undefined;
    }
  }
}
