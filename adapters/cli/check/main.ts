// `scorefn check`, from its words to its exit code.
import { appendFileSync } from "node:fs";
import { Output } from "../../../check/output.ts";
import { azureIssues, disarmed, githubAnnotations, githubSummary } from "../../../check/reports/ci.ts";
import { rootOf } from "../../../check/reports/places.ts";
import { type TextOptions, textOfResult, textOfVerdict } from "../../../check/reports/text.ts";
import { writeReports } from "../../../check/reports/write.ts";
import { findRequests } from "../../../check/requests.ts";
import { EXIT_USAGE, type Outcome } from "../../../check/run.ts";
import type { Report } from "../../../check/types.ts";
import { type Environment, InvalidSettingsError, paintFor, processEnvironment, ScoreError } from "../../../src/host.ts";
import { formatHelp } from "../help/page.ts";
import { errorLine, screenOf } from "../output.ts";
import { type CheckCommand, readCheck } from "./command-line.ts";
import { checkPage } from "./help.ts";
import { prepare } from "./prepare.ts";

/** Runs the command in this process.
 *  @param args what follows the word `check`   @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  const cwd = process.cwd();
  const env = processEnvironment;
  const command = readCheck(args, cwd);
  if (command.help) {
    process.stdout.write(formatHelp(checkPage(), screenOf(process.stdout)));
    return 0;
  }
  const isStdoutTaken = command.reports.some(({ path }) => path === "-");
  const stream = isStdoutTaken ? process.stderr : process.stdout;
  const text: TextOptions = { cwd, stream };
  const write = (lines: string): void => void stream.write(isCi(env) ? disarmed(lines) : lines);
  const output = new Output((lines) => void process.stderr.write(lines));
  const problems = [...command.problems];
  try {
    const prepared = await prepare(command, { cwd, env, output, isStdoutTaken }, problems);
    const found = await findRequests({ ...command, cwd, folder: prepared === undefined ? cwd : prepared.folder });
    problems.push(...found.problems);
    if (problems.length > 0 || prepared === undefined) return usageErrors(problems);
    write(`scorefn check ${prepared.name}\n\n`);
    const outcome = await prepared.run(found, (result) => write(textOfResult(result, text)));
    write(textOfVerdict(outcome.report, text));
    return report(outcome, command, { cwd, env, stream });
  } catch (error) {
    if (error instanceof InvalidSettingsError) {
      usageErrors([...problems, ...error.problems.map((problem) => problem.text)]);
      return error.exitCode;
    }
    if (!(error instanceof ScoreError)) throw error;
    return usageErrors([...problems, error.message]);
  }
}

function isCi(env: Environment): boolean {
  return isGitHub(env) || isAzure(env);
}

function isGitHub(env: Environment): boolean {
  return env.GITHUB_ACTIONS === "true";
}

function isAzure(env: Environment): boolean {
  return /^true$/i.test(env.TF_BUILD ?? "");
}

function tell(problems: readonly string[]): void {
  const paint = paintFor(process.stderr);
  for (const problem of problems) process.stderr.write(errorLine("scorefn check", problem, paint));
}

function usageErrors(problems: readonly string[]): number {
  tell(problems);
  return EXIT_USAGE;
}

interface Surroundings {
  readonly cwd: string;
  readonly env: Environment;
  readonly stream: NodeJS.WriteStream;
}

/** Files, annotations and the table; a check that passed and cannot say so has not passed. */
function report(
  { report: made, exitCode }: Outcome,
  { reports }: CheckCommand,
  { cwd, env, stream }: Surroundings,
): number {
  const root = rootOf(cwd, env);
  if (isGitHub(env)) stream.write(githubAnnotations(made, root));
  if (isAzure(env)) stream.write(azureIssues(made, root));
  const problems = writeReports(reports, made, root, cwd, (text) => void process.stdout.write(text));
  problems.push(...writeSummary(made, env));
  tell(problems);
  return problems.length > 0 && exitCode === 0 ? EXIT_USAGE : exitCode;
}

function writeSummary(made: Report, env: Environment): string[] {
  const file = env.GITHUB_STEP_SUMMARY;
  if (!isGitHub(env) || file === undefined || file === "") return [];
  try {
    appendFileSync(file, githubSummary(made));
    return [];
  } catch (error) {
    return [`the table cannot be written to GITHUB_STEP_SUMMARY: ${(error as Error).message}`];
  }
}
