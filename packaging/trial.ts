// A build is tried before it is called good: its script, and then what the cloud loads, are loaded from a copy outside the
// project, with nothing else in reach.
import { type ChildProcess, spawn } from "node:child_process";
import { constants, existsSync, lstatSync, realpathSync, rmSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readlink, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { findPythonOf, pythonInUse } from "../endpoint/assets/pythons.ts";
import { type Environment, packageFile, processEnvironment, type ServedModel } from "../src/host.ts";
import type { Architecture, Inputs, TryMode } from "./inputs.ts";
import { problem } from "./out-folder.ts";
import { holdsMachineCode, type Platform } from "./packages.ts";
import { listFiles } from "./paths.ts";
import type { Requirements } from "./requirements.ts";
import { SCRIPT_FILE } from "./script.ts";
import { placeIn } from "./served-model.ts";

export interface Trial {
  /** Folder of the build whose content is deployed. */
  readonly folder: string;
  /** Name of the score script in it. */
  readonly script: string;
  /** Name of the model's folder in it; undefined: there is none. */
  readonly model: string | undefined;
  /** What is served in place of a script; its path lies below the folder. */
  readonly served?: ServedModel | undefined;
  /** The module that the cloud loads, which the user may have edited, and what it calls there; undefined: the cloud's own
   *  way of starting is tried otherwise. */
  readonly entry?: { readonly file: string; readonly exported: string } | undefined;
  readonly mode: TryMode;
  readonly limitMs: number;
}

/** @param model name of its folder in the build */
export function trialOf(inputs: Inputs, folder: string, model: string | undefined, entry?: Trial["entry"]): Trial {
  const { entryScript, served, tryMode: mode, tryLimitMs: limitMs } = inputs;
  if (served === undefined) return { folder, script: basename(entryScript), model, entry, mode, limitMs };
  const { kind, path, name = basename(path) } = served;
  const place = placeIn(model!, served);
  return {
    folder,
    script: basename(path),
    model: undefined,
    served: { kind, path: place, name },
    entry,
    mode,
    limitMs,
  };
}

/** With a setting that cannot be used a host starts, and answers with the reason in place of its script: so init(), which may
 *  need the cloud, does not run where only the host is tried. */
export const WITHOUT_SCRIPT: Readonly<Record<string, string>> = { SCOREFN_SCRIPT_HOST: "none" };

/** How long output is waited for when the process has ended, in milliseconds. */
const CLOSE_MS = 2_000;

/** Characters of what the script printed that are shown when it fails. */
const TAIL = 2_000;

/** What a bundled script is built for. */
interface JavaScriptTarget extends Platform {
  /** Major version of Node. */
  readonly node: number;
}

/** What a build is tried for. */
export interface TrialTarget {
  readonly requirements: Requirements;
  /** Version of Python in the image; undefined: there is none. */
  readonly python: string | undefined;
  /** Folder of the build with the Python worker's code. */
  readonly worker: string;
  readonly arch: Architecture;
  /** Major version of Node. */
  readonly node: number;
}

/** Loads what a build serves. @returns what to know   @throws ConfigError when it does not load, or lacks packages */
export function tryBuild(trial: Trial, { requirements, python, worker, arch, node }: TrialTarget): Promise<string[]> {
  if (python !== undefined) return tryPython(trial, requirements, python, worker);
  const target: JavaScriptTarget = { platform: "linux", arch, node };
  return trial.served === undefined ? tryJavaScript(trial, SCRIPT_FILE, target) : tryModel(trial, target);
}

/** Loads a bundled script. @returns what to know   @throws ConfigError when it does not load */
export function tryJavaScript(trial: Trial, bundle: string, target: JavaScriptTarget): Promise<string[]> {
  const { script, mode } = trial;
  return tryInNode(trial, target, (copy) => [
    packageFile("dist/packaging/try-script.js"),
    join(copy, bundle),
    mode,
    script,
  ]);
}

/** @param argsOf arguments of a program that writes what went wrong to descriptor 3, or that nothing did */
async function tryInNode(
  trial: Trial,
  target: JavaScriptTarget,
  argsOf: (copy: string) => readonly string[],
): Promise<string[]> {
  const { script, mode, folder, served } = trial;
  const { platform, arch, node } = target;
  if (mode === "no") return [];
  const isForeign = process.platform !== platform || process.arch !== arch;
  if (isForeign && existsSync(join(folder, "node_modules")) && holdsMachineCode(join(folder, "node_modules"), true)) {
    return [`not tried:  packages have compiled parts for ${platform} on ${arch}, and this machine is another`];
  }
  return inCopy(trial, async (copy) => {
    const { problem: found } = await run<{ problem?: string }>(process.execPath, argsOf(copy), copy, trial);
    const isSame = process.versions.node.startsWith(`${node}.`);
    const other = isSame ? "" : ` (tried with Node ${process.version}; the function gets Node ${node})`;
    if (found !== undefined) throw problem(`the build does not work: ${found}${other}`);
    await tryEntry(trial, copy);
    return [`tried:      ${script} ${served === undefined ? doneOf(mode) : "was loaded"}`];
  });
}

/** Loads a model that Node runs. @returns what to know   @throws ConfigError when it does not load */
function tryModel(trial: Trial, target: JavaScriptTarget): Promise<string[]> {
  return tryInNode(trial, target, (copy) => [
    packageFile("dist/packaging/try-model.js"),
    join(copy, trial.served!.path),
    trial.served!.name,
  ]);
}

/** What python/try_build.py says. */
interface PythonResult {
  readonly problem?: string;
  /** Imports that no package of the list is known to bring. */
  readonly unknown?: readonly { readonly name: string; readonly file: string; readonly line: number }[];
  /** Modules that are not installed here. */
  readonly absent?: readonly string[];
  /** Files that are not Python. */
  readonly uncompiled?: readonly string[];
  readonly loaded?: boolean;
}

/** Reads a Python script and what it imports, and loads it where this machine has what that takes.
 *  @param version of Python in the image   @param worker folder of the build with the worker's code
 *  @returns what to know   @throws ConfigError when it does not load, or lacks packages */
export async function tryPython(
  trial: Trial,
  { text, file }: Requirements,
  version: string,
  worker: string,
): Promise<string[]> {
  const { script, mode, served } = trial;
  if (mode === "no") return [];
  const found = await findPythonOf(version);
  const python = found ?? (await pythonInUse());
  if (python === undefined) return [`not tried:  there is no Python on this machine`];
  return inCopy(trial, async (copy) => {
    const asked = {
      folder: copy,
      script: join(copy, script),
      worker: join(copy, worker),
      requirements: text.split("\n").map((line) => line.replace(/(?:^|\s)#.*/, "")),
      mode: found === undefined ? "parse" : mode,
      ...(served !== undefined && { model: { ...served, path: join(copy, served.path) } }),
    };
    const args = ["-I", "-B", packageFile("python/try_build.py")];
    const result = await run<PythonResult>(python.python, args, copy, trial, { input: JSON.stringify(asked) });
    const { unknown = [], absent = [], uncompiled = [], loaded = false } = result;
    const missing = unknown.map(({ name, file: from, line }) => `${from}:${line} imports ${name}`).join(", ");
    if (unknown.length > 0 && file === undefined) {
      throw problem(
        `${missing}, and there is no list of packages; put a requirements.txt (or Azure ML's conda file) beside the script`,
      );
    }
    const list = file === undefined ? "" : basename(file);
    if (result.problem !== undefined) {
      const hint = missing === "" ? "" : `; ${missing}, which no package of ${list} is known to bring: add it there`;
      throw problem(`the build does not work: ${result.problem}${hint}`);
    }
    await tryEntry(trial, copy);
    const notes: string[] = [];
    if (found === undefined) {
      const read = served === undefined ? `; ${script} was read by ${python.version}` : "";
      notes.push(`not loaded: there is no Python ${version} on this machine${read}`);
    } else if (loaded) {
      notes.push(`tried:      ${script} ${served === undefined ? doneOf(mode) : "was loaded"} with Python ${version}`);
    } else notes.push(`not loaded: not installed for this machine's Python ${version}: ${absent.join(", ")}`);
    if (missing !== "") notes.push(`check:      ${missing}, which no package of ${list} is known to bring`);
    if (uncompiled.length > 0) notes.push(`not Python: ${uncompiled.join(", ")}; taken along, but cannot be imported`);
    return notes;
  });
}

/** The script has been tried by itself. */
async function tryEntry(trial: Trial, copy: string): Promise<void> {
  if (trial.entry === undefined) return;
  const { file, exported } = trial.entry;
  const args = [packageFile("dist/packaging/try-entry.js"), join(copy, file), exported];
  const env = { ...WITHOUT_SCRIPT, LAMBDA_TASK_ROOT: copy };
  const { problem: found } = await run<{ problem?: string }>(
    process.execPath,
    args,
    copy,
    { ...trial, script: file },
    { env },
  );
  if (found !== undefined) throw problem(`the build does not work: ${found}`);
}

function doneOf(mode: TryMode): string {
  return mode === "init" ? "was loaded, and init() is done" : "was loaded (--try init runs init() too)";
}

/** Files of more bytes are linked to and not copied, if they are data: the temporary folder may be in memory. */
const COPIED_BYTES = 1_000_000;
/** What looks for others from the place where it really is. */
const CODE = /\.(?:[cm]?[jt]s|json|py|pyc|node|so)(?:\.|$)/i;

/** Copies what is deployed, but for the model and other large files of data, which are only linked to. */
export async function inCopy<T>({ folder, model }: Trial, use: (copy: string) => Promise<T>): Promise<T> {
  const root = realpathSync(await mkdtemp(join(tmpdir(), "scorefn-try-")));
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    const copy = join(root, "app");
    await mkdir(copy);
    for (const path of await listFiles(folder)) {
      if (model !== undefined && path.startsWith(`${model}/`)) continue;
      const [source, target] = [join(folder, path), join(copy, path)];
      const found = lstatSync(source);
      await mkdir(dirname(target), { recursive: true });
      if (found.isSymbolicLink()) await symlink(await readlink(source), target);
      else if (found.size > COPIED_BYTES && !CODE.test(path)) await symlink(source, target);
      else await copyFile(source, target, constants.COPYFILE_FICLONE);
    }
    if (model !== undefined && existsSync(join(folder, model))) await symlink(join(folder, model), join(copy, model));
    return await use(copy);
  } finally {
    process.off("exit", remove);
    remove();
  }
}

/** This process's own, but for what would bring other packages into reach. */
export function trialEnvironment(copy: string): Environment {
  const {
    NODE_PATH: _path,
    NODE_OPTIONS: _options,
    VIRTUAL_ENV: _venv,
    AZUREML_MODEL_DIR: _model,
    ...env
  } = processEnvironment;
  // Node looks for packages in the home folder, too.
  return { ...env, HOME: dirname(copy), AML_APP_ROOT: copy };
}

/** Runs a program that writes JSON to descriptor 3.
 *  @param input what it reads from its stdin   @param more environment variables of its own
 *  @throws ConfigError when it does not, or takes too long */
async function run<T>(
  program: string,
  args: readonly string[],
  copy: string,
  trial: Trial,
  { input = "", env: more = {} }: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<T> {
  const { limitMs } = trial;
  const model = trial.model === undefined ? {} : { AZUREML_MODEL_DIR: join(copy, trial.model) };
  const child = spawn(program, args, {
    cwd: copy,
    env: { ...trialEnvironment(copy), ...model, ...more },
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    detached: true,
  });
  // It may end without having read it.
  child.stdin?.on("error", () => {}).end(input);
  const kill = (): void => killGroup(child);
  process.once("exit", kill);
  let output = "";
  let result = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-TAIL);
    });
  }
  const told = child.stdio[3] as Readable;
  told.setEncoding("utf8").on("data", (text: string) => {
    result += text;
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, limitMs);
  const how = await new Promise<number | NodeJS.Signals | Error | null>((settle) => {
    child.once("error", settle).once("exit", (code, signal) => {
      // What the script has started may hold its output open, and may have left the group.
      kill();
      const end = (): void => settle(signal ?? code);
      setTimeout(end, CLOSE_MS).unref();
      child.once("close", end);
    });
  });
  for (const stream of child.stdio) stream?.destroy();
  clearTimeout(timer);
  process.off("exit", kill);
  if (isLate) throw problem(`the build does not work: ${trial.script} was not loaded within ${limitMs / 1_000} s`);
  try {
    return JSON.parse(result) as T;
  } catch {
    const reason = how instanceof Error ? how.message : `its process ended (${how}): ${output.trim()}`;
    throw problem(`the build does not work: ${trial.script} was not loaded, ${reason}`);
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
