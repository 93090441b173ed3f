// The words of `scorefn check`, read. What values mean that are settings of the server is decided with all other settings.
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Limits } from "../../../check/budgets.ts";
import { type ReportFile, readReportFlag, reportProblems } from "../../../check/reports/write.ts";
import { BUILD_FILE } from "../../../packaging/out-folder.ts";
import type { Flags } from "../../../src/host.ts";
import { readWords } from "../words.ts";
import { FLAGS, KNOWN } from "./flags.ts";

export interface CheckCommand {
  readonly what: What;
  readonly data: readonly string[];
  readonly expect: readonly string[];
  readonly absolute: number;
  readonly relative: number;
  readonly checks: string | undefined;
  readonly repetitions: number | undefined;
  readonly limits: Limits;
  readonly initTimeoutMs: number;
  /** Undefined: the default. */
  readonly timeoutMs: number | undefined;
  readonly reports: readonly ReportFile[];
  readonly strict: boolean;
  /** What follows `--`; undefined: nothing. */
  readonly command: readonly string[] | undefined;
  /** One line each. */
  readonly problems: readonly string[];
  readonly help: boolean;
}

export type What =
  | { readonly kind: "script"; readonly flags: Flags }
  | { readonly kind: "build"; readonly directory: string }
  | { readonly kind: "address"; readonly url: URL; readonly headers: Readonly<Record<string, string>> };

/** How long a start may take that does not end, in milliseconds: large models take minutes. */
const INIT_TIMEOUT_MS = 300_000;

/** Longest time of a timer, in milliseconds. */
const MAX_NUMBER = 2 ** 31 - 1;

const OF_ADDRESS = ["key", "header"];
const OF_SCRIPT = FLAGS.slice(
  0,
  FLAGS.findIndex(({ flag }) => flag === "url"),
).map(({ flag }) => flag);

/** @param args what follows the word `check` */
export function readCheck(args: readonly string[], cwd: string): CheckCommand {
  const end = args.indexOf("--");
  const command = end === -1 ? undefined : args.slice(end + 1);
  const { values, others, problems: found, help } = readWords(end === -1 ? args : args.slice(0, end), KNOWN);
  const problems = [...found];
  if (command?.length === 0) problems.push("a command is missing behind --: scorefn check score.py -- pytest tests/");
  const all = (flag: string): readonly string[] => values.get(flag) ?? [];
  const text = (flag: string): string | undefined => all(flag).at(-1);
  const number = (flag: string): number | undefined => {
    const given = text(flag);
    if (given === undefined) return undefined;
    const value = given.trim() === "" ? Number.NaN : Number(given);
    if (value >= 0 && value <= MAX_NUMBER) return value;
    problems.push(`--${flag} must be a number from 0, not ${JSON.stringify(given)}`);
    return undefined;
  };
  // None at all would be a check that hangs with the script.
  const timeLimit = (flag: string): number | undefined => {
    const value = number(flag);
    if (value === undefined || (Number.isInteger(value) && value > 0)) return value;
    problems.push(`--${flag} must be a whole number of milliseconds from 1, not ${text(flag)}`);
    return undefined;
  };
  const repetitions = number("requests");
  if (repetitions !== undefined && !Number.isInteger(repetitions))
    problems.push(`--requests must be a whole number, not ${text("requests")}`);

  // `--report junit=a sarif=b` reads like one flag with two values.
  const isReport = (word: string): boolean => /^(?:junit|sarif|json)=/.test(word);
  const reports: ReportFile[] = [];
  for (const given of [...all("report"), ...others.filter(isReport)]) {
    const report = readReportFlag(given);
    if (typeof report === "string") problems.push(report);
    else reports.push(report);
  }
  problems.push(...reportProblems(reports, cwd));

  const words = others.filter((word) => !isReport(word));
  return {
    what: whatOf(words, (flag) => values.get(flag), command, problems),
    data: all("data"),
    expect: all("expect"),
    absolute: number("tolerance") ?? 0,
    relative: number("relative_tolerance") ?? 0,
    checks: text("checks"),
    repetitions,
    limits: {
      maxInitMs: number("max_init_ms"),
      maxMs: number("max_ms"),
      maxMemoryMb: number("max_memory_mb"),
      maxModelMb: number("max_model_mb"),
    },
    initTimeoutMs: timeLimit("init_timeout_ms") ?? INIT_TIMEOUT_MS,
    timeoutMs: timeLimit("timeout_ms"),
    reports,
    strict: values.has("strict"),
    command,
    problems,
    help,
  };
}

function whatOf(
  words: readonly string[],
  given: (flag: string) => readonly string[] | undefined,
  command: readonly string[] | undefined,
  problems: string[],
): What {
  const [first, ...more] = words;
  for (const word of more) problems.push(`${word} is one word too many: one script or build is checked at a time`);
  const notFor = (flags: readonly string[], what: string): void => {
    for (const flag of flags) if (given(flag) !== undefined) problems.push(`--${flag} is for ${what}; leave it out`);
  };
  const address = given("url")?.at(-1);
  if (address !== undefined) {
    if (first !== undefined) problems.push(`${first} and --url are two things to check; name one of them`);
    notFor(OF_SCRIPT, "a script, not for a server that runs");
    return readAddress(address, given("key")?.at(-1), given("header") ?? [], problems);
  }
  notFor(OF_ADDRESS, "a server that runs, with --url");
  if (first !== undefined && isFolder(first)) {
    notFor(OF_SCRIPT, "a script, not for a build");
    if (!isFile(join(first, BUILD_FILE))) {
      problems.push(
        `${first} is a folder, but no build of scorefn (it has no ${BUILD_FILE}); name the score script in it, or build with scorefn build`,
      );
    }
    if (command !== undefined) problems.push("a command behind -- needs a server: name a script, or --url");
    return { kind: "build", directory: first };
  }
  const flags: Record<string, string> = {};
  for (const flag of OF_SCRIPT) {
    const value = given(flag)?.at(-1);
    if (value !== undefined) flags[flag] = value;
  }
  if (first !== undefined && flags.entry_script !== undefined)
    problems.push(`${first} is one word too many: --entry_script names a script already`);
  else if (first !== undefined) flags.entry_script = first;
  return { kind: "script", flags };
}

function readAddress(given: string, key: string | undefined, headers: readonly string[], problems: string[]): What {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    problems.push(`--url must be an address like http://127.0.0.1:5001, not ${JSON.stringify(given)}`);
  }
  if (url !== undefined && (url.username !== "" || url.password !== "")) {
    problems.push("--url holds a user or a password; send them with --key or --header");
  }
  if (url !== undefined && url.search !== "") {
    problems.push("--url holds a query, which no request would have; send a key with --key or --header");
  }
  const all: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  if (key !== undefined && !isHeaderText(key)) problems.push("--key holds a character that no header can have");
  for (const header of headers) {
    const [name = "", ...rest] = header.split(":");
    const value = rest.join(":").trim();
    // What stands behind the name may be a secret.
    if (!/^[\w-]+$/.test(name.trim()) || rest.length === 0)
      problems.push("--header must be NAME:VALUE: --header x-functions-key:KEY");
    else if (!isHeaderText(value)) problems.push(`--header ${name.trim()} holds a character that no header can have`);
    else all[name.trim().toLowerCase()] = value;
  }
  return { kind: "address", url: url ?? new URL("http://127.0.0.1"), headers: all };
}

function isHeaderText(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
