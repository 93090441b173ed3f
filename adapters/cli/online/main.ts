import { createInterface } from "node:readline/promises";
import { PARTS } from "../../../endpoint/control/parts.ts";
import type { Parts } from "../../../endpoint/control/types.ts";
import { boundedLines, logStream, packageFile, paintFor, processEnvironment } from "../../../src/host.ts";
import { screenOf } from "../output.ts";
import { liveProgress } from "../progress.ts";
import type { Noun } from "./flags.ts";
import { runOnline } from "./index.ts";

const PROGRAM = packageFile("dist/adapters/cli/online/process.js");

/** Runs the command in this process.
 *  @param args what follows the noun   @param program of the processes of endpoints   @returns the exit code */
export function main(
  noun: Noun,
  args: readonly string[],
  parts: Parts = PARTS,
  program: string = PROGRAM,
): Promise<number> {
  const progress = liveProgress(process.stderr, processEnvironment);
  return runOnline(noun, args, {
    write: (text) => process.stdout.write(text),
    writeOn: (text) => new Promise((resolve) => process.stdout.write(text, (error) => resolve(!error))),
    writeError: (text) => process.stderr.write(text),
    tell: (text) => process.stderr.write(text),
    openLog: () => boundedLines(logStream(process.stdout)),
    screen: screenOf(process.stdout),
    paint: paintFor(process.stderr),
    ...(progress && { progress }),
    env: processEnvironment,
    cwd: process.cwd(),
    parts,
    program: [process.execPath, ...process.execArgv, program],
    ...(process.stdin.isTTY && { ask }),
  });
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // At Ctrl+D there is no answer, and nothing else to wait for.
    const closed = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
    return await Promise.race([terminal.question(question), closed]);
  } finally {
    terminal.close();
  }
}
