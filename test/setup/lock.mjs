import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 200;

/** @type {typeof import("./lock.d.mts").withLock} */
export async function withLock(directory, deadlineMs, work) {
  await acquire(directory, performance.now() + deadlineMs);
  try {
    return await work();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** @param {string} directory @param {number} deadline on the clock of performance.now() */
async function acquire(directory, deadline) {
  while (!(await tryAcquire(directory))) {
    const owner = await readOwner(directory);
    if (owner !== undefined && !isAlive(owner)) await discard(directory);
    else if (performance.now() > deadline) {
      throw new Error(
        `process ${owner ?? "?"} has held ${directory} for too long; remove it if that process is not a test run`,
      );
    } else await delay(POLL_MS);
  }
}

/** @param {string} directory */
async function tryAcquire(directory) {
  try {
    await mkdir(directory);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  }
  await writeFile(join(directory, "pid"), String(process.pid));
  return true;
}

/** Undefined while the owner is just about to write its number, or has released the lock. @param {string} directory */
async function readOwner(directory) {
  const text = await readFile(join(directory, "pid"), "utf8").catch(() => "");
  return text === "" ? undefined : Number(text);
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/** Renames first: of several processes that find the same dead owner only one succeeds. @param {string} directory */
async function discard(directory) {
  const aside = `${directory}.${process.pid}`;
  await rename(directory, aside).catch(() => undefined);
  await rm(aside, { recursive: true, force: true });
}
