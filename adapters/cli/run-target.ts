// `scorefn build` and `scorefn invoke`, once their flags are read. Loads only the cloud that is asked for.
import { resolveInputs, type Step } from "../../packaging/inputs.ts";
import { problem, readDescription } from "../../packaging/out-folder.ts";
import { Problems } from "../../packaging/problems.ts";
import { type BuildReport, formatReport } from "../../packaging/report.ts";
import { readRequestData } from "../../packaging/request-data.ts";
import { type Target, targetNamed } from "../../packaging/targets.ts";
import { processEnvironment } from "../../src/host.ts";
import type { CommandHost, TargetCommand } from "./command.ts";
import { type Progress, progressTo } from "./progress.ts";
import type { BuildCommand, InvokeCommand } from "./targets.ts";

type Output = Pick<CommandHost, "write" | "writeError">;

/** @param openProgress for a command that may take long   @returns the exit code
 *  @throws ConfigError that names the cause and the cure */
export async function runTarget(
  command: TargetCommand,
  { write, writeError }: Output,
  openProgress: (isQuiet: boolean) => Progress = (isQuiet) => progressTo(process.stderr, processEnvironment, isQuiet),
): Promise<number> {
  const progress = openProgress(command.kind === "build" ? command.options.quiet === true : command.isQuiet);
  try {
    if (command.kind === "build") {
      const report = await build(command, progress);
      progress.end();
      write(`${formatReport(report)}\n`);
      return 0;
    }
    return await invoke(command, progress, {
      write: (text) => progress.beside(text, write),
      writeError: (text) => progress.beside(text, writeError),
    });
  } catch (error) {
    // The disk is full, a file may not be read: no fault of ours, and no stack of ours helps.
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (error instanceof Error && code !== undefined && syscall !== undefined) throw problem(error.message);
    throw error;
  } finally {
    progress.end();
  }
}

async function build({ target, options, problems }: BuildCommand, progress: Progress): Promise<BuildReport> {
  const step: Step = (text, detail) => progress.step(text, detail);
  if (target !== undefined) return named(target).build({ ...options, problems }, step);
  const found = new Problems(problems);
  resolveInputs(options, found);
  found.throwIfAny();
  throw problem("--target is missing");
}

async function invoke(command: InvokeCommand, progress: Progress, output: Output): Promise<number> {
  const { directory, data } = command;
  const found = new Problems(command.problems);
  const target = directory === undefined ? undefined : await found.wait(() => targetOf(command.target, directory));
  if (data !== undefined) await found.wait(() => readRequestData(data));
  found.throwIfAny();
  return target!.invoke({ directory: directory!, data: data!, ...output, step: (text) => progress.step(text) });
}

/** What the build was made for. A folder that scorefn has not built may be named with its target. */
async function targetOf(target: string | undefined, directory: string): Promise<Target> {
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
