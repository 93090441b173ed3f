import { type ArgumentOptions, ArgumentParser } from "argparse";
import { nearest } from "../../../src/host.ts";
import { formatHelp, type HelpPage, type Screen } from "../help/page.ts";
import { unknownChoice, unknownFlag } from "../words.ts";
import { GLOBAL_FLAGS, type Noun, type OnlineFlag, VERBS, type Verb } from "./flags.ts";
import { nounPage, verbPage } from "./help.ts";

/** A command with its flags, each under its first name. */
export interface OnlineCommand {
  readonly kind: "command";
  readonly noun: Noun;
  readonly verb: string;
  readonly flags: OnlineFlags;
}

export type OnlineLine = OnlineCommand | ExitLine;

/** Help, or what is wrong. */
interface ExitLine {
  readonly kind: "exit";
  readonly code: number;
  readonly stdout: string;
  /** @property command what follows `scorefn`   @property text with the cure */
  readonly problem: { readonly command: string; readonly text: string } | undefined;
}

/** The values that were given. */
export class OnlineFlags {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** Of a flag with one word. */
  text(name: string): string | undefined {
    const found = this.#values[name];
    return typeof found === "string" ? found : undefined;
  }

  isOn(name: string): boolean {
    return this.#values[name] === true;
  }

  /** Of a flag that can be given many times. */
  all(name: string): readonly string[] {
    return ((this.#values[name] ?? []) as readonly (string | readonly string[])[]).flat();
  }

  /** The same, the words behind each of them apart. */
  groups(name: string): readonly (readonly string[])[] {
    return (this.#values[name] ?? []) as readonly (readonly string[])[];
  }

  /** Names of the flags that were given. */
  given(): readonly string[] {
    return Object.entries(this.#values).flatMap(([name, found]) =>
      found === undefined || found === false ? [] : [name],
    );
  }
}

const TRUE = "true";
const HELP_FLAGS = ["-h", "--help"];

/** The exit code of az for such a line. */
const USAGE_ERROR = 2;

/** @param args what follows the noun   @param screen what help is written to */
export function parseOnline(noun: Noun, args: readonly string[], screen?: Screen): OnlineLine {
  try {
    const [word, ...rest] = args;
    const verbs = VERBS[noun];
    const verb = verbs.find(({ name }) => name === word);
    const asksForHelp = rest.some((one) => HELP_FLAGS.includes(one)) || (rest.length === 1 && rest[0] === "help");
    if (verb !== undefined && asksForHelp) return printed(verbPage(noun, verb), screen);
    if (verb !== undefined) return { kind: "command", noun, verb: verb.name, flags: readFlags(noun, verb, rest) };
    if (word === undefined || [...HELP_FLAGS, "help"].includes(word)) {
      const named = verbs.find(({ name }) => name === rest[0]);
      return printed(named === undefined ? nounPage(noun) : verbPage(noun, named), screen);
    }
    const names = verbs.map(({ name }) => name);
    const all = `the commands are ${names.join(", ")}`;
    if (word.startsWith("-")) return refused(noun, `a command is missing before ${word}; ${all}`);
    const meant = nearest(word, names);
    return refused(noun, `there is no command ${word}; ${meant === undefined ? all : `did you mean ${meant}?`}`);
  } catch (error) {
    if (error instanceof Ending) return error.exit;
    throw error;
  }
}

function readFlags(noun: Noun, verb: Verb, args: readonly string[]): OnlineFlags {
  const flags = [...verb.flags, ...GLOBAL_FLAGS];
  const refuse = (text: string): never => {
    throw new Ending(refused(`${noun} ${verb.name}`, text));
  };
  const prog = `scorefn ${noun} ${verb.name}`;
  const parser = new Parser({ prog, add_help: false });
  // argparse says what is wrong, but not what to do.
  parser.refuse = (text) => {
    const word = /^unrecognized arguments: (\w\S*)$/.exec(text)?.[1];
    const isName = word !== undefined && flags.some(({ names }) => names.includes("--name"));
    return refuse(
      isName
        ? `${word} is one word too many; names follow a flag: --name ${word}`
        : `${text}; ${prog} --help lists all flags`,
    );
  };
  for (const flag of flags) {
    parser.add_argument(...(flag.names as [string, string]), { ...optionOf(flag), dest: flag.names[0]! });
  }
  const values = parser.parse_args(expandAzFlags(args, flags, prog, refuse)) as Record<string, unknown>;
  for (const { kind, names, choices } of flags) {
    const [name = ""] = names;
    const value = values[name];
    if (kind === "boolean") values[name] = value === TRUE;
    else if (choices !== undefined && typeof value === "string" && !choices.includes(value)) {
      refuse(unknownChoice(name, choices, value));
    }
  }
  return new OnlineFlags(values);
}

function optionOf({ kind }: OnlineFlag): ArgumentOptions {
  if (kind === "boolean") {
    return { nargs: "?", const: TRUE, choices: ["false", TRUE], type: (text: string) => text.toLowerCase() };
  }
  if (kind === "switch") return { action: "store_true" };
  if (kind === "many") return { action: "append" };
  if (kind === "words") return { action: "append", nargs: "+" };
  return {};
}

/** Expands abbreviations of az's flags, so that they keep their meaning whatever flags scorefn adds. */
function expandAzFlags(
  args: readonly string[],
  flags: readonly OnlineFlag[],
  prog: string,
  refuse: (text: string) => never,
): string[] {
  const all = flags.flatMap(({ names }) => names);
  const az = flags.filter(({ isOurs }) => !isOurs);
  return args.map((word) => {
    const [name = ""] = word.split("=", 1);
    if (!name.startsWith("--") || name === "--" || all.includes(name)) return word;
    const matches = az.filter(({ names }) => names.some((full) => full.startsWith(name)));
    if (matches.length > 1) refuse(`${name} could mean ${matches.map(({ names }) => names[0]).join(" or ")}`);
    if (matches.length === 1) return matches[0]!.names[0]! + word.slice(name.length);
    const known = all.filter((full) => full.startsWith("--"));
    return known.some((full) => full.startsWith(name)) ? word : refuse(unknownFlag(prog, word, known));
  });
}

function printed(page: HelpPage, screen: Screen | undefined): ExitLine {
  return { kind: "exit", code: 0, stdout: formatHelp(page, screen), problem: undefined };
}

function refused(command: string, text: string): ExitLine {
  return { kind: "exit", code: USAGE_ERROR, stdout: "", problem: { command, text } };
}

/** Ends the command from within argparse, whose methods must not return here. */
class Ending extends Error {
  readonly exit: ExitLine;
  constructor(exit: ExitLine) {
    super("the command line ends the command");
    this.exit = exit;
  }
}

class Parser extends ArgumentParser {
  declare refuse: (text: string) => never;

  override error(message: string): never {
    return this.refuse(message);
  }
}
