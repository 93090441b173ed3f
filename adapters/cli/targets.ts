// The command lines of `scorefn build` and `scorefn invoke`, made from the registry of targets. argparse writes their help.
import type { ArgumentOptions, ArgumentParser, SubparsersAction } from "argparse";
import { COMMON_FLAGS, TARGETS, type TargetFlag, type TargetOptions } from "../../packaging/targets.ts";
import { type KnownFlags, readWords } from "./words.ts";

export type { TargetOptions };

export interface BuildCommand {
  readonly kind: "build";
  /** Undefined: it is one of the problems. */
  readonly target: string | undefined;
  readonly options: TargetOptions;
  /** What is wrong with the flags, one line each; what their values mean has not been looked at. */
  readonly problems: readonly string[];
}

export interface InvokeCommand {
  readonly kind: "invoke";
  /** Undefined: the build says it. */
  readonly target: string | undefined;
  /** These two are undefined when they are missing, which is then one of the problems. */
  readonly directory: string | undefined;
  readonly data: string | undefined;
  readonly problems: readonly string[];
}

const NAMES = TARGETS.map(({ name }) => name);

/** A flag, and the targets that have it; undefined: all of them, and it means the same everywhere. */
interface KnownFlag extends TargetFlag {
  readonly targets?: readonly string[];
}

const FLAGS: readonly KnownFlag[] = [...COMMON_FLAGS, ...ownFlags()];

function ownFlags(): KnownFlag[] {
  const byName = new Map<string, KnownFlag>();
  for (const { name, flags } of TARGETS) {
    for (const flag of flags) {
      const known = byName.get(flag.flag);
      const help = `${known === undefined ? "" : `${known.help} `}${name}: ${flag.help}`;
      byName.set(flag.flag, { ...flag, help, targets: [...(known?.targets ?? []), name] });
    }
  }
  return [...byName.values()];
}

export function addBuildCommand(commands: SubparsersAction): ArgumentParser {
  const parser = commands.add_parser("build", {
    help: "make a folder that deploys to AWS Lambda or Azure Functions",
    description: "Turns a score script and its model into a folder that deploys to a cloud, and says how.",
    color: false,
  });
  const limits = TARGETS.map(({ name, limits: text }) => `${name} (${text})`).join(", ");
  parser.add_argument("--target", { required: true, choices: NAMES, help: `The cloud: ${limits}.` });
  for (const flag of FLAGS) parser.add_argument(`--${flag.flag}`, toArgument(flag));
  return parser;
}

export function addInvokeCommand(commands: SubparsersAction): ArgumentParser {
  const parser = commands.add_parser("invoke", {
    help: "try such a folder on this machine, without an account",
    description: "Posts one request to /score of a build, in a fresh process, and prints the answer and what it took.",
    color: false,
  });
  const help = "The cloud; only for a folder that scorefn has not built.";
  parser.add_argument("--target", { choices: NAMES, help });
  parser.add_argument("directory", { help: "folder of the build" });
  parser.add_argument("--data", { required: true, help: "The request body, or @file." });
  return parser;
}

const TARGET: TargetFlag = { flag: "target", required: true, choices: NAMES, help: "" };
const DATA: TargetFlag = { flag: "data", required: true, help: "" };

/** @param args what follows `build`   @returns undefined: help is asked for */
export function readBuild(args: readonly string[]): BuildCommand | undefined {
  const { values, others, problems: found, help } = readWords(args, knownFlags("build", [TARGET, ...FLAGS]));
  if (help) return undefined;
  const problems = [...found, ...others.map((word) => tooMany("build", word))];
  const target = read(TARGET, values, problems) as string | undefined;
  const options: Record<string, TargetOptions[string]> = {};
  for (const known of FLAGS) {
    const { flag, targets, option = toCamelCase(flag) } = known;
    const value = read(known, values, problems);
    if (value === undefined) continue;
    if (target !== undefined && targets?.includes(target) === false) {
      problems.push(`--${flag} is for --target ${targets.join(" or ")} only`);
    } else options[option] = value;
  }
  return { kind: "build", target, options, problems };
}

/** @param args what follows `invoke`   @returns undefined: help is asked for */
export function readInvoke(args: readonly string[]): InvokeCommand | undefined {
  const flags = [{ ...TARGET, required: false }, DATA];
  const { values, others, problems: found, help } = readWords(args, knownFlags("invoke", flags));
  if (help) return undefined;
  const [directory, ...more] = others;
  const problems = [...found, ...more.map((word) => tooMany("invoke", word))];
  if (directory === undefined) problems.push("the folder of the build is missing: scorefn invoke FOLDER --data DATA");
  const [target, data] = flags.map((flag) => read(flag, values, problems) as string | undefined);
  return { kind: "invoke", target, directory, data, problems };
}

function knownFlags(command: string, flags: readonly TargetFlag[]): KnownFlags {
  const names = flags.map(({ flag }) => `--${flag}`);
  return {
    find: (typed) =>
      names.includes(typed) ? [typed] : names.filter((name) => isPart(typed) && name.startsWith(typed)),
    isSwitch: (wanted) => flags.some(({ flag, kind }) => flag === wanted && kind === "switch"),
    unknown: (_typed, word) => `there is no flag ${word.split("=", 1)[0]}; scorefn ${command} --help lists all`,
  };
}

function isPart(typed: string): boolean {
  return /^--\w/.test(typed);
}

function tooMany(command: string, word: string): string {
  return `${word} is one word too many; scorefn ${command} --help lists all`;
}

/** @returns the value in the flag's kind; undefined: there is none, or it is a problem */
function read(
  { flag, kind, choices, required }: TargetFlag,
  values: ReadonlyMap<string, readonly string[]>,
  problems: string[],
): TargetOptions[string] {
  const given = values.get(flag);
  const last = given?.at(-1);
  if (given === undefined || last === undefined) {
    if (required && given === undefined)
      problems.push(`--${flag} is missing: --${flag} ${choices?.join(" or ") ?? flag.toUpperCase()}`);
    return undefined;
  }
  if (kind === "list") return given;
  if (kind === "switch") return true;
  if (kind === "integer") {
    if (/^[+-]?\d+$/.test(last)) return Number(last);
    problems.push(`--${flag} must be a whole number, not ${JSON.stringify(last)}`);
    return undefined;
  }
  if (choices === undefined || choices.includes(last)) return last;
  problems.push(`--${flag} must be ${choices.join(" or ")}, not ${JSON.stringify(last)}`);
  return undefined;
}

function toCamelCase(flag: string): string {
  return flag.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function toArgument({ help, kind, choices, required }: TargetFlag): ArgumentOptions {
  const argument: ArgumentOptions = { help };
  if (kind === "switch") argument.action = "store_true";
  if (kind === "list") argument.action = "append";
  if (kind === "integer") argument.type = "int";
  if (choices !== undefined) argument.choices = [...choices];
  if (required !== undefined) argument.required = required;
  return argument;
}
