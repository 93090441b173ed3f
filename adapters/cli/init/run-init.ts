// `scorefn init`, apart from the process that it runs in.
import { basename, relative, resolve } from "node:path";
import type { Environment, Paint } from "../../../src/host.ts";
import { formatHelp, type Screen } from "../help/page.ts";
import { errorLine } from "../output.ts";
import { type InitCommand, initPage, readInit, templateList } from "./command-line.ts";
import { CannotMake, checkFolder, makeProject } from "./make-project.ts";
import { nameFor } from "./project-name.ts";
import { DEFAULT_TEMPLATE, filesOf, TEMPLATES, type Template } from "./templates.ts";

export interface InitHost {
  readonly cwd: string;
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** What help is written to, and colours of errors. Default: plain. */
  readonly screen?: Screen;
  readonly paint?: Paint;
  /** Asks at the terminal; undefined: there is none. Resolves with undefined when nobody will answer any more. */
  readonly ask?: ((question: string) => Promise<string | undefined>) | undefined;
}

/** @param args what follows `init`   @returns the exit code */
export async function runInit(args: readonly string[], host: InitHost): Promise<number> {
  const command = readInit(args);
  if (command.help || command.list) {
    host.write(command.help ? formatHelp(initPage(), host.screen) : templateList());
    return 0;
  }
  if (command.problems.length > 0) return refused(command.problems, host);
  const folder = resolve(host.cwd, command.folder ?? ".");
  try {
    // Before anybody is asked.
    checkFolder(folder);
    const template = command.template ?? (await chooseTemplate(command, host));
    if (template === undefined) return refused(["no template was chosen; nothing was made"], host);
    const name = command.name ?? nameFor(basename(folder));
    const files = filesOf(template, name, commandOf(host.env));
    makeProject(folder, files);
    host.write(report(folder, template, name, files.length, command, host));
    return 0;
  } catch (error) {
    if (error instanceof CannotMake) return refused([error.message], host);
    throw error;
  }
}

function refused(problems: readonly string[], { writeError, paint }: InitHost): number {
  for (const problem of problems) writeError(errorLine("scorefn init", problem, paint));
  return 1;
}

/** @returns undefined: whoever was asked has left */
async function chooseTemplate({ yes }: InitCommand, { ask, env, write }: InitHost): Promise<Template | undefined> {
  if (ask === undefined || yes || isCi(env)) {
    write(`Template: ${DEFAULT_TEMPLATE.name} (--list shows the others).\n`);
    return DEFAULT_TEMPLATE;
  }
  const lines = TEMPLATES.map(({ name, about }, index) => `  ${index + 1}  ${name.padEnd(10)}  ${about}\n`);
  let question = `Which template?\n${lines.join("")}Number or name [${DEFAULT_TEMPLATE.name}]: `;
  for (;;) {
    const answer = (await ask(question))?.trim().toLowerCase();
    if (answer === undefined) return undefined;
    if (answer === "") return DEFAULT_TEMPLATE;
    const chosen = TEMPLATES.find(({ name }, index) => answer === name || answer === String(index + 1));
    if (chosen !== undefined) return chosen;
    question = `${answer} is none of them. Number or name [${DEFAULT_TEMPLATE.name}]: `;
  }
}

/** CI servers set CI; some let it be switched off. */
function isCi({ CI }: Environment): boolean {
  return CI !== undefined && !["", "0", "false"].includes(CI.toLowerCase());
}

/** npm, npx and their like say who they are to what they run. The command may then be on no PATH. */
function commandOf({ npm_config_user_agent: packageManager }: Environment): string {
  return packageManager === undefined ? "scorefn" : "npx scorefn";
}

function report(
  folder: string,
  template: Template,
  name: string,
  files: number,
  command: InitCommand,
  { cwd, env, platform }: InitHost,
): string {
  const place = relative(cwd, folder);
  const shown = place === "" ? "the current folder" : place;
  const renamed = command.name !== undefined || name === basename(folder) ? "" : `, under the name ${name}`;
  const steps = [
    ...(place === "" ? [] : [`cd ${quoted(place)}`]),
    ...packageSteps(template, env, platform),
    `${commandOf(env)} dev ${template.script} --model_dir model`,
  ];
  const next = steps.map((step) => `  ${step}\n`).join("");
  return `Made ${shown} from the template ${template.name}: ${files} files${renamed}. Next:\n\n${next}\nREADME.md says more.\n`;
}

function packageSteps({ packages }: Template, env: Environment, platform: NodeJS.Platform): string[] {
  if (packages === undefined) return [];
  if (packages === "npm") return ["npm install"];
  const install = "pip install -r requirements.txt";
  if (env.VIRTUAL_ENV !== undefined || env.CONDA_PREFIX !== undefined) return [install];
  return platform === "win32"
    ? [`py -m venv .venv && .venv\\Scripts\\activate && ${install}`]
    : [`python3 -m venv .venv && . .venv/bin/activate && ${install}`];
}

/** A path as a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w./\\:@+-]+$/.test(path) ? path : `"${path.replace(/(["$`])/g, "\\$1")}"`;
}
