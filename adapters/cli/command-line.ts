import { type ArgumentOptions, ArgumentParser, ArgumentTypeError } from "argparse";
import {
  FLAG_SETTINGS,
  type Flags,
  meaningOf,
  readInteger,
  referenceHelpOf,
  type Setting,
  VERSION,
} from "../../src/host.ts";
import { PRODUCT_LINE } from "./banner.ts";
import {
  addBuildCommand,
  addInvokeCommand,
  type BuildCommand,
  type InvokeCommand,
  toBuild,
  toInvoke,
  WrongTargetError,
} from "./targets.ts";

/** `azmlinfsrv` takes the reference server's command line, `scorefn` has sub-commands. */
export type Program = "azmlinfsrv" | "scorefn";

/** What a command line asks for. */
export type Command =
  | { readonly kind: "serve"; readonly flags: Flags }
  | BuildCommand
  | InvokeCommand
  | { readonly kind: "exit"; readonly code: number; readonly stdout: string; readonly stderr: string };

type ExitCommand = Extract<Command, { kind: "exit" }>;

/** Exit code of a usage error (contract CLI-5, PROC-8). */
const USAGE_ERROR = 1;

/** Reads a command line. Pure but for the terminal's width, which help is wrapped to.
 *  @param args without interpreter and program */
export function parseCommandLine(program: Program, args: readonly string[]): Command {
  try {
    return program === "azmlinfsrv" ? parseReference(args) : parseScorefn(args);
  } catch (error) {
    if (error instanceof Ending) return error.exit;
    if (error instanceof WrongTargetError) {
      return { kind: "exit", code: USAGE_ERROR, stdout: "", stderr: `scorefn build: error: ${error.message}\n` };
    }
    throw error;
  }
}

function parseReference(args: readonly string[]): Command {
  const parser = new Parser({ prog: "azmlinfsrv", description: PRODUCT_LINE, color: false });
  parser.helpOnError = true;
  const reference = FLAG_SETTINGS.filter((setting) => !isOurs(setting));
  const ours = FLAG_SETTINGS.filter(isOurs);
  for (const setting of reference)
    parser.add_argument(`--${setting.flag}`, optionOf(setting, referenceHelpOf(setting)));
  const group = parser.add_argument_group("scorefn options");
  for (const setting of ours) group.add_argument(`--${setting.flag}`, optionOf(setting, ownHelp(setting)));
  return serve(parser, args);
}

function parseScorefn(args: readonly string[]): Command {
  const parser = new Parser({ prog: "scorefn", description: PRODUCT_LINE, color: false });
  parser.add_argument("--version", { action: "store_true", help: "show the version and exit" });
  const commands = parser.add_subparsers({
    title: "commands",
    metavar: "<command>",
    dest: "command",
    parser_class: Parser,
  });
  const serveParser = commands.add_parser("serve", {
    help: "serve a score script over HTTP",
    description: "Serves a score script, Python, JavaScript or TypeScript, over HTTP: POST /score calls its run().",
    color: false,
  }) as Parser;
  for (const setting of FLAG_SETTINGS) {
    const option = optionOf(setting, ownHelp(setting));
    serveParser.add_argument(`--${setting.flag}`, setting.flag === "port" ? orAnyPort(option) : option);
  }

  addBuildCommand(commands);
  addInvokeCommand(commands);

  if (args[0] === "serve") return serve(serveParser, args.slice(1));
  const asked = parser.parse_args([...args]) as Record<string, unknown>;
  if (asked.version === true) return { kind: "exit", code: 0, stdout: `scorefn ${VERSION}\n`, stderr: "" };
  if (asked.command === "build") return toBuild(asked);
  if (asked.command === "invoke") return toInvoke(asked);
  return { kind: "exit", code: USAGE_ERROR, stdout: "", stderr: parser.format_help() };
}

function serve(parser: Parser, args: readonly string[]): Command {
  const given = parser.parse_args(expandReferenceFlags(args, parser)) as Record<string, unknown>;
  const flags: Record<string, string> = {};
  for (const { flag } of FLAG_SETTINGS) {
    const value = given[flag];
    if (value !== undefined && value !== false) flags[flag] = String(value);
  }
  return { kind: "serve", flags };
}

