import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A pipe of the system's, for what a worker writes. */
export interface OutputPipe {
  readonly reader: Socket;
  /** To be closed once the worker has it. */
  readonly writeFd: number;
}

/** What Node calls a pipe is a pair of sockets, and Linux opens no socket by its path: a script that opens `/dev/stdout`, as
 *  scripts for containers do, would fail. A real pipe takes a named one, since Node makes no other; it has its name only for a
 *  moment.
 *  @returns one for each name; undefined: this system needs none, or makes none */
export function openOutputPipes(names: readonly string[]): OutputPipe[] | undefined {
  if (process.platform !== "linux") return undefined;
  const pipes: OutputPipe[] = [];
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(tmpdir(), "scorefn-output-"));
    const paths = names.map((name) => join(folder!, name));
    if (spawnSync("mkfifo", ["-m", "600", ...paths], { stdio: "ignore" }).status !== 0) return undefined;
    for (const path of paths) pipes.push(openPipe(path));
    return pipes;
  } catch {
    for (const pipe of pipes) discard(pipe);
    return undefined;
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

function openPipe(path: string): OutputPipe {
  // In this order and so neither waits for the other end.
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const writeFd = openSync(path, constants.O_WRONLY);
    return { reader: new Socket({ fd: readFd, readable: true, writable: false }), writeFd };
  } catch (error) {
    closeSync(readFd);
    throw error;
  }
}

function discard({ reader, writeFd }: OutputPipe): void {
  reader.destroy();
  closeSync(writeFd);
}
