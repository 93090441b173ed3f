// What a command line asks for. Help, and the line of the drop-in command, are loaded when they are asked for.
import { type Flags, nearest, VERSION } from "../../src/host.ts";
import { COMMANDS, isCommand, SYNONYMS, type ToolName } from "./commands.ts";
import type { HelpPage, Screen } from "./help/page.ts";
import { type DevFlags, readDevFlags, readServeFlags } from "./serve-flags.ts";
import { type BuildCommand, type InvokeCommand, readBuild, readInvoke } from "./targets.ts";

/** `azmlinfsrv` takes the reference server's command line, `scorefn` has sub-commands. */
export type Program = "azmlinfsrv" | "scorefn";

/** What a command line asks for. */
export type Command = ServeCommand | BuildCommand | InvokeCommand | ToolCommand | ExitCommand | RefusedCommand;

export interface ExitCommand {
  readonly kind: "exit";
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One that there is not. */
interface RefusedCommand {
  readonly kind: "refused";
  readonly problem: string;
}

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

const HELP_WORDS = ["help", "--help", "-h"];
const VERSION_WORDS = ["version", "--version", "-v", "-V"];

/** Reads a command line.
 *  @param args without interpreter and program   @param screen what help is written to */
export async function parseCommandLine(program: Program, args: readonly string[], screen?: Screen): Promise<Command> {
  if (program === "azmlinfsrv") return (await import("./reference-line.ts")).parseReference(args);
  const [command, ...rest] = args;
  if (command === undefined || HELP_WORDS.includes(command)) {
    const topic = rest.filter((word) => !HELP_WORDS.includes(word));
    if (topic.length > 0) return parseCommandLine(program, [...topic, "--help"], screen);
    return printed((await import("./help/overview.ts")).overviewPage(), screen);
  }
  if (VERSION_WORDS.includes(command)) return { kind: "exit", code: 0, stdout: `scorefn ${VERSION}\n`, stderr: "" };
  if (!isCommand(command)) return { kind: "refused", problem: unknownCommand(command, rest) };
  switch (command) {
    case "serve": {
      const { flags, problems, help } = readServeFlags(rest);
      if (help) return printed((await import("./help/serve.ts")).servePage(), screen);
      return { kind: "serve", flags, problems };
    }
    case "dev": {
      const { help, ...read } = readDevFlags(rest);
      if (help) return printed((await import("./help/serve.ts")).devPage(), screen);
      return { kind: "serve", ...read };
    }
    case "build":
      return readBuild(rest) ?? printed((await import("./help/targets.ts")).buildPage(), screen);
    case "invoke":
      return readInvoke(rest) ?? printed((await import("./help/targets.ts")).invokePage(), screen);
    default:
      return { kind: "tool", name: command, args: rest };
  }
}

async function printed(page: HelpPage, screen: Screen | undefined): Promise<ExitCommand> {
  const { formatHelp } = await import("./help/page.ts");
  return { kind: "exit", code: 0, stdout: formatHelp(page, screen), stderr: "" };
}

/** What is wrong with a word that is no command, and what to type. */
function unknownCommand(word: string, rest: readonly string[]): string {
  // Probably the script, or a flag of the command that is used most.
  if (word.startsWith("-") || /\.[a-z]+$|[/\\]/i.test(word)) {
    const line = ["scorefn serve", ...[word, ...rest].map(quoted)].join(" ");
    return `a command is missing before ${word}; type: ${line}`;
  }
  const names = [...Object.keys(COMMANDS), "help", "version"];
  const meant = Object.hasOwn(SYNONYMS, word) ? SYNONYMS[word] : nearest(word, names);
  const cure =
    meant === undefined ? `the commands are ${names.slice(0, -1).join(", ")} and version` : `did you mean ${meant}?`;
  return `there is no command ${quoted(word)}; ${cure}`;
}

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
