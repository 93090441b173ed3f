// The command lines of `scorefn build` and `scorefn invoke`, made from the registry of targets.
import { COMMON_FLAGS, TARGETS, type TargetFlag, type TargetOptions } from "../../packaging/targets.ts";
import { type KnownFlags, readWords, unknownChoice, unknownFlag } from "./words.ts";

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
  readonly isQuiet: boolean;
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
      byName.set(flag.flag, { ...flag, targets: [...(known?.targets ?? []), name] });
    }
  }
  return [...byName.values()];
}

const TARGET: TargetFlag = { flag: "target", required: true, choices: NAMES, help: "" };
const DATA: TargetFlag = { flag: "data", required: true, help: "" };
const QUIET: TargetFlag = { flag: "quiet", kind: "switch", help: "" };

/** @param args what follows `build`   @returns undefined: help is asked for */
export function readBuild(args: readonly string[]): BuildCommand | undefined {
  const { values, others, problems: found, help } = readWords(args, knownFlags("build", [TARGET, ...FLAGS]));
  if (help) return undefined;
  const [script, ...more] = others;
  // As in `serve`, the script may be a word of its own.
  if (script !== undefined && values.has("entry_script")) more.unshift(script);
  const given =
    script === undefined || values.has("entry_script") ? values : new Map([...values, ["entry_script", [script]]]);
  const problems = [...found, ...more.map((word) => tooMany("build", word))];
  const target = read(TARGET, given, problems) as string | undefined;
  const options: Record<string, TargetOptions[string]> = {};
  for (const known of FLAGS) {
    const { flag, targets, option = toCamelCase(flag) } = known;
    const value = read(known, given, problems);
    if (value === undefined) continue;
    if (target !== undefined && targets?.includes(target) === false) {
      problems.push(`--${flag} is for --target ${targets.join(" or ")} only`);
    } else options[option] = value;
  }
  return { kind: "build", target, options, problems };
}

/** @param args what follows `invoke`   @returns undefined: help is asked for */
export function readInvoke(args: readonly string[]): InvokeCommand | undefined {
  const flags = [{ ...TARGET, required: false }, DATA, QUIET];
  const { values, others, problems: found, help } = readWords(args, knownFlags("invoke", flags));
  if (help) return undefined;
  const [directory, ...more] = others;
  const problems = [...found, ...more.map((word) => tooMany("invoke", word))];
  if (directory === undefined) problems.push("the folder of the build is missing: scorefn invoke FOLDER --data DATA");
  const [target, data] = flags.map((flag) => read(flag, values, problems) as string | undefined);
  return { kind: "invoke", target, directory, data, isQuiet: values.has("quiet"), problems };
}

function knownFlags(command: string, flags: readonly TargetFlag[]): KnownFlags {
  const names = flags.map(({ flag }) => `--${flag}`);
  return {
    find: (typed) =>
      names.includes(typed) ? [typed] : names.filter((name) => isPart(typed) && name.startsWith(typed)),
    isSwitch: (wanted) => flags.some(({ flag, kind }) => flag === wanted && kind === "switch"),
    unknown: (_typed, word) => unknownFlag(`scorefn ${command}`, word, names),
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
  problems.push(unknownChoice(`--${flag}`, choices, last));
  return undefined;
}

function toCamelCase(flag: string): string {
  return flag.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
