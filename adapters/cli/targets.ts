// The command lines of `scorefn build` and `scorefn invoke`, made from the registry of targets.
import type { ArgumentOptions, ArgumentParser, SubparsersAction } from "argparse";
import { COMMON_FLAGS, TARGETS, type TargetFlag, type TargetOptions } from "../../packaging/targets.ts";

export type { TargetOptions };

export interface BuildCommand {
  readonly kind: "build";
  readonly target: string;
  readonly options: TargetOptions;
}

export interface InvokeCommand {
  readonly kind: "invoke";
  /** Undefined: the build says it. */
  readonly target: string | undefined;
  readonly directory: string;
  readonly data: string;
}

const NAMES = TARGETS.map(({ name }) => name);

/** A flag, and the targets that have it; undefined: all of them, and it means the same everywhere. */
interface KnownFlag extends TargetFlag {
  readonly targets?: readonly string[];
}

const FLAGS: readonly KnownFlag[] = [...COMMON_FLAGS, ...ownFlags()];

function ownFlags(): KnownFlag[] {
  const byName = new Map<string, KnownFlag>();
  for (const { name, flags } of TARGETS) {
    for (const flag of flags) {
      const known = byName.get(flag.flag);
      const help = `${known === undefined ? "" : `${known.help} `}${name}: ${flag.help}`;
      byName.set(flag.flag, { ...flag, help, targets: [...(known?.targets ?? []), name] });
    }
  }
  return [...byName.values()];
}

export function addBuildCommand(commands: SubparsersAction): ArgumentParser {
  const parser = commands.add_parser("build", {
    help: "make a folder that deploys to AWS Lambda or Azure Functions",
    description: "Turns a score script and its model into a folder that deploys to a cloud, and says how.",
    color: false,
  });
  const limits = TARGETS.map(({ name, limits: text }) => `${name} (${text})`).join(", ");
  parser.add_argument("--target", { required: true, choices: NAMES, help: `The cloud: ${limits}.` });
  for (const flag of FLAGS) parser.add_argument(`--${flag.flag}`, toArgument(flag));
  return parser;
}

export function addInvokeCommand(commands: SubparsersAction): ArgumentParser {
  const parser = commands.add_parser("invoke", {
    help: "try such a folder on this machine, without an account",
    description: "Posts one request to /score of a build, in a fresh process, and prints the answer and what it took.",
    color: false,
  });
  const help = "The cloud; only for a folder that scorefn has not built.";
  parser.add_argument("--target", { choices: NAMES, help });
  parser.add_argument("directory", { help: "folder of the build" });
  parser.add_argument("--data", { required: true, help: "The request body, or @file." });
  return parser;
}

/** @throws WrongTargetError when flags do not belong to the target */
export function toBuild(asked: Record<string, unknown>): BuildCommand {
  const target = String(asked.target);
  const options: Record<string, TargetOptions[string]> = {};
  const wrong: string[] = [];
  for (const { flag, targets, option = toCamelCase(flag) } of FLAGS) {
    const value = asked[flag] as TargetOptions[string] | null;
    if (value === undefined || value === null || value === false) continue;
    if (targets?.includes(target) === false) {
      wrong.push(`--${flag} is for --target ${targets.join(" or ")} only`);
    }
    options[option] = value;
  }
  if (wrong.length > 0) throw new WrongTargetError(wrong);
  return { kind: "build", target, options };
}

export function toInvoke({ target, directory, data }: Record<string, unknown>): InvokeCommand {
  return {
    kind: "invoke",
    target: typeof target === "string" ? target : undefined,
    directory: String(directory),
    data: String(data),
  };
}

/** Flags of one cloud were given with the other. */
export class WrongTargetError extends Error {
  /** A sentence for each. */
  readonly flags: readonly string[];
  constructor(flags: readonly string[]) {
    super(flags.join("; "));
    this.flags = flags;
  }
}

function toCamelCase(flag: string): string {
  return flag.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function toArgument({ help, kind, choices, required }: TargetFlag): ArgumentOptions {
  const argument: ArgumentOptions = { help };
  if (kind === "switch") argument.action = "store_true";
  if (kind === "list") argument.action = "append";
  if (kind === "integer") argument.type = "int";
  if (choices !== undefined) argument.choices = [...choices];
  if (required !== undefined) argument.required = required;
  return argument;
}
