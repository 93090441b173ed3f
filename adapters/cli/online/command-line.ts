import { type ArgumentOptions, ArgumentParser } from "argparse";
import { GLOBAL_FLAGS, type Noun, type OnlineFlag, VERBS, type Verb } from "./flags.ts";

/** A command with its flags, each under its first name. */
export interface OnlineCommand {
  readonly kind: "command";
  readonly noun: Noun;
  readonly verb: string;
  readonly flags: OnlineFlags;
}

export type OnlineLine =
  | OnlineCommand
  | { readonly kind: "exit"; readonly code: number; readonly stdout: string; readonly stderr: string };

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

/** The exit code of az for such a line. */
const USAGE_ERROR = 2;

/** @param args what follows the noun */
export function parseOnline(noun: Noun, args: readonly string[]): OnlineLine {
  try {
    const [word, ...rest] = args;
    const verbs = VERBS[noun];
    const verb = verbs.find(({ name }) => name === word);
    if (verb !== undefined) return { kind: "command", noun, verb: verb.name, flags: readFlags(noun, verb, rest) };
    if (word === undefined || word === "-h" || word === "--help") {
      return { kind: "exit", code: 0, stdout: nounHelp(noun), stderr: "" };
    }
    const known = verbs.map(({ name }) => name).join(", ");
    throw new Ending(
      USAGE_ERROR,
      "",
      `scorefn ${noun}: error: there is no command ${word}; the commands are ${known}\n`,
    );
  } catch (error) {
    if (error instanceof Ending) return error.exit;
    throw error;
  }
}

function readFlags(noun: Noun, verb: Verb, args: readonly string[]): OnlineFlags {
  const flags = [...verb.flags, ...GLOBAL_FLAGS];
  const parser = new Parser({ prog: `scorefn ${noun} ${verb.name}`, description: sentence(verb.help), color: false });
  const groups = [
    ["flags as in az ml", flags.filter(({ isOurs }) => !isOurs)],
    ["flags of scorefn", flags.filter(({ isOurs }) => isOurs)],
  ] as const;
  for (const [title, group] of groups) {
    if (group.length === 0) continue;
    const target = parser.add_argument_group(title);
    for (const flag of group) {
      target.add_argument(...(flag.names as [string, string]), { ...optionOf(flag), dest: flag.names[0]! });
    }
  }
  const values = parser.parse_args(expandAzFlags(args, flags, parser)) as Record<string, unknown>;
  for (const { kind, names } of flags) if (kind === "boolean") values[names[0]!] = values[names[0]!] === TRUE;
  return new OnlineFlags(values);
}

function optionOf({ names, kind, help, choices, metavar }: OnlineFlag): ArgumentOptions {
  const word = metavar ?? names[0]!.slice(2).replaceAll("-", "_").toUpperCase();
  const common = {
    help: help.replaceAll("%", "%%"),
    ...(kind !== "switch" && choices === undefined && { metavar: word }),
  };
  if (kind === "boolean") {
    return {
      nargs: "?",
      const: TRUE,
      choices: ["false", TRUE],
      type: (text: string) => text.toLowerCase(),
      help: common.help,
    };
  }
  if (kind === "switch") return { action: "store_true", help: common.help };
  if (kind === "many") return { action: "append", ...common };
  if (kind === "words") return { action: "append", nargs: "+", ...common };
  return { ...common, ...(choices && { choices: [...choices] }) };
}

/** Expands abbreviations of az's flags, so that they keep their meaning whatever flags scorefn adds. */
function expandAzFlags(args: readonly string[], flags: readonly OnlineFlag[], parser: Parser): string[] {
  const all = flags.flatMap(({ names }) => names);
  const az = flags.filter(({ isOurs }) => !isOurs);
  return args.map((word) => {
    const [name = ""] = word.split("=", 1);
    if (!name.startsWith("--") || name === "--" || all.includes(name)) return word;
    const matches = az.filter(({ names }) => names.some((full) => full.startsWith(name)));
    if (matches.length > 1) {
      parser.error(`ambiguous option: ${name} could match ${matches.map(({ names }) => names[0]).join(", ")}`);
    }
    return matches.length === 1 ? matches[0]!.names[0]! + word.slice(name.length) : word;
  });
}

function nounHelp(noun: Noun): string {
  const parser = new Parser({
    prog: `scorefn ${noun}`,
    usage: `scorefn ${noun} <command> [flags]`,
    description: DESCRIPTIONS[noun],
    color: false,
  });
  const commands = parser.add_subparsers({ title: "commands", metavar: "<command>", parser_class: Parser });
  for (const { name, help } of VERBS[noun]) commands.add_parser(name, { help });
  return `${parser.format_help()}\nscorefn ${noun} <command> --help says more of each.\n`;
}

const DESCRIPTIONS: Readonly<Record<Noun, string>> = {
  "online-endpoint": "Local online endpoints, with the commands of az ml and its YAML files.",
  "online-deployment": "Deployments of local online endpoints, with the commands of az ml and its YAML files.",
};

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Ends the command from within argparse, whose methods must not return here. */
class Ending extends Error {
  readonly exit: Extract<OnlineLine, { kind: "exit" }>;
  constructor(code: number, stdout: string, stderr: string) {
    super("the command line ends the command");
    this.exit = { kind: "exit", code, stdout, stderr };
  }
}

class Parser extends ArgumentParser {
  override print_help(): void {
    throw new Ending(0, this.format_help(), "");
  }

  override error(message: string): never {
    throw new Ending(USAGE_ERROR, "", `${this.prog}: error: ${message}; ${this.prog} --help shows all flags\n`);
  }
}
