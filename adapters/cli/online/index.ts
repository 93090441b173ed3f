// `scorefn online-endpoint …` and `scorefn online-deployment …`. Loaded only when one of them is typed.
import { describe, OperationError } from "../../../endpoint/control/errors.ts";
import { ScoreError } from "../../../src/host.ts";
import { errorLine } from "../output.ts";
import { type OnlineCommand, parseOnline } from "./command-line.ts";
import { DEPLOYMENT_VERBS } from "./deployment-verbs.ts";
import { ENDPOINT_VERBS, type Outcome } from "./endpoint-verbs.ts";
import { NOTES, type Noun } from "./flags.ts";
import { formatOutput, type OutputForm } from "./output.ts";
import type { OnlineHost } from "./program.ts";
import { painted, showing } from "./showing.ts";

const EXIT_FAILED = 1;
/** As in az: the command line cannot be understood. */
const EXIT_USAGE = 2;
/** As in az: the endpoint or deployment does not exist. */
const EXIT_NOT_FOUND = 3;

/** Runs one command to its end. @param args what follows the noun   @returns the exit code */
export async function runOnline(noun: Noun, args: readonly string[], host: OnlineHost): Promise<number> {
  const line = parseOnline(noun, args, host.screen);
  if (line.kind === "exit") {
    const { stdout, problem } = line;
    host.write(stdout);
    if (problem !== undefined) host.writeError(errorLine(`scorefn ${problem.command}`, problem.text, host.paint));
    return line.code;
  }
  const isQuiet = line.flags.isOn("--only-show-errors");
  const tell = (text: string): void => host.tell(painted(text, host.paint));
  const told = { ...host, tell: isQuiet ? () => {} : tell };
  // What is served in the foreground writes its log.
  const progress = isQuiet || line.verb === "serve" ? undefined : host.progress;
  try {
    return await carryOut(line, progress === undefined ? told : showing(told, progress, `${noun} ${line.verb}`));
  } catch (error) {
    progress?.end();
    if (!(error instanceof ScoreError) && !isSystemError(error)) throw error;
    host.writeError(errorLine(`scorefn ${noun} ${line.verb}`, describe(error), host.paint));
    return error instanceof OperationError && error.refusal === "not-found" ? EXIT_NOT_FOUND : EXIT_FAILED;
  } finally {
    progress?.end();
  }
}

async function carryOut(command: OnlineCommand, host: OnlineHost): Promise<number> {
  const { noun, verb, flags } = command;
  for (const name of flags.given()) if (NOTES[name] !== undefined) host.tell(`note: ${NOTES[name]}\n`);
  if (noun === "online-endpoint" && verb === "serve") return (await import("./serve.ts")).serve(flags, host);
  const expression = flags.text("--query");
  // An expression that cannot be read must change nothing.
  if (expression !== undefined) {
    const { checkQuery } = await import("./query.ts");
    if (!isUsable(command, () => checkQuery(expression), host)) return EXIT_USAGE;
  }
  const work = (noun === "online-endpoint" ? ENDPOINT_VERBS : DEPLOYMENT_VERBS)[verb]!;
  return print(await work(flags, host), command, host);
}

async function print(outcome: Outcome, command: OnlineCommand, host: OnlineHost): Promise<number> {
  const { flags, noun, verb } = command;
  const { failure } = outcome;
  const end = (text: string): number => {
    host.write(text);
    if (failure) host.writeError(`scorefn ${noun} ${verb}: ${failure}\n`);
    return failure ? EXIT_FAILED : 0;
  };
  if ("text" in outcome) return end(outcome.text);
  let { value } = outcome;
  const expression = flags.text("--query");
  if (expression !== undefined) {
    const { query } = await import("./query.ts");
    const ask = (): void => {
      value = query(expression, value);
    };
    if (!isUsable(command, ask, host)) return EXIT_USAGE;
  }
  return end(formatOutput((flags.text("--output") ?? "json") as OutputForm, value));
}

/** @param use throws when the expression cannot be used, which is then written */
function isUsable({ noun, verb, flags }: OnlineCommand, use: () => void, { writeError, paint }: OnlineHost): boolean {
  try {
    use();
    return true;
  } catch (error) {
    const reason = (error as Error).message;
    const text = `--query ${flags.text("--query")} cannot be used: ${reason}; see https://jmespath.org`;
    writeError(errorLine(`scorefn ${noun} ${verb}`, text, paint));
    return false;
  }
}

/** A full disk, or a file that may not be read: not a fault of scorefn, so a stack trace is no help. */
function isSystemError(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return error instanceof Error && code !== undefined && syscall !== undefined;
}
