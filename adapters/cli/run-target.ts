// `scorefn build` and `scorefn invoke`, once their flags are read. Loads only the cloud that is asked for.
import { problem, readDescription } from "../../packaging/out-folder.ts";
import { formatReport } from "../../packaging/report.ts";
import { type Target, targetNamed } from "../../packaging/targets.ts";
import type { CommandHost, TargetCommand } from "./command.ts";
import type { InvokeCommand } from "./targets.ts";

/** @returns the exit code   @throws ConfigError that names the cause and the cure */
export async function runTarget(
  command: TargetCommand,
  { write, writeError }: Pick<CommandHost, "write" | "writeError">,
): Promise<number> {
  try {
    if (command.kind === "build") {
      write(`${formatReport(await named(command.target).build(command.options))}\n`);
      return 0;
    }
    const { directory, data } = command;
    return await (await targetOf(command)).invoke({ directory, data, write, writeError });
  } catch (error) {
    // The disk is full, a file may not be read: no fault of ours, and no stack of ours helps.
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (error instanceof Error && code !== undefined && syscall !== undefined) throw problem(error.message);
    throw error;
  }
}

/** What the build was made for. A folder that scorefn has not built may be named with its target. */
async function targetOf({ target, directory }: InvokeCommand): Promise<Target> {
  const isApp = target === "azure-functions";
  const built = await readDescription(directory).catch((error: Error) => {
    if (isApp) return undefined;
    throw error;
  });
  if (target !== undefined && built !== undefined && built.target !== target) {
    throw problem(`${directory} is a build for ${built.target}, not for ${target}; leave --target out`);
  }
  return named(built?.target ?? target!);
}

function named(name: string): Target {
  const target = targetNamed(name);
  if (target === undefined) throw problem(`this scorefn knows no target ${name}`);
  return target;
}