/** Writes abbreviations of the reference server's flags out. They must go on meaning what they mean there whatever flags
 *  we add: `--work 2` is `--worker_count 2` although there is `--worker_concurrency` (contract CLI-3). Abbreviations
 *  of ours are left to the parser. Like argparse it looks at every word before `--`, flag values included. */
function expandReferenceFlags(args: readonly string[], parser: Parser): string[] {
  const end = args.indexOf("--");
  return args.map((word, index) => {
    if (!word.startsWith("--") || (end !== -1 && index >= end)) return word;
    const [name = ""] = word.split("=", 1);
    if (FLAG_SETTINGS.some((setting) => name === `--${setting.flag}`)) return word;
    const matches = REFERENCE_FLAGS.filter((flag) => flag.startsWith(name));
    if (matches.length > 1) parser.error(`ambiguous option: ${word} could match ${matches.join(", ")}`);
    return matches.length === 1 ? matches[0]! + word.slice(name.length) : word;
  });
}

const REFERENCE_FLAGS: readonly string[] = [
  "--help",
  ...FLAG_SETTINGS.filter((setting) => !isOurs(setting)).map((setting) => `--${setting.flag}`),
];

function isOurs(setting: Setting): boolean {
  return setting.scope === "scorefn";
}

function optionOf(setting: Setting, help: string): ArgumentOptions {
  const shown = setting.hidden ? "==SUPPRESS==" : help;
  if (setting.kind === "switch") return { action: "store_true", help: shown };
  if (setting.kind === "choice") return { choices: setting.choices ?? [], help: shown };
  if (setting.kind === "integer") return { type: (text: string) => checkedInteger(setting, text), help: shown };
  return { help: shown };
}

/** The reference has no such thing as a port of the system's choice, so only our own command takes it (contract CLI-5). */
function orAnyPort(option: ArgumentOptions): ArgumentOptions {
  const check = option.type as (text: string) => string;
  const type = (text: string): string => (isAnyPort(text) ? text : check(text));
  return { ...option, type };
}

/** Whether a port's text asks the system to pick one. */
export function isAnyPort(text: string): boolean {
  return /^\s*\+?0+\s*$/.test(text);
}

function ownHelp(setting: Setting): string {
  const fallback = setting.default === null ? "" : ` Default is ${setting.default}.`;
  const variable = setting.variable === null ? "" : ` Variable: ${setting.variable}.`;
  return `${meaningOf(setting)}${fallback}${variable}`;
}

/** The flag's text if it will do; what it means is decided in `resolveConfig`, with all other settings. */
function checkedInteger(setting: Setting, text: string): string {
  if (isOurs(setting) && text === "") return text;
  const parsed = readInteger(setting, text);
  if ("value" in parsed) return text;
  throw new ArgumentTypeError(
    setting.referenceCheck === undefined
      ? `${parsed.reason}, not ${pythonQuoted(text)}`
      : `invalid ${setting.referenceCheck} value: ${pythonQuoted(text)}`,
  );
}

/** Text as Python's repr() writes it, but for rare characters. */
function pythonQuoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inner = text.replace(/[\\'"\p{Cc}]/gu, (character) => {
    if (character === "\\" || character === quote) return `\\${character}`;
    if (character === "'" || character === '"') return character;
    return ESCAPES[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return `${quote}${inner}${quote}`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Carries the end of the command through argparse, which expects these methods not to return. */
class Ending extends Error {
  readonly exit: ExitCommand;
  constructor(code: number, stdout: string, stderr: string) {
    super("the command line ends the command");
    this.exit = { kind: "exit", code, stdout, stderr };
  }
}

/** argparse that returns what it would print, with the reference server's way of ending. */
class Parser extends ArgumentParser {
  /** A usage error also prints the help, without its usage, to stdout (contract CLI-5). */
  helpOnError = false;

  override print_help(): void {
    throw new Ending(0, this.format_help(), "");
  }

  override error(message: string): never {
    const usage = this.format_usage();
    const stdout = this.helpOnError ? `\n${this.format_help().slice(usage.length).trimStart()}` : "";
    throw new Ending(USAGE_ERROR, stdout, `${usage}${this.prog}: error: ${message}\n`);
  }
}
