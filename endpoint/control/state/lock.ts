// One process at a time runs an endpoint. A lock is a file with a number, and the highest number counts. Whoever finds that its
// process is gone makes the next lock, so nobody ever removes a lock that another process may just have taken.
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const NAME = /^lock\.(\d+)$/;

export interface Holder {
  readonly pid: number;
  /** When the process was started, in the system's words: systems give the number to other processes later. */
  readonly started: string;
}

export type Attempt = { readonly release: () => void } | { readonly heldBy: Holder };

/** Takes the folder's lock, or says who has it. @throws the disk's error */
export function takeLock(folder: string, self: Holder = describeSelf()): Attempt {
  for (;;) {
    const top = locksOf(folder).at(-1);
    const holder = top === undefined ? undefined : readHolder(join(folder, `lock.${top}`));
    if (holder !== undefined && isRunning(holder)) return { heldBy: holder };
    const number = (top ?? 0) + 1;
    const path = join(folder, `lock.${number}`);
    if (!create(folder, path, self)) continue;
    const locks = locksOf(folder);
    if (locks.at(-1) !== number) {
      // Others have come and gone since the look at the top; one of them may hold a higher one.
      rmSync(path, { force: true });
      continue;
    }
    for (const lower of locks) if (lower < number) rmSync(join(folder, `lock.${lower}`), { force: true });
    return { release: () => rmSync(path, { force: true }) };
  }
}

/** Who has the lock now; undefined: nobody that runs. */
export function lockHolder(folder: string): Holder | undefined {
  const top = locksOf(folder).at(-1);
  const holder = top === undefined ? undefined : readHolder(join(folder, `lock.${top}`));
  return holder !== undefined && isRunning(holder) ? holder : undefined;
}

/** @returns false when somebody else has been faster */
function create(folder: string, path: string, self: Holder): boolean {
  // A link appears with its content, so nobody sees an empty lock.
  const draft = join(folder, `draft.${randomUUID()}`);
  writeFileSync(draft, JSON.stringify(self), { mode: 0o600, flag: "wx" });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function locksOf(folder: string): number[] {
  try {
    const numbers = readdirSync(folder).flatMap((name) => NAME.exec(name)?.[1] ?? []);
    return numbers.map(Number).sort((one, other) => one - other);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

/** @returns undefined for a file that is gone or cannot be read */
function readHolder(path: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(readFileSync(path, "utf8")) as Partial<Holder>;
    return typeof pid === "number" && typeof started === "string" ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}

function describeSelf(): Holder {
  return { pid: process.pid, started: startOf(process.pid) ?? "" };
}

function isRunning({ pid, started }: Holder): boolean {
  return Number.isInteger(pid) && pid > 0 && startOf(pid) === started;
}

/** @returns undefined for a process that does not exist or has ended */
export function startOf(pid: number): string | undefined {
  try {
    if (process.platform === "linux") {
      // The name in brackets may hold blanks; the state follows it, and the start is the twentieth word from there.
      const words = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)!.split(" ");
      // Its other threads may live a little longer, and with them its sockets.
      if (words[0] === "X" || (words[0] === "Z" && readdirSync(`/proc/${pid}/task`).length === 1)) return undefined;
      return `${readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()} ${words[19]}`;
    }
    if (process.platform === "win32") {
      process.kill(pid, 0);
      return "running";
    }
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined;
  }
}
