import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A pipe for the output of a worker. */
export interface OutputPipe {
  readonly reader: Socket;
  /** To be closed once the worker has it. */
  readonly writeFd: number;
}

/** Makes pipes that a script can open by path, as `/dev/stdout`: scripts for containers do. What Node calls a pipe is a pair of
 *  sockets, and Linux opens no socket by its path. Node cannot make a real pipe, so the program `mkfifo` makes a named one, which
 *  loses its name at once. That takes about as long as the start of the worker's process.
 *  @returns one for each name; undefined: this system needs none, or `mkfifo` fails */
export function openOutputPipes(names: readonly string[]): OutputPipe[] | undefined {
  if (process.platform !== "linux") return undefined;
  const pipes: OutputPipe[] = [];
  try {
    const folder = mkdtempSync(join(tmpdir(), "scorefn-output-"));
    try {
      const paths = names.map((name) => join(folder, name));
      if (spawnSync("mkfifo", ["-m", "600", ...paths], { stdio: "ignore" }).status !== 0) return undefined;
      for (const path of paths) pipes.push(openPipe(path));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return pipes;
  } catch {
    for (const { reader, writeFd } of pipes) {
      reader.destroy();
      closeSync(writeFd);
    }
    return undefined;
  }
}

function openPipe(path: string): OutputPipe {
  // In this order, and without blocking: neither call waits for the other end.
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const writeFd = openSync(path, constants.O_WRONLY);
    return { reader: new Socket({ fd: readFd, readable: true, writable: false }), writeFd };
  } catch (error) {
    closeSync(readFd);
    throw error;
  }
}
