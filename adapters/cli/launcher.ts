// A server that was started by `npx scorefn serve` runs below npm and a shell. When npm is killed, neither the shell nor the
// server gets a signal, and the server would run on unnoticed. So it watches npm, and stops as for SIGTERM when npm is gone.
// It is the same with the command that pip installs, where that stays as a process above the server.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { processEnvironment } from "../../src/host.ts";

/** How often the processes above are looked at, in milliseconds. */
const LOOK_MS = 1_000;

/** npm is the parent, or the parent's parent when there is a shell between. */
const MAX_DISTANCE = 3;

/** Calls `end` once, when the npm that runs this process by `npx` or `npm exec`, or pip's command, is gone, unless a signal has
 *  come before.
 *  A process that was started in another way watches nothing: its parent may end at any time. */
export function watchLauncher(end: () => void): void {
  const chain = chainToLauncher();
  if (chain === undefined) return;
  const timer = setInterval(() => {
    if (isWhole(chain)) return;
    clearInterval(timer);
    end();
  }, LOOK_MS).unref();
  // Ctrl+C reaches all of these processes, and a second signal would end at once what the first asks to end in an orderly way.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const stopWatching = (): void => {
      clearInterval(timer);
      // Nobody else has listened for it yet.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    };
    process.once(signal, stopWatching);
  }
}

function chainToLauncher(): readonly number[] | undefined {
  const { SCOREFN_LAUNCHER_PID: pid, npm_command: command } = processEnvironment;
  // What a server starts inherits the variable, but not the parent.
  if (pid === String(process.ppid)) return [process.ppid];
  return command === "exec" && process.platform !== "win32" ? chainToNpm() : undefined;
}

/** Process ids from the parent up to npm; undefined when npm is not there. A daemon (pm2, for example) that was started by
 *  npx once passes on its environment, but it is not npm. */
function chainToNpm(): readonly number[] | undefined {
  const own = describe(process.pid);
  const chain: number[] = [];
  let pid = process.ppid;
  while (chain.length < MAX_DISTANCE && pid > 0) {
    chain.push(pid);
    const { parent, command, session } = describe(pid);
    // A process with a session of its own (setsid) is meant to outlive the one that started it.
    if (session !== own.session) return undefined;
    if (/^np[mx]( |$)|\bnp[mx]-cli\.js\b/.test(command)) return chain;
    pid = parent;
  }
  return undefined;
}

/** True while each process is there. A process that has lost its parent has another one, although the old parent may stay in
 *  the process table until its exit is collected. */
function isWhole(chain: readonly number[]): boolean {
  if (process.ppid !== chain[0]) return false;
  if (process.platform !== "linux") return isAlive(chain.at(-1)!);
  return chain.slice(0, -1).every((pid, index) => describe(pid).parent === chain[index + 1]);
}

/** @returns parent 0 for a process that is not there */
function describe(pid: number): { readonly parent: number; readonly command: string; readonly session?: string } {
  try {
    if (process.platform === "linux") {
      // Not every image has ps. The name in brackets may hold blanks; state, parent, group and session follow it.
      const [, parent, , session] = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)!.split(" ");
      const command = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
      return { parent: Number(parent), command, session: session! };
    }
    const line = execFileSync("ps", ["-o", "ppid=,command=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return { parent: Number.parseInt(line, 10), command: line.replace(/^\d+\s+/, "") };
  } catch {
    return { parent: 0, command: "" };
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
