// The words of a command line, as all commands of `scorefn` take them: dashes or underscores in flags, flags by the beginning
// of their names, values behind a blank or an equals sign. All that cannot be understood is said at once.
import { nearest } from "../../src/host.ts";

/** What flags there are. */
export interface KnownFlags {
  /** Names, with both dashes, that what was typed stands for or is the beginning of. */
  find(typed: string): readonly string[];
  /** Whether the flag takes no value. @param flag without dashes */
  isSwitch(flag: string): boolean;
  /** The line about a flag that is not known. @param word as typed, value included */
  unknown(typed: string, word: string): string;
}

export interface Words {
  /** By flag, without dashes, in the order in which they came; a switch has the text `true`, a flag that lacks its value none. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Words that belong to no flag. */
  readonly others: readonly string[];
  /** What cannot be understood, one line each. */
  readonly problems: readonly string[];
  readonly help: boolean;
}

/** @param args what follows the command */
export function readWords(args: readonly string[], known: KnownFlags): Words {
  const values = new Map<string, string[]>();
  const problems: string[] = [];
  const others: string[] = [];
  let help = false;
  const words = [...args];
  if (args.length === 1 && args[0] === "help") return { values, others, problems, help: true };
  const give = (flag: string, value: string): void => void values.set(flag, [...(values.get(flag) ?? []), value]);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--") {
      others.push(...words.splice(0));
    } else if (word === "-h" || word === "--help") {
      help = true;
    } else if (!word.startsWith("-")) {
      others.push(word);
    } else {
      const [typed = "", ...parts] = underscored(word).split("=");
      const inline = parts.length > 0 ? word.slice(word.indexOf("=") + 1) : undefined;
      const found = known.find(typed);
      if (found.length !== 1) {
        problems.push(found.length === 0 ? known.unknown(typed, word) : `${typed} could mean ${found.join(" or ")}`);
        // What follows is probably its value, unless it looks like the script.
        if (inline === undefined && /^(?!-|.*\.[a-z]+$)/i.test(words[0] ?? "-")) words.shift();
        continue;
      }
      const flag = found[0]!.slice(2);
      if (known.isSwitch(flag)) {
        if (inline === undefined) give(flag, "true");
        else problems.push(`--${flag} is a switch and takes no value, not even ${JSON.stringify(inline)}`);
      } else if (inline !== undefined) {
        give(flag, inline);
      } else if (isValue(words[0])) {
        give(flag, words.shift() ?? "");
      } else {
        problems.push(`--${flag} needs a value: --${flag} ${flag.toUpperCase()}`);
        values.set(flag, values.get(flag) ?? []);
      }
    }
  }
  return { values, others, problems, help };
}

/** The word with the dashes inside a flag's name as underscores. */
function underscored(word: string): string {
  if (!word.startsWith("--")) return word;
  const [name = ""] = word.split("=", 1);
  return `--${name.slice(2).replaceAll("-", "_")}${word.slice(name.length)}`;
}

function isValue(word: string | undefined): word is string {
  return word !== undefined && !word.startsWith("--");
}

/** The line about a flag that there is not. @param word as typed   @param flags with both dashes */
export function unknownFlag(command: string, word: string, flags: readonly string[]): string {
  const [shown = ""] = word.split("=", 1);
  const names = [...flags, "--help"].map((flag) => flag.slice(2));
  const meant = nearest(shown.replace(/^--?/, ""), names);
  const cure = meant === undefined ? `${command} --help lists all` : `did you mean --${meant}?`;
  return `there is no flag ${shown}; ${cure}`;
}

/** The line about a value that is none of those there are. @param flag with both dashes */
export function unknownChoice(flag: string, choices: readonly string[], value: string): string {
  const listed = choices.length < 2 ? choices.join("") : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
  const meant = nearest(value, choices);
  const cure = meant === undefined ? "" : `; did you mean ${meant}?`;
  return `${flag} must be ${listed}, not ${JSON.stringify(value)}${cure}`;
}
