// The command line of `scorefn serve`. Unlike the drop-in command it takes the script as a word of its own and dashes in
// flags, and says all that is wrong at once; what values mean is left to `resolveConfig`, with the variables.
import { FLAG_SETTINGS, type Flags, SETTINGS } from "../../src/host.ts";
import { platforms } from "./platforms.ts";

export interface ServeFlags {
  readonly flags: Flags;
  /** What cannot be understood, one line each. */
  readonly problems: readonly string[];
  readonly help: boolean;
}

/** @param args what follows `serve` */
export function readServeFlags(args: readonly string[]): ServeFlags {
  const flags: Record<string, string> = {};
  const problems: string[] = [];
  let help = false;
  const scripts: string[] = [];
  const words = [...args];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--") {
      scripts.push(...words.splice(0));
    } else if (word === "-h" || word === "--help") {
      help = true;
    } else if (!word.startsWith("-")) {
      scripts.push(word);
    } else {
      const [typed = "", ...parts] = underscored(word).split("=");
      const inline = parts.length > 0 ? word.slice(word.indexOf("=") + 1) : undefined;
      const found = findFlags(typed);
      if (found.length !== 1) {
        problems.push(found.length === 0 ? unknownFlag(typed, word) : `${typed} could mean ${found.join(" or ")}`);
        // What follows is probably its value, unless it looks like the script.
        if (inline === undefined && /^(?!-|.*\.[a-z]+$)/i.test(words[0] ?? "-")) words.shift();
        continue;
      }
      const flag = found[0]!.slice(2);
      if (FLAG_SETTINGS.find((setting) => setting.flag === flag)!.kind === "switch") {
        if (inline === undefined) flags[flag] = "true";
        else problems.push(`--${flag} is a switch and takes no value, not even ${JSON.stringify(inline)}`);
      } else if (inline !== undefined) {
        flags[flag] = inline;
      } else if (isValue(words[0])) {
        flags[flag] = words.shift() ?? "";
      } else {
        problems.push(`--${flag} needs a value: --${flag} ${flag.toUpperCase()}`);
      }
    }
  }
  const [script, ...more] = scripts;
  if (script !== undefined && flags.entry_script !== undefined) more.unshift(script);
  else if (script !== undefined) flags.entry_script = script;
  for (const word of more) problems.push(`${word} is one word too many: only one score script can be served`);
  return { flags, problems, help };
}

/** The word with the dashes inside a flag's name as underscores. */
export function underscored(word: string): string {
  if (!word.startsWith("--")) return word;
  const [name = ""] = word.split("=", 1);
  return `--${name.slice(2).replaceAll("-", "_")}${word.slice(name.length)}`;
}

const ALL_FLAGS = FLAG_SETTINGS.map(({ flag }) => `--${flag}`);
const REFERENCE_FLAGS = FLAG_SETTINGS.filter(({ scope }) => scope !== "scorefn").map(({ flag }) => `--${flag}`);

/** Flags that the name or its beginning means; those of the reference server come first (contract CLI-3). */
function findFlags(typed: string): readonly string[] {
  if (ALL_FLAGS.includes(typed)) return [typed];
  if (!/^--\w/.test(typed)) return [];
  const ofReference = REFERENCE_FLAGS.filter((flag) => flag.startsWith(typed));
  return ofReference.length > 0 ? ofReference : ALL_FLAGS.filter((flag) => flag.startsWith(typed));
}

function unknownFlag(typed: string, word: string): string {
  const variable = typed.slice(2).toUpperCase();
  const named = [...Object.values(SETTINGS), ...platforms.rows].find((setting) => setting.variable === variable);
  const [shown] = word.split("=", 1);
  return named === undefined
    ? `there is no flag ${shown}; scorefn serve --help lists all`
    : `${shown} is not a flag; set the variable ${variable}`;
}

function isValue(word: string | undefined): word is string {
  return word !== undefined && !word.startsWith("--");
}
