// The command line of `scorefn serve`. Unlike the drop-in command it takes the script as a word of its own and dashes in
// flags, and says all that is wrong at once; what values mean is left to `resolveConfig`, with the variables.
import { FLAG_SETTINGS, type Flags, SETTINGS } from "../../src/host.ts";
import { platforms } from "./platforms.ts";
import { type KnownFlags, readWords, unknownChoice, unknownFlag } from "./words.ts";

export interface ServeFlags {
  readonly flags: Flags;
  /** What cannot be understood, one line each. */
  readonly problems: readonly string[];
  readonly help: boolean;
}

/** What is asked of `scorefn dev` besides what it serves. */
export interface DevFlags {
  /** Whether the page is opened in the browser. */
  readonly opensPage: boolean;
}

/** @param args what follows `serve` */
export function readServeFlags(args: readonly string[]): ServeFlags {
  const { values, others, problems: found, help } = readWords(args, KNOWN);
  const flags: Record<string, string> = {};
  for (const [flag, given] of values) {
    // A list of the reference server's is given once.
    if (given.length > 0) flags[flag] = OWN_LISTS.has(flag) ? given.join(",") : given.at(-1)!;
  }
  const problems = [...found];
  const [script, ...more] = others;
  if (script !== undefined && flags.entry_script !== undefined) more.unshift(script);
  else if (script !== undefined) flags.entry_script = script;
  for (const { flag, choices } of FLAG_SETTINGS) {
    const value = flags[flag];
    if (choices === undefined || !value || choices.includes(value)) continue;
    problems.push(unknownChoice(`--${flag}`, choices, value));
    delete flags[flag];
  }
  for (const word of more) problems.push(`${word} is one word too many: only one score script can be served`);
  return { flags, problems, help };
}

const NO_OPEN = /^--no[_-]open$/;

/** What `scorefn dev` takes besides the flags of `serve`. @param args what follows `dev` */
export function readDevFlags(args: readonly string[]): ServeFlags & { readonly dev: DevFlags } {
  const { flags, ...read } = readServeFlags(args.filter((word) => !NO_OPEN.test(word)));
  return { ...read, flags: { ...flags, reload: "true" }, dev: { opensPage: !args.some((word) => NO_OPEN.test(word)) } };
}

const OWN_LISTS: ReadonlySet<string> = new Set(
  FLAG_SETTINGS.filter(({ kind, scope }) => kind === "list" && scope === "scorefn").map(({ flag }) => flag),
);
const ALL_FLAGS = FLAG_SETTINGS.map(({ flag }) => `--${flag}`);
const SHOWN_FLAGS = FLAG_SETTINGS.filter(({ hidden }) => !hidden).map(({ flag }) => `--${flag}`);
const REFERENCE_FLAGS = FLAG_SETTINGS.filter(({ scope }) => scope !== "scorefn").map(({ flag }) => `--${flag}`);

/** Flags that the name or its beginning means; those of the reference server come first (contract CLI-3). */
function findFlags(typed: string): readonly string[] {
  if (ALL_FLAGS.includes(typed)) return [typed];
  if (!/^--\w/.test(typed)) return [];
  const ofReference = REFERENCE_FLAGS.filter((flag) => flag.startsWith(typed));
  return ofReference.length > 0 ? ofReference : ALL_FLAGS.filter((flag) => flag.startsWith(typed));
}

function unknown(typed: string, word: string): string {
  const name = typed.replace(/^-+/, "").toLowerCase();
  const [shown = ""] = word.split("=", 1);
  const meant = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name]! : undefined;
  if (meant?.startsWith("--")) return `there is no flag ${shown}; did you mean ${meant}?`;
  const variable = meant ?? name.toUpperCase();
  const named = [...Object.values(SETTINGS), ...platforms.rows].find((setting) => setting.variable === variable);
  return named === undefined
    ? unknownFlag("scorefn serve", word, SHOWN_FLAGS)
    : `${shown} is not a flag; set the variable ${variable}`;
}

/** What other servers call what we call otherwise: a flag, or a variable. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  p: "--port",
  b: "--host",
  bind: "--host",
  address: "--host",
  w: "--worker_count",
  workers: "--worker_count",
  threads: "--worker_concurrency",
  c: "--config_file",
  cors: "--access_control_allow_origins",
  t: "SCORING_TIMEOUT_MS",
  timeout: "SCORING_TIMEOUT_MS",
  log_level: "AZUREML_LOG_LEVEL",
  debug_port: "AZUREML_DEBUG_PORT",
  preload: "WORKER_PRELOAD",
};

const KNOWN: KnownFlags = {
  find: findFlags,
  isSwitch: (flag) => FLAG_SETTINGS.find((setting) => setting.flag === flag)!.kind === "switch",
  unknown,
};
