// Brings a model to this machine, once.
import { mkdir, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Log } from "../core/log.ts";
import { property } from "../core/thrown.ts";
import { openBlobs } from "./blob.ts";
import { ModelCache, openCacheFolder } from "./cache.ts";
import { download, explainDisk, noRoom, sizeOf } from "./download.ts";
import { openLocal } from "./local.ts";
import { type Hold, LockLost, withLock } from "./lock.ts";
import { formatBytes, Progress } from "./progress.ts";
import { openS3 } from "./s3.ts";
import { parseModelUri, shownUri } from "./source.ts";
import { ModelChanged, type ModelFile, type ModelStore, modelError } from "./store.ts";

export interface FetchOptions {
  readonly uri: string;
  /** Folder that models are kept in; null: the user's cache, or the folder for temporary files. */
  readonly cache: string | null;
  /** Folders in which the clouds' packages are looked for first. */
  readonly packageFolders: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Files that are fetched at a time: one connection seldom fills a line. */
const AT_A_TIME = 4;
/** Times that a model may change while it is fetched. */
const MAX_CHANGES = 3;

/** Fetches what the cache lacks. @returns the model directory, which is complete
 *  @throws ScoreError with one of the codes `ERR_MODEL_*`; the signal's reason when it aborts */
export async function fetchModel(options: FetchOptions, { server: log }: Log, signal: AbortSignal): Promise<string> {
  const shown = shownUri(options.uri);
  const root = await openCacheFolder(options.cache, options.env);
  const cache = new ModelCache(root, shown);
  const store = openStore(options);
  for (let changes = 0; ; changes++) {
    try {
      return await fetchListed();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof LockLost) {
        log.warning(`Another process has taken over to fetch ${shown}, as this one had stood still; it is waited for.`);
        continue;
      }
      if (!(error instanceof ModelChanged)) throw explainDisk(error, root);
      if (changes === MAX_CHANGES) {
        throw modelError(
          "ERR_MODEL_FETCH",
          `${shown} keeps changing while it is fetched; start again when it is complete.`,
        );
      }
      log.warning(`${shown} has changed while it was fetched; its files are listed again.`);
    }
  }

  async function fetchListed(): Promise<string> {
    let files: readonly ModelFile[];
    try {
      files = await store.list(signal);
    } catch (error) {
      const known = property(error, "code") === "ERR_MODEL_FETCH" ? await cache.findLatest() : undefined;
      if (known === undefined || signal.aborted) throw error;
      log.warning(`${(error as Error).message} The model that was fetched last is used: ${known}`);
      return known;
    }
    if (files.length === 0) throw modelError("ERR_MODEL_NOT_FOUND", `There is nothing at ${shown}: check the address.`);
    const known = await cache.find(files);
    if (known !== undefined && known === (await cache.findLatest())) return found(known);
    await mkdir(cache.folder, { recursive: true });
    const onWait = (): void => log.info(`Waiting for another process that fetches ${shown}`);
    return withLock(cache.lockFile, signal, onWait, async (hold) => {
      const other = await cache.find(files);
      if (other === undefined) return fetchFiles(files, hold);
      // Perhaps it is the version before, which is back.
      await cache.use(files);
      return found(other);
    });
  }

  function found(folder: string): string {
    log.info(`The model of ${shown} is in the cache: ${folder}`);
    return folder;
  }

  async function fetchFiles(files: readonly ModelFile[], hold: Hold): Promise<string> {
    const startedAt = performance.now();
    const missing = await cache.prepare(files);
    const bytes = missing.reduce((sum, file) => sum + file.bytes, 0);
    await checkRoom(missing, bytes);
    log.info(`Fetching the model of ${shown}: ${missing.length} of ${files.length} files, ${formatBytes(bytes)}`);
    const progress = new Progress(bytes, (text) => log.info(text));
    const stop = new AbortController();
    const waiting = [...missing];
    const work = async (): Promise<void> => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
        const target = join(cache.staging, file.path);
        const either = AbortSignal.any([signal, stop.signal, hold.lost]);
        const onBytes = (count: number): void => progress.add(count);
        await mkdir(dirname(target), { recursive: true });
        await download({ store, file, part: cache.partOf(file), target, log, signal: either, onBytes });
        await hold.check();
        await cache.staged(file);
      }
    };
    try {
      // The first failure ends the others, which are waited for: nothing is written once the lock is gone.
      const failures: unknown[] = [];
      const fail = (error: unknown): void => {
        failures.push(error);
        stop.abort();
      };
      await Promise.all(Array.from({ length: Math.min(AT_A_TIME, missing.length) }, () => work().catch(fail)));
      if (failures.length > 0) throw failures[0];
      await hold.check();
    } finally {
      progress.end();
    }
    const folder = await cache.complete(files);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    log.info(`The model of ${shown} is complete after ${seconds} s: ${folder}`);
    return folder;
  }

  /** Before anything is fetched: a disk that is full harms others, too. */
  async function checkRoom(missing: readonly ModelFile[], bytes: number): Promise<void> {
    const kept = await Promise.all(missing.map((file) => sizeOf(cache.partOf(file))));
    const needed = bytes - kept.reduce((sum, size) => sum + size, 0);
    const { bavail, bsize, blocks } = await statfs(cache.folder);
    const free = bavail * bsize;
    // One that has no blocks at all does not tell: a mounted store, or memory without a limit.
    if (blocks > 0 && needed > free)
      throw noRoom(root, `${formatBytes(needed)} are needed and ${formatBytes(free)} are free`);
  }
}

function openStore({ uri, packageFolders, env }: FetchOptions): ModelStore {
  const source = parseModelUri(uri);
  switch (source.kind) {
    case "s3":
      return openS3(source, packageFolders, Boolean(env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL));
    case "blob":
      return openBlobs(source, packageFolders);
    case "file":
      return openLocal(source.path);
  }
}
