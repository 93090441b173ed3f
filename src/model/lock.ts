// One process at a time, across processes and containers that share a folder: a file that its owner keeps fresh.
import { randomUUID } from "node:crypto";
import { readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { property } from "../core/thrown.ts";

/** How often the owner touches the file, in milliseconds. */
const TOUCH_MS = 2_000;
/** An owner that has not touched it for so many milliseconds is gone: it may have stood still for a while. */
const STALE_MS = 15_000;
/** How often those who wait look, in milliseconds. */
const LOOK_MS = 250;

/** The lock is another's by now: this process has stood still for so long that it was taken for gone. */
export class LockLost extends Error {}

export interface Hold {
  /** Aborts, with a LockLost, when the lock is found to be another's. */
  readonly lost: AbortSignal;
  /** To be asked before what must not be done twice. @throws LockLost */
  check(): Promise<void>;
}

/** Does the work while no other process does work under the same lock.
 *  @param onWait called once when there is somebody to wait for */
export async function withLock<T>(
  file: string,
  signal: AbortSignal,
  onWait: () => void,
  work: (hold: Hold) => Promise<T>,
): Promise<T> {
  const token = `${process.pid} ${randomUUID()}`;
  let isWaiting = false;
  while (!(await create(file, token))) {
    if (await isStale(file)) await discard(file);
    else {
      if (!isWaiting) onWait();
      isWaiting = true;
      await delay(LOOK_MS, undefined, { signal });
    }
  }
  const losing = new AbortController();
  const check = async (): Promise<void> => {
    if ((await read(file)) !== token) losing.abort(new LockLost(`${file} was taken over by another process`));
    losing.signal.throwIfAborted();
  };
  const touchOwn = (): Promise<void> => check().then(() => touch(file));
  const timer = setInterval(() => void touchOwn().catch(() => {}), TOUCH_MS).unref();
  try {
    return await work({ lost: losing.signal, check });
  } catch (error) {
    // What fails because of it says less.
    await check();
    throw error;
  } finally {
    clearInterval(timer);
    // It may have been taken for stale, and be another's by now.
    if ((await read(file)) === token) await rm(file, { force: true });
  }
}

async function create(file: string, token: string): Promise<boolean> {
  try {
    await writeFile(file, token, { flag: "wx" });
    return true;
  } catch (error) {
    if (property(error, "code") === "EEXIST") return false;
    throw error;
  }
}

function touch(file: string): Promise<void> {
  const now = new Date();
  return utimes(file, now, now);
}

function read(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(() => undefined);
}

async function isStale(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > STALE_MS;
}

/** Of several that find the same stale file one wins: it is put aside under a guard, and looked at again there. */
async function discard(file: string): Promise<void> {
  const guard = `${file}.guard`;
  if (!(await create(guard, ""))) {
    // Held for an instant only, unless its owner died in it.
    if (await isStale(guard)) await rm(guard, { force: true });
    return;
  }
  try {
    if (!(await isStale(file))) return;
    const aside = `${file}.${process.pid}`;
    await rename(file, aside).catch(() => {});
    await rm(aside, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}
