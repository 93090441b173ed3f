// Programs that run in a terminal, as people start them.
import { execFile } from "node:child_process";
import { packageFile } from "../../src/core/package-root.ts";
import { DEADLINE_MS } from "./deadline.ts";

export interface TerminalOptions {
  /** On top of a plain environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  /** Ctrl+C is pressed when the terminal shows it. */
  readonly pressAt?: string;
}

export interface TerminalRun {
  /** All that the terminal got, with line ends as they were written. */
  readonly output: string;
  readonly code: number;
}

/** Without what says that nobody looks, or how. */
const { CI: _ci, NO_COLOR: _no, FORCE_COLOR: _force, COLORTERM: _depth, ...PLAIN } = process.env;

/** @param command program and arguments */
export function runInTerminal(
  command: readonly string[],
  { env = {}, columns = 80, pressAt = "" }: TerminalOptions = {},
): Promise<TerminalRun> {
  const args = [packageFile("test/python/terminal.py"), String(columns), pressAt, ...command];
  const options = { env: { ...PLAIN, TERM: "xterm-256color", ...env }, timeout: DEADLINE_MS };
  return new Promise((resolve) => {
    execFile("python3", args, options, (error, stdout) => {
      // The terminal sends line ends as its own.
      resolve({ output: stdout.replaceAll("\r\n", "\n"), code: (error?.code as number | undefined) ?? 0 });
    });
  });
}
