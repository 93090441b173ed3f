// The templates: real files below templates/, one folder each.
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { packageFile, VERSION } from "../../../src/host.ts";
import type { ProjectFile } from "./make-project.ts";

export interface Template {
  readonly name: string;
  readonly about: string;
  /** File name of the score script. */
  readonly script: string;
  /** What has to be installed before the script can run. */
  readonly packages?: "pip" | "npm";
}

export const TEMPLATES: readonly Template[] = [
  { name: "python", about: "a script in plain Python, no packages", script: "score.py" },
  { name: "sklearn", about: "a scikit-learn model", script: "score.py", packages: "pip" },
  { name: "typescript", about: "a script in TypeScript", script: "score.ts" },
  { name: "onnx", about: "an ONNX model behind a script in TypeScript", script: "score.ts", packages: "npm" },
];

/** What is made where nobody can be asked. */
export const DEFAULT_TEMPLATE: Template = TEMPLATES[0]!;

/** Stands for the project's name in the files. */
const NAME = "my-model";
/** Any version of scorefn, in package.json. */
const ANY_SCOREFN = '"scorefn": "*"';
/** The command `scorefn` in a README's console and in a task of VS Code. */
const COMMAND = /(?<=^\$ |"command": ")scorefn /gm;
/** Models are taken as they are. */
const MODEL_FOLDER = "model/";
/** What running a template in its place leaves there. */
const LEFT_BEHIND = /(?:^|\/)(?:__pycache__|node_modules|build)\//;

/** @param name of the project   @param command that runs scorefn: `scorefn` or `npx scorefn` */
export function filesOf({ name: template }: Template, name: string, command: string): ProjectFile[] {
  const folder = packageFile(`templates/${template}`);
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .map((path) => path.replaceAll(sep, "/"))
    .filter((path) => !LEFT_BEHIND.test(path));
  return paths.sort().map((path) => {
    const bytes = readFileSync(join(folder, path));
    const content = path.startsWith(MODEL_FOLDER) ? bytes : filledIn(bytes.toString(), name, command);
    return { path: withDots(path), content };
  });
}

function filledIn(text: string, name: string, command: string): string {
  return text.replaceAll(NAME, name).replace(ANY_SCOREFN, `"scorefn": "^${VERSION}"`).replace(COMMAND, `${command} `);
}

/** npm leaves `.gitignore` and `.npmrc` out of a package, so they are `_gitignore` and `_npmrc` in it. */
function withDots(path: string): string {
  return path.replace(/(^|\/)_(?!_)/g, "$1.");
}
