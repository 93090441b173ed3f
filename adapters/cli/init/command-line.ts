import type { HelpPage } from "../help/page.ts";
import { type KnownFlags, readWords, unknownFlag } from "../words.ts";
import { isProjectName, NAME_RULE } from "./project-name.ts";
import { DEFAULT_TEMPLATE, TEMPLATES, type Template } from "./templates.ts";

export interface InitCommand {
  /** As typed; undefined: the current folder. */
  readonly folder: string | undefined;
  readonly template: Template | undefined;
  readonly name: string | undefined;
  /** Do not ask. */
  readonly yes: boolean;
  readonly list: boolean;
  readonly help: boolean;
  /** What is wrong, one line each. */
  readonly problems: readonly string[];
}

const NAMES = TEMPLATES.map(({ name }) => name);
const VALUES = ["template", "name"];
const SWITCHES = ["list", "yes"];
const SHORT: Readonly<Record<string, string>> = { "-t": "--template", "-n": "--name", "-l": "--list", "-y": "--yes" };
const FLAGS = [...VALUES, ...SWITCHES].map((flag) => `--${flag}`);

const KNOWN: KnownFlags = {
  find: (typed) => {
    const flag = SHORT[typed] ?? typed;
    return FLAGS.includes(flag) ? [flag] : FLAGS.filter((name) => /^--\w/.test(flag) && name.startsWith(flag));
  },
  isSwitch: (flag) => SWITCHES.includes(flag),
  unknown: (_typed, word) => unknownFlag("scorefn init", word, FLAGS),
};

/** @param args what follows `init` */
export function readInit(args: readonly string[]): InitCommand {
  const { values, others, problems: found, help } = readWords(args, KNOWN);
  const problems = [...found];
  const [folder, ...more] = others;
  for (const word of more) problems.push(`${word} is one word too many; scorefn init --help lists all`);
  if (folder === "") problems.push("the name of the folder is empty");
  if (folder?.includes("\0")) problems.push("the name of the folder has a NUL in it");
  const asked = values.get("template")?.at(-1);
  const template = TEMPLATES.find(({ name }) => name === asked?.toLowerCase());
  if (asked !== undefined && template === undefined) {
    problems.push(`there is no template ${JSON.stringify(asked)}; the templates are ${NAMES.join(", ")}`);
  }
  const name = values.get("name")?.at(-1);
  if (name !== undefined && !isProjectName(name)) {
    problems.push(`--name ${JSON.stringify(name)} will not do: it takes ${NAME_RULE}`);
  }
  return { folder, template, name, yes: values.has("yes"), list: values.has("list"), help, problems };
}

/** One line for each template. */
export function templateList(): string {
  const width = Math.max(...NAMES.map((name) => name.length));
  return TEMPLATES.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}\n`).join("");
}

export function initPage(): HelpPage {
  return {
    usage: "scorefn init [FOLDER] [flags]",
    about:
      "Makes a project: a score script with its model, a sample request, a check, what VS Code needs to debug it, and files " +
      "to deploy it. Never overwrites anything.",
    examples: [
      "scorefn init my-model",
      "scorefn init my-model --template sklearn",
      "npm create scorefn@latest my-model -- --template onnx",
    ],
    groups: [
      {
        title: "flags",
        rows: [
          { name: "FOLDER", text: "A new or empty folder. Default is the current one." },
          {
            name: "-t, --template NAME",
            text: `Where to start from. Without it you are asked at a terminal; elsewhere ${DEFAULT_TEMPLATE.name} is taken.`,
          },
          { name: "-n, --name NAME", text: "The project's name. Default is the folder's." },
          { name: "-l, --list", text: "List the templates." },
          { name: "-y, --yes", text: "Do not ask." },
        ],
      },
      { title: "templates", rows: TEMPLATES.map(({ name, about }) => ({ name, text: about })) },
    ],
  };
}
