import { createInterface } from "node:readline";
import { paintFor, processEnvironment } from "../../../src/host.ts";
import { screenOf } from "../output.ts";
import { runInit } from "./run-init.ts";

/** Runs the command in this process.
 *  @param args what follows the word `init`   @returns the exit code */
export function main(args: readonly string[]): Promise<number> {
  return runInit(args, {
    cwd: process.cwd(),
    env: processEnvironment,
    platform: process.platform,
    write: (text) => process.stdout.write(text),
    writeError: (text) => process.stderr.write(text),
    screen: screenOf(process.stdout),
    paint: paintFor(process.stderr),
    ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  });
}

/** @returns undefined at the end of the input, and at Ctrl+C */
function ask(question: string): Promise<string | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    terminal.once("close", () => {
      process.stderr.write("\n");
      resolve(undefined);
    });
    terminal.question(question, (answer) => {
      terminal.removeAllListeners("close");
      terminal.close();
      resolve(answer);
    });
  });
}
