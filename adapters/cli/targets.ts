// Flags of `scorefn build` and `scorefn invoke`: the clouds a score script can be built for.
import type { ArgumentOptions, ArgumentParser, SubparsersAction } from "argparse";

export const TARGETS = ["aws-lambda", "azure-functions"] as const;
export type Target = (typeof TARGETS)[number];

/** Flags of `build` by name, as given; undefined where absent. */
export type TargetOptions = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

interface TargetFlag {
  readonly flag: string;
  /** Name of the builder's option; default: the flag's in camel case. */
  readonly option?: string;
  readonly help: string;
  /** Undefined: for both. */
  readonly only?: Target;
  readonly kind?: "integer" | "switch" | "list";
  readonly choices?: readonly string[];
  readonly required?: boolean;
}

const FLAGS: readonly TargetFlag[] = [
  { flag: "entry_script", required: true, help: "The score script." },
  { flag: "model_dir", help: "The model directory, which becomes part of the build." },
  { flag: "out", required: true, help: "Folder of the build; a build that is there is replaced." },
  { flag: "memory_mb", kind: "integer", help: "Memory in MB. Default is 1769 (aws-lambda), 2048 (azure-functions)." },
  {
    flag: "node",
    kind: "integer",
    help: "Major version of Node, 22 or 24. Default is 24 (aws-lambda), 22 (azure-functions).",
  },
  {
    flag: "arch",
    choices: ["x64", "arm64"],
    help: "Processor. Default is this machine's (aws-lambda), x64 (azure-functions).",
  },
  { flag: "external", kind: "list", help: "npm package that is copied and not bundled; may be given several times." },
  {
    flag: "streaming",
    option: "streams",
    only: "aws-lambda",
    kind: "switch",
    help: "Answer piece by piece, through a Function URL.",
  },
  { flag: "door", only: "aws-lambda", choices: ["url", "http-api"], help: "What requests come in by. Default is url." },
  {
    flag: "auth",
    only: "aws-lambda",
    choices: ["AWS_IAM", "NONE"],
    help: "Who may call a Function URL. Default is AWS_IAM.",
  },
  { flag: "timeout_seconds", only: "aws-lambda", kind: "integer", help: "Time-out of the function. Default is 30." },
  {
    flag: "requirements",
    only: "aws-lambda",
    help: "List of Python packages. Default is requirements.txt beside the script.",
  },
  {
    flag: "template",
    only: "azure-functions",
    choices: ["code", "container", "custom-handler"],
    help: "Kind of app. Default is code, for Python scripts container.",
  },
  {
    flag: "auth_level",
    only: "azure-functions",
    choices: ["anonymous", "function", "admin"],
    help: "Key that /score of a custom handler asks for. Default is function.",
  },
];

export function addBuildCommand(commands: SubparsersAction): void {
  const parser = commands.add_parser("build", {
    help: "make a folder that deploys to AWS Lambda or Azure Functions",
    description: "Turns a score script and its model into a folder that deploys to a cloud, and says how.",
    color: false,
  });
  addTarget(parser);
  for (const flag of FLAGS) parser.add_argument(`--${flag.flag}`, toArgument(flag));
}

export function addInvokeCommand(commands: SubparsersAction): void {
  const parser = commands.add_parser("invoke", {
    help: "try such a folder on this machine, without an account",
    description: "Posts one request to /score of a build, in a fresh process, and prints the answer and what it took.",
    color: false,
  });
  addTarget(parser);
  parser.add_argument("directory", { help: "folder of the build" });
  parser.add_argument("--data", { required: true, help: "The request body, or @file." });
}

/** @throws the parser's usage error when a flag does not belong to the target */
export function toBuild(asked: Record<string, unknown>): { kind: "build"; target: Target; options: TargetOptions } {
  const target = asked.target as Target;
  const options: Record<string, TargetOptions[string]> = {};
  for (const { flag, only, option = toCamelCase(flag) } of FLAGS) {
    const value = asked[flag] as TargetOptions[string] | null;
    if (value === undefined || value === null || value === false) continue;
    if (only !== undefined && only !== target) throw new WrongTargetError(`--${flag} is for --target ${only} only`);
    options[option] = value;
  }
  return { kind: "build", target, options };
}

export function toInvoke(asked: Record<string, unknown>): {
  kind: "invoke";
  target: Target;
  directory: string;
  data: string;
} {
  return {
    kind: "invoke",
    target: asked.target as Target,
    directory: String(asked.directory),
    data: String(asked.data),
  };
}

/** A flag of one cloud was given with the other. */
export class WrongTargetError extends Error {}

function addTarget(parser: ArgumentParser): void {
  parser.add_argument("--target", { required: true, choices: [...TARGETS], help: "The cloud." });
}

function toCamelCase(flag: string): string {
  return flag.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function toArgument({ help, only, kind, choices, required }: TargetFlag): ArgumentOptions {
  const argument: ArgumentOptions = { help: only === undefined ? help : `${help} Only ${only}.` };
  if (kind === "switch") argument.action = "store_true";
  if (kind === "list") argument.action = "append";
  if (kind === "integer") argument.type = "int";
  if (choices !== undefined) argument.choices = [...choices];
  if (required !== undefined) argument.required = required;
  return argument;
}
