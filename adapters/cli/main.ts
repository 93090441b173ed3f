import { paintFor } from "../../src/host.ts";
import { runCommand } from "./command.ts";
import type { Program, ToolCommand } from "./command-line.ts";
import { watchLauncher } from "./launcher.ts";
import { screenOf } from "./output.ts";

/** Runs the command in this process and ends the process with the command's exit code.
 *  @param args without interpreter and program */
export async function main(program: Program, args: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    // The reader of our output may leave (`| head`), which must not end the server.
    stream.on("error", () => {});
  }
  const code = await runCommand(program, args, {
    write: (text) => process.stdout.write(text),
    writeError: (text) => process.stderr.write(text),
    screen: screenOf(process.stdout),
    paint: paintFor(process.stderr),
    ...(process.pid === 1 && {
      delegate: async (flags) => (await import("./process-one.ts")).serveBelowReaper(flags),
    }),
    serve: async (config, reserved, reloads) => {
      watchLauncher(() => process.kill(process.pid, "SIGTERM"));
      return (await import("../http/serve.ts")).serve(config, reserved, reloads);
    },
    openPage: (url) => void import("./open-page.ts").then(({ openPage }) => openPage(url)),
    reservePort: async (host) => (await import("../http/reserve-port.ts")).reservePort(host),
    runTool,
    runTarget: async (command, host) => (await import("./run-target.ts")).runTarget(command, host),
  });
  await Promise.all([drained(process.stdout), drained(process.stderr)]);
  process.exit(code);
}

async function runTool({ name, args }: ToolCommand): Promise<number> {
  if (name === "check") return (await import("./check/main.ts")).main(args);
  if (name === "init") return (await import("./init/main.ts")).main(args);
  return (await import("./online/main.ts")).main(name, args);
}

/** How long the end waits for a reader of our output that takes nothing, in milliseconds. */
const DRAIN_MS = 2_000;

/** Resolves when everything written so far has left: on a pipe later than now, and never if nobody reads. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, DRAIN_MS);
    stream.write("", () => resolve());
  });
}
