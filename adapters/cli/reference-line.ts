// The command line of `azmlinfsrv`, to the byte what the reference makes of it.
import { type ArgumentOptions, ArgumentParser, ArgumentTypeError } from "argparse";
import {
  FLAG_SETTINGS,
  type HostSetting,
  meaningOf,
  readInteger,
  referenceHelpOf,
  SETTINGS,
  type Setting,
} from "../../src/host.ts";
import { PRODUCT_LINE } from "./banner.ts";
import type { Command, ExitCommand } from "./command-line.ts";
import { USAGE_ERROR } from "./commands.ts";
import { platforms } from "./platforms.ts";

/** @param args without interpreter and program */
export function parseReference(args: readonly string[]): Command {
  try {
    return parse(args);
  } catch (error) {
    if (error instanceof Ending) return error.exit;
    throw error;
  }
}

function parse(args: readonly string[]): Command {
  const parser = new Parser({ prog: "azmlinfsrv", description: PRODUCT_LINE, color: false });
  parser.helpOnError = true;
  parser.appendix = () => `\n${variablesHelp()}\n${EXAMPLES}`;
  for (const setting of TAKEN) {
    if (!isOurs(setting)) parser.add_argument(`--${setting.flag}`, optionOf(setting, referenceHelpOf(setting)));
  }
  const group = parser.add_argument_group("scorefn options");
  for (const setting of TAKEN) {
    if (isOurs(setting)) group.add_argument(`--${setting.flag}`, optionOf(setting, ownHelp(setting)));
  }
  const given = parser.parse_args(expandReferenceFlags(args, parser)) as Record<string, unknown>;
  const flags: Record<string, string> = {};
  for (const { flag } of TAKEN) {
    const value = given[flag];
    if (value !== undefined && value !== false) flags[flag] = String(value);
  }
  return { kind: "serve", flags, problems: [] };
}

function ownHelp(setting: Setting): string {
  const fallback = setting.default === null ? "" : ` Default is ${setting.default}.`;
  const variable = setting.variable === null ? "" : ` Variable: ${setting.variable}.`;
  return `${meaningOf(setting)}${fallback}${variable}`;
}

const TITLE = "settings that are environment variables only";

/** The settings that have no flag here, laid out as argparse lays out flags. */
function variablesHelp(): string {
  const parser = new ArgumentParser({ add_help: false, color: false });
  const group = parser.add_argument_group(TITLE);
  for (const setting of [...Object.values(SETTINGS), ...platforms.rows]) {
    if (setting.flag === null) group.add_argument(setting.variable!, { help: variableHelp(setting) });
  }
  for (const setting of FLAG_SETTINGS) {
    if (!TAKEN.includes(setting)) group.add_argument(setting.variable!, { help: variableHelp(setting) });
  }
  const text = parser.format_help();
  return text.slice(text.indexOf(`${TITLE}:`));
}

function variableHelp(setting: Setting | HostSetting): string {
  const choices = setting.choices === undefined ? "" : ` One of ${setting.choices.join(", ")}.`;
  const unit = setting.unit === null || setting.unit === "port" ? "" : ` ${setting.unit}`;
  const fallback = setting.default === null || setting.default === "" ? "" : ` Default is ${setting.default}${unit}.`;
  return `${meaningOf(setting)}${choices}${fallback}`;
}

const SERVE = "azmlinfsrv --entry_script score.py";
const EXAMPLES = [
  "examples:",
  `  ${SERVE}`,
  `  ${SERVE} --model_dir model --worker_count 4 --port 8080`,
  `  SCORING_TIMEOUT_MS=30000 AZUREML_LOG_LEVEL=WARNING ${SERVE}`,
  `  SEPERATE_HEALTH_ENDPOINT=true ${SERVE} --health_port 5000`,
  "  docker run -e SCOREFN_PORT=8080 -e SCOREFN_HOST=0.0.0.0 -p 8080:8080 my-image",
  "",
].join("\n");

/** Writes abbreviations of the reference server's flags out. They must go on meaning what they mean there whatever flags
 *  we add: `--work 2` is `--worker_count 2` although there is `--worker_concurrency` (contract CLI-3). Abbreviations
 *  of ours are left to the parser. Like argparse it looks at every word before `--`, flag values included. */
function expandReferenceFlags(args: readonly string[], parser: Parser): string[] {
  const end = args.indexOf("--");
  return args.map((word, index) => {
    if (!word.startsWith("--") || (end !== -1 && index >= end)) return word;
    const [name = ""] = word.split("=", 1);
    if (TAKEN.some((setting) => name === `--${setting.flag}`)) return word;
    const matches = REFERENCE_FLAGS.filter((flag) => flag.startsWith(name));
    if (matches.length > 1) parser.error(`ambiguous option: ${word} could match ${matches.join(", ")}`);
    return matches.length === 1 ? matches[0]! + word.slice(name.length) : word;
  });
}

const REFERENCE_FLAGS: readonly string[] = [
  "--help",
  ...FLAG_SETTINGS.filter((setting) => !isOurs(setting)).map((setting) => `--${setting.flag}`),
];

/** All but those of ours that are abbreviations there: `--model m` goes on to mean `--model_dir m`. Their variables do what
 *  they do everywhere. */
const TAKEN: typeof FLAG_SETTINGS = FLAG_SETTINGS.filter(
  (setting) => !isOurs(setting) || !REFERENCE_FLAGS.some((flag) => flag.startsWith(`--${setting.flag}`)),
);

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

/** Names the reference server gives the checks of its flags in error texts (CLI-5). */
const REFERENCE_CHECKS: Readonly<Record<string, string>> = {
  port: "validate_port",
  health_port: "validate_port",
  worker_count: "validate_worker_count",
};

/** The flag's text if it will do; what it means is decided in `resolveConfig`, with all other settings. */
function checkedInteger(setting: Setting, text: string): string {
  if (isOurs(setting) && text === "") return text;
  const parsed = readInteger(setting, text);
  if ("value" in parsed) return text;
  const check = REFERENCE_CHECKS[setting.flag ?? ""];
  throw new ArgumentTypeError(
    check === undefined
      ? `${parsed.reason}, not ${pythonQuoted(text)}`
      : `invalid ${check} value: ${pythonQuoted(text)}`,
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
