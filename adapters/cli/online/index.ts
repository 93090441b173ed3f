// `scorefn online-endpoint …` and `scorefn online-deployment …`. Loaded only when one of them is typed.
import { describe, OperationError } from "../../../endpoint/control/errors.ts";
import { ScoreError } from "../../../src/host.ts";
import { type OnlineCommand, parseOnline } from "./command-line.ts";
import { DEPLOYMENT_VERBS } from "./deployment-verbs.ts";
import { ENDPOINT_VERBS, type Outcome } from "./endpoint-verbs.ts";
import { NOTES, type Noun } from "./flags.ts";
import { formatOutput, type OutputForm } from "./output.ts";
import type { OnlineHost } from "./program.ts";

const EXIT_FAILED = 1;
/** As in az: the command line cannot be understood. */
const EXIT_USAGE = 2;
/** As in az: the endpoint or deployment does not exist. */
const EXIT_NOT_FOUND = 3;

/** Runs one command to its end. @param args what follows the noun   @returns the exit code */
export async function runOnline(noun: Noun, args: readonly string[], host: OnlineHost): Promise<number> {
  const line = parseOnline(noun, args);
  if (line.kind === "exit") {
    host.write(line.stdout);
    host.writeError(line.stderr);
    return line.code;
  }
  const isQuiet = line.flags.isOn("--only-show-errors");
  try {
    return await carryOut(line, isQuiet ? { ...host, tell: () => {} } : host);
  } catch (error) {
    if (!(error instanceof ScoreError) && !isSystemError(error)) throw error;
    host.writeError(`scorefn ${noun} ${line.verb}: error: ${describe(error)}\n`);
    return error instanceof OperationError && error.refusal === "not-found" ? EXIT_NOT_FOUND : EXIT_FAILED;
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
    if (!isUsable(expression, () => checkQuery(expression), host)) return EXIT_USAGE;
  }
  const work = (noun === "online-endpoint" ? ENDPOINT_VERBS : DEPLOYMENT_VERBS)[verb]!;
  return print(await work(flags, host), command, host);
}

async function print(outcome: Outcome, { flags, noun, verb }: OnlineCommand, host: OnlineHost): Promise<number> {
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
    if (!isUsable(expression, ask, host)) return EXIT_USAGE;
  }
  return end(formatOutput((flags.text("--output") ?? "json") as OutputForm, value));
}

/** @param use throws when the expression cannot be used, which is then written */
function isUsable(expression: string, use: () => void, { writeError }: OnlineHost): boolean {
  try {
    use();
    return true;
  } catch (error) {
    const reason = (error as Error).message;
    writeError(`scorefn: error: --query ${expression} cannot be used: ${reason}; see https://jmespath.org\n`);
    return false;
  }
}

/** A full disk, or a file that may not be read: not a fault of scorefn, so a stack trace is no help. */
function isSystemError(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return error instanceof Error && code !== undefined && syscall !== undefined;
}
