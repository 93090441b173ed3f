// One file of a model: fetched, continued where it broke off, checked.
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { attempt } from "../core/attempt.ts";
import { endEarly } from "../core/cancel.ts";
import type { Logger } from "../core/log.ts";
import { messageOf, property } from "../core/thrown.ts";
import { type Checksum, ModelChanged, type ModelFile, type ModelStore, modelError } from "./store.ts";

/** Times that a fetch is begun anew without a byte more than before. */
const MAX_FRUITLESS = 5;
/** Wait before it is begun anew, in milliseconds; doubled each time. */
const FIRST_PAUSE_MS = 500;
/** A store that sends nothing for so many milliseconds has hung up. */
const SILENCE_MS = 60_000;

/** Pieces in which a file is read to be checked. */
const READ_BYTES = 1024 * 1024;

export interface Download {
  readonly store: ModelStore;
  readonly file: ModelFile;
  /** Keeps what has been fetched until all of it is there. */
  readonly part: string;
  /** Where the whole file goes. */
  readonly target: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Told of bytes that are on the disk; negative when some were thrown away. */
  onBytes(count: number): void;
}

/** @throws ScoreError, ModelChanged */
export async function download({ store, file, part, target, log, signal, onBytes }: Download): Promise<void> {
  const checksum = await store.checksum(file, signal);
  let position = Math.min(await sizeOf(part), file.bytes + 1);
  if (position > file.bytes) {
    await rm(part);
    position = 0;
  }
  onBytes(position);
  let isContinued = position > 0;
  for (let fruitless = 0; ; ) {
    const before = position;
    try {
      const digest = await fetchRest();
      if (checksum === undefined || digest === checksum.hex || digest === undefined) break;
      await startAnew();
      const differs = `${file.name} has the ${checksum.algorithm} ${digest} and should have ${checksum.hex}`;
      if (!isContinued) {
        const cure = "it was damaged on the way or in its store: start again, or upload it anew";
        throw modelError("ERR_MODEL_CHECKSUM", `${differs}; ${cure}.`);
      }
      // What an earlier process left behind may have been damaged when it ended.
      isContinued = false;
      log.warning(`${differs}; it is fetched again from its beginning.`);
    } catch (error) {
      if (signal.aborted || error instanceof ModelChanged || !isPassing(error)) throw error;
      fruitless = position > before ? 1 : fruitless + 1;
      if (fruitless > MAX_FRUITLESS) throw broken(file, error);
      log.warning(`${file.name} broke off at byte ${position} of ${file.bytes} (${messageOf(error)}); continuing.`);
      if ((await sizeOf(part)) !== position) await startAnew();
      await delay(FIRST_PAUSE_MS * 2 ** (fruitless - 1), undefined, { signal });
    }
  }
  await rename(part, target);

  async function startAnew(): Promise<void> {
    await rm(part, { force: true });
    onBytes(-position);
    position = 0;
  }

  /** Appends what is missing. @returns hexadecimal digest of the whole file, where it is to be compared */
  async function fetchRest(): Promise<string | undefined> {
    const handle = await open(part, "a");
    try {
      if (position < file.bytes) await append(handle);
      if (position !== file.bytes) throw new Error("the store sent too little");
      await handle.sync();
      // A disk may take less than it is given, and another process that has stood still may go on to write.
      if ((await handle.stat()).size !== position) throw new Error("what is kept of it has another length");
    } finally {
      await handle.close();
    }
    return checksum === undefined ? undefined : digestOf(part, checksum, signal);
  }

  async function append(handle: FileHandle): Promise<void> {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(new Error("the store sends nothing")), SILENCE_MS);
    try {
      const either = AbortSignal.any([signal, silence.signal]);
      const content = await store.open(file, position, either);
      for await (const chunk of untilAborted(content, either)) {
        if (position + chunk.length > file.bytes) throw new ModelChanged(file.name);
        await handle.appendFile(chunk);
        position += chunk.length;
        onBytes(chunk.length);
        timer.refresh();
      }
    } catch (error) {
      throw silence.signal.aborted && !signal.aborted ? silence.signal.reason : error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Ends when the signal does, whatever the stream makes of it. */
async function* untilAborted(content: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  // One promise that all pieces race against would keep them all alive.
  let abort = (_reason: unknown): void => {};
  const onAbort = (): void => abort(signal.reason);
  signal.addEventListener("abort", onAbort);
  const iterator = content[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        abort = reject;
        if (signal.aborted) reject(signal.reason);
        iterator.next().then(resolve, reject);
      });
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    // A stream that is stuck does not even say that it has closed.
    endEarly(iterator);
  }
}

export async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}

/** Undefined where the algorithm may not be used on this machine. */
async function digestOf(file: string, { algorithm }: Checksum, signal: AbortSignal): Promise<string | undefined> {
  const hash = attempt<Hash | undefined>(() => createHash(algorithm), undefined);
  if (hash === undefined) return undefined;
  for await (const chunk of createReadStream(file, { highWaterMark: READ_BYTES, signal }))
    hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

const NO_ROOM = ["ENOSPC", "EDQUOT", "EFBIG"];
const ON_DISK = [
  ...NO_ROOM,
  "EACCES",
  "EPERM",
  "EROFS",
  "EIO",
  "ENOENT",
  "EISDIR",
  "ENOTDIR",
  "EEXIST",
  "ENAMETOOLONG",
];

/** A fault of the network, which may be over soon. */
function isPassing(error: unknown): boolean {
  const code = String(property(error, "code"));
  return code === "ERR_MODEL_FETCH" || !(code.startsWith("ERR_MODEL_") || ON_DISK.includes(code));
}

function broken(file: ModelFile, cause: unknown): Error {
  if (String(property(cause, "code")).startsWith("ERR_MODEL_")) return cause as Error;
  const message = `${file.name} cannot be fetched: it broke off ${MAX_FRUITLESS + 1} times in one place (${messageOf(cause)}). Start again: what is there is kept.`;
  return modelError("ERR_MODEL_FETCH", message, cause);
}

/** A fault of the disk as what it is for the user. @param folder the cache */
export function explainDisk(error: unknown, folder: string): unknown {
  const code = String(property(error, "code"));
  if (NO_ROOM.includes(code)) return noRoom(folder, code, error);
  if (!ON_DISK.includes(code)) return error;
  const message = `The model cannot be written below ${folder} (${messageOf(error)}): choose a folder that can be written to with --model_cache or SCOREFN_MODEL_CACHE.`;
  return modelError("ERR_MODEL_DISK", message, error);
}

export function noRoom(folder: string, why: string, cause?: unknown): Error {
  const cure = "make room there, or choose another disk with --model_cache or SCOREFN_MODEL_CACHE";
  return modelError(
    "ERR_MODEL_DISK",
    `There is not enough room for the model below ${folder} (${why}): ${cure}.`,
    cause,
  );
}
