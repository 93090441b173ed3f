// What `scorefn serve` looks at before anything is started: the score script's file, and the Python that is to run it.
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import {
  type Config,
  detectModel,
  findPython,
  isJavaScript,
  type Problem,
  runsInNode,
  ScoreError,
} from "../../src/host.ts";

/** What Python takes for a module, besides the suffixes of JavaScript. */
const PYTHON_SUFFIXES = [".py", ".pyc", ".pyd", ".so"];

/** Names that a folder's score script usually has, for a hint. */
const USUAL_NAMES = ["score.py", "score.ts", "score.js", "score.mjs", "main.py"];

/** @param found what is wrong with the settings
 *  @returns one line for the script, and one for Python, if they cannot be used */
export function checkFiles(config: Config, cwd: string, found: readonly Problem[]): readonly Problem[] {
  // A file that cannot be read may be the one that names the script, and a model needs none.
  const isUnnamed =
    config.entryScript === null && found.some(({ kind, setting }) => kind === "file" || setting === "model");
  const texts = [isUnnamed ? undefined : scriptProblem(config, cwd), pythonProblem(config, cwd)].filter(
    (text) => text !== undefined,
  );
  return texts.map((text) => ({ kind: "launcher", text }));
}

function scriptProblem(
  { model, entryScript, appRoot, configFile, workerEnv }: Config,
  cwd: string,
): string | undefined {
  // What lies at its path has been looked at with the setting.
  if (model !== null) return undefined;
  if (entryScript === null) {
    // As the reference server does it, a configuration file without a script stands for main.py (contract LOAD-2).
    if (configFile !== null && existsSync(join(appRoot, "main.py"))) return undefined;
    const found = USUAL_NAMES.find((name) => existsSync(join(cwd, name))) ?? "score.py";
    return `no score script is named; type scorefn serve ${found}, or set AZUREML_ENTRY_SCRIPT`;
  }
  const script = `the score script ${entryScript}`;
  let isFile: boolean;
  try {
    const entry = statSync(entryScript);
    if (isModel(entryScript)) return `${script} is a model; type scorefn serve --model ${entryScript}`;
    if (entry.isDirectory()) return `${script} is a folder; name the file in it${example(entryScript)}`;
    isFile = entry.isFile();
    accessSync(entryScript, constants.R_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EACCES") return `${script} cannot be read by this user`;
    if (code !== "ENOENT" && code !== "ENOTDIR") return `${script} cannot be read: ${message}`;
    const root =
      workerEnv.AZUREML_ENTRY_SCRIPT === entryScript || appRoot === cwd ? "" : ` (AML_APP_ROOT is ${appRoot})`;
    const windows = /(?:^|\/)([a-z]):\\(.+)$/i.exec(entryScript);
    if (windows !== null && process.platform !== "win32") {
      const [shown, drive = "", rest = ""] = windows;
      const here = `/mnt/${drive.toLowerCase()}/${rest.replaceAll("\\", "/")}`;
      return `the score script ${shown.replace(/^\//, "")} is a path of Windows; here it may be ${here}`;
    }
    const other = usualScript(dirname(entryScript));
    return `${script} does not exist${root}${other === undefined ? "" : `; did you mean ${other}?`}`;
  }
  if (!isFile) return `${script} is not a file`;
  if (isJavaScript(entryScript) || PYTHON_SUFFIXES.includes(extname(entryScript))) return undefined;
  return `${script} is not a Python, JavaScript or TypeScript file; name the one that holds init() and run()${example(dirname(entryScript))}`;
}

/** A folder may hold a model beside the script that serves it. */
function isModel(path: string): boolean {
  return usualScript(path) === undefined && "model" in detectModel(path);
}

function example(folder: string): string {
  const other = usualScript(folder);
  return other === undefined ? "" : `, for example ${other}`;
}

/** A script that is there and probably meant. */
function usualScript(folder: string): string | undefined {
  return USUAL_NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
}

function pythonProblem(config: Config, cwd: string): string | undefined {
  if (runsInNode(config)) return undefined;
  const { python, workerEnv } = config;
  try {
    findPython({ python, env: workerEnv, cwd });
    return undefined;
  } catch (error) {
    if (error instanceof ScoreError) return error.message;
    throw error;
  }
}
