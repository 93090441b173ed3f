import { type ArgumentOptions, ArgumentParser, ArgumentTypeError } from "argparse";
import { FLAG_SETTINGS, type Flags, readInteger, referenceHelpOf, type Setting, VERSION } from "../../src/host.ts";
import { PRODUCT_LINE } from "./banner.ts";
import { addDevCommand, addServeCommand, examples, ownHelp, variablesHelp } from "./help.ts";
import { type DevFlags, readDevFlags, readServeFlags } from "./serve-flags.ts";
import {
  addBuildCommand,
  addInvokeCommand,
  type BuildCommand,
  type InvokeCommand,
  readBuild,
  readInvoke,
} from "./targets.ts";

/** `azmlinfsrv` takes the reference server's command line, `scorefn` has sub-commands. */
export type Program = "azmlinfsrv" | "scorefn";

/** What a command line asks for. */
export type Command =
  | ServeCommand
  | BuildCommand
  | InvokeCommand
  | ToolCommand
  | { readonly kind: "exit"; readonly code: number; readonly stdout: string; readonly stderr: string };

export interface ServeCommand {
  readonly kind: "serve";
  readonly flags: Flags;
  readonly problems: readonly string[];
  /** For whoever is writing the script; undefined: for anybody else. */
  readonly dev?: DevFlags;
}

/** A command whose words are read by whoever carries it out. */
export interface ToolCommand {
  readonly kind: "tool";
  readonly name: ToolName;
  /** What follows that word. */
  readonly args: readonly string[];
}

const TOOLS = {
  check: "check a score script, a build or a server before it is rolled out",
  init: "make a project from a template",
  "online-endpoint": "local online endpoints, with the commands and files of az ml",
  "online-deployment": "deployments of local online endpoints",
} as const;

export type ToolName = keyof typeof TOOLS;

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
    throw error;
  }
}

/** The line of the drop-in command, to the byte what the reference makes of it. */
function parseReference(args: readonly string[]): Command {
  const parser = new Parser({ prog: "azmlinfsrv", description: PRODUCT_LINE, color: false });
  parser.helpOnError = true;
  parser.appendix = () => `\n${variablesHelp()}\n${examples("azmlinfsrv --entry_script score.py")}`;
  for (const setting of FLAG_SETTINGS) {
    if (!isOurs(setting)) parser.add_argument(`--${setting.flag}`, optionOf(setting, referenceHelpOf(setting)));
  }
  const group = parser.add_argument_group("scorefn options");
  for (const setting of FLAG_SETTINGS) {
    if (isOurs(setting)) group.add_argument(`--${setting.flag}`, optionOf(setting, ownHelp(setting)));
  }
  const given = parser.parse_args(expandReferenceFlags(args, parser)) as Record<string, unknown>;
  const flags: Record<string, string> = {};
  for (const { flag } of FLAG_SETTINGS) {
    const value = given[flag];
    if (value !== undefined && value !== false) flags[flag] = String(value);
  }
  return { kind: "serve", flags, problems: [] };
}

const DESCRIPTION = `scorefn v${VERSION}: serves score scripts, and builds them for AWS Lambda and Azure Functions.`;
const COMMANDS = `serve, dev, build, invoke, ${Object.keys(TOOLS).join(", ")}, help and version`;
const HELP_WORDS = ["help", "--help", "-h"];
const VERSION_WORDS = ["version", "--version", "-v", "-V"];

function parseScorefn([command, ...rest]: readonly string[]): Command {
  const [next] = rest;
  if (command !== undefined && HELP_WORDS.includes(command) && next !== undefined)
    return parseScorefn([next, "--help"]);
  if (command !== undefined && VERSION_WORDS.includes(command)) return printed(`scorefn ${VERSION}\n`);

  const parser = new Parser({ prog: "scorefn", usage: "scorefn <command> [flags]", description: DESCRIPTION });
  parser.add_argument("-v", "--version", { action: "store_true", help: "show the version and exit" });
  const commands = parser.add_subparsers({ title: "commands", metavar: "<command>", parser_class: Parser });
  const serveParser = addServeCommand(commands) as Parser;
  serveParser.appendix = () => `\n${variablesHelp()}\n${examples("scorefn serve score.py")}`;
  const devParser = addDevCommand(commands) as Parser;
  devParser.appendix = serveParser.appendix;
  const [buildParser, invokeParser] = [addBuildCommand(commands), addInvokeCommand(commands)];
  for (const [name, help] of Object.entries(TOOLS)) commands.add_parser(name, { help });
  parser.appendix = () => "\nscorefn help <command> says more of each.\n";

  if (command === undefined || HELP_WORDS.includes(command)) return printed(parser.format_help());
  if (command === "serve") {
    const { flags, problems, help } = readServeFlags(rest);
    return help ? printed(serveParser.format_help()) : { kind: "serve", flags, problems };
  }
  if (command === "dev") {
    const { help, ...read } = readDevFlags(rest);
    return help ? printed(devParser.format_help()) : { kind: "serve", ...read };
  }
  if (command === "build") return readBuild(rest) ?? printed(buildParser.format_help());
  if (command === "invoke") return readInvoke(rest) ?? printed(invokeParser.format_help());
  if (isTool(command)) return { kind: "tool", name: command, args: rest };
  const serveWords = command.startsWith("-") || /\.[a-z]+$/i.test(command);
  return usageError(
    serveWords
      ? `scorefn: error: a command is missing before ${command}; type: scorefn serve ${[command, ...rest].join(" ")}`
      : `scorefn: error: there is no command ${command}; the commands are ${COMMANDS}`,
  );
}

function isTool(command: string): command is ToolName {
  return Object.hasOwn(TOOLS, command);
}

function printed(stdout: string): ExitCommand {
  return { kind: "exit", code: 0, stdout, stderr: "" };
}

function usageError(...lines: readonly string[]): ExitCommand {
  return { kind: "exit", code: USAGE_ERROR, stdout: "", stderr: lines.map((line) => `${line}\n`).join("") };
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
  /** Follows the help that argparse makes, where it was asked for. */
  appendix: () => string = () => "";

  override format_help(): string {
    return super.format_help() + this.appendix();
  }

  override print_help(): void {
    throw new Ending(0, this.format_help(), "");
  }

  override error(message: string): never {
    const usage = this.format_usage();
    const stdout = this.helpOnError ? `\n${super.format_help().slice(usage.length).trimStart()}` : "";
    throw new Ending(USAGE_ERROR, stdout, `${usage}${this.prog}: error: ${message}\n`);
  }
}
