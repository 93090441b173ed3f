// The commands of `scorefn`, in the order of the help.

/** Exit code of what cannot be understood (contract CLI-5, PROC-8). */
export const USAGE_ERROR = 1;

interface CommandRow {
  readonly group: keyof typeof COMMAND_GROUPS;
  /** `tool`: its words are read by whoever carries it out. */
  readonly kind: "serve" | "dev" | "build" | "invoke" | "tool";
  readonly help: string;
}

/** Titles, by the names of groups. */
export const COMMAND_GROUPS = {
  write: "write and check",
  serve: "serve",
  deploy: "deploy to a cloud",
} as const;

const ROWS = {
  init: { group: "write", kind: "tool", help: "make a project from a template" },
  dev: { group: "write", kind: "dev", help: "serve a score script, and load it anew when it is edited" },
  check: { group: "write", kind: "tool", help: "check a score script, a build or a server before it is rolled out" },
  serve: { group: "serve", kind: "serve", help: "serve a score script over HTTP" },
  "online-endpoint": {
    group: "serve",
    kind: "tool",
    help: "local online endpoints, with the commands and files of az ml",
  },
  "online-deployment": { group: "serve", kind: "tool", help: "deployments of local online endpoints" },
  build: { group: "deploy", kind: "build", help: "make a folder that deploys to AWS Lambda or Azure Functions" },
  invoke: { group: "deploy", kind: "invoke", help: "try such a folder on this machine, without an account" },
} as const;

type Rows = typeof ROWS;
export type CommandName = keyof Rows;
export type ToolName = { [Name in CommandName]: Rows[Name]["kind"] extends "tool" ? Name : never }[CommandName];

export const COMMANDS: Readonly<Record<CommandName, CommandRow>> = ROWS;

/** What other programs call what we call otherwise. */
export const SYNONYMS: Readonly<Record<string, CommandName>> = {
  run: "serve",
  start: "serve",
  server: "serve",
  new: "init",
  create: "init",
  test: "check",
  validate: "check",
  lint: "check",
  package: "build",
  deploy: "build",
  predict: "invoke",
  score: "invoke",
};

export function isCommand(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}
