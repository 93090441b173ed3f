// What every build is asked for, checked.
import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, parse, resolve } from "node:path";
import { isJavaScript } from "../src/host.ts";
import { problem, refuseForeign } from "./out-folder.ts";
import { isInside, withoutLinks } from "./paths.ts";
import type { Problems } from "./problems.ts";
import { type BuildModel, takeModel } from "./served-model.ts";

/** How far a build is tried before it is called good: not at all, as far as the script's import, or init() as well. */
export type TryMode = "no" | "load" | "init";

/** Options of all builds. */
export interface CommonOptions {
  /** The score script. Python: its whole folder is taken; TypeScript and JavaScript: what it imports. */
  readonly entryScript?: string | undefined;
  /** A model in place of a script: an ONNX file, an MLflow model's folder, or a repository in Triton's layout. */
  readonly model?: string | undefined;
  /** Default: the file's or the folder's. */
  readonly modelName?: string | undefined;
  readonly modelDir?: string | undefined;
  /** Folder of the build; what scorefn made there before is replaced. */
  readonly out: string;
  /** Major version of Node: 22 or 24. */
  readonly node?: number | undefined;
  readonly arch?: Architecture | undefined;
  /** Packages that are copied and not bundled, besides those with compiled parts. */
  readonly external?: readonly string[] | undefined;
  /** List of Python packages, or a conda file. Default: the one beside the script, or in the folder above. */
  readonly requirements?: string | undefined;
  /** Minor version of Python in an image, like 3.12. Default: the conda file's, or the one in use. */
  readonly pythonVersion?: string | undefined;
  /** Default: `load`. */
  readonly try?: "load" | "init" | undefined;
  readonly noTry?: boolean | undefined;
  /** Whether the build has the page to try the script with. Default: false. */
  readonly docs?: boolean | undefined;
  /** What is wrong with them already, to be told with the rest. */
  readonly problems?: readonly string[] | undefined;
  /** Is told what begins. */
  readonly step?: Step | undefined;
  /** How long the script may take then, in milliseconds. Default: 2 minutes, or 10 with init(). */
  readonly tryLimitMs?: number | undefined;
}

/** Is told what a build does next, for whoever waits. @param detail how far it is with that */
export type Step = (text: string, detail?: string) => void;

export type Architecture = "x64" | "arm64";

/** The same, with all paths absolute. */
export interface Inputs {
  /** Empty for a model in place of a script. */
  readonly entryScript: string;
  /** Undefined: there is a script. */
  readonly served: BuildModel | undefined;
  readonly modelDir: string | undefined;
  readonly out: string;
  readonly python: boolean;
  readonly docs: boolean;
  readonly external: readonly string[];
  readonly tryMode: TryMode;
  readonly tryLimitMs: number;
  readonly step: Step;
}

/** Big libraries and models on a slow disk take minutes. */
const TRY_LIMITS_MS = { load: 120_000, init: 600_000 } as const;

/** As they are asked for on a command line, where what must be there may be missing: that has been said. */
export type AskedOptions = Partial<CommonOptions>;

/** @param problems gets what is wrong, by the names of flags; then the result is not to be used */
export function resolveInputs(options: AskedOptions, problems: Problems): Inputs {
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(path));
  const [entryScript, modelDir, out] = [options.entryScript, options.modelDir, options.out].map(absolute);
  const served = takeModel(options, problems);
  if (entryScript === undefined && options.model === undefined) {
    problems.add(
      "--entry_script is missing: --entry_script ENTRY_SCRIPT, or --model MODEL for one that needs no script",
    );
  }
  const { external = [], try: depth = "load", tryLimitMs = TRY_LIMITS_MS[depth] } = options;
  if (entryScript !== undefined) checkScript(entryScript, options, problems);
  if (modelDir !== undefined && !existsSync(modelDir)) {
    problems.add(`there is no folder ${modelDir}; check --model_dir`);
  } else if (modelDir !== undefined && !statSync(modelDir).isDirectory()) {
    problems.add(`${modelDir} is not a folder; check --model_dir`);
  }
  if (out !== undefined) checkOut(out, entryScript, modelDir ?? served?.path, problems);
  if (options.noTry && options.try !== undefined) problems.add("--try and --no_try contradict each other");
  return {
    entryScript: entryScript ?? "",
    modelDir,
    out: out ?? "",
    served,
    python: served === undefined ? entryScript !== undefined && !isJavaScript(entryScript) : served.kind === "mlflow",
    docs: options.docs === true,
    external,
    tryMode: options.noTry ? "no" : depth,
    tryLimitMs,
    step: options.step ?? (() => {}),
  };
}

function checkScript(entryScript: string, options: AskedOptions, problems: Problems): void {
  if (!existsSync(entryScript)) problems.add(`there is no score script ${entryScript}; check --entry_script`);
  else if (!statSync(entryScript).isFile()) problems.add(`${entryScript} is not a file; check --entry_script`);
  const python = !isJavaScript(entryScript);
  if (python && [homedir(), parse(entryScript).root].includes(dirname(entryScript))) {
    problems.add(
      `the whole folder of a Python script goes in, and that is ${dirname(entryScript)}; give it one of its own`,
    );
  }
  const onlyFor = (language: string, flag: string, value: unknown): void => {
    if (value !== undefined) problems.add(`--${flag} has no effect: ${entryScript} is not a ${language} script`);
  };
  if (python) onlyFor("JavaScript or TypeScript", "external", options.external);
  else {
    onlyFor("Python", "requirements", options.requirements);
    onlyFor("Python", "python_version", options.pythonVersion);
  }
}

function checkOut(
  out: string,
  entryScript: string | undefined,
  modelDir: string | undefined,
  problems: Problems,
): void {
  const real = withoutLinks(out);
  if (entryScript !== undefined && isInside(withoutLinks(dirname(entryScript)), real)) {
    problems.add(`${out} holds the score script; choose another folder to build in`);
  } else if (modelDir !== undefined && isInside(withoutLinks(modelDir), real)) {
    problems.add(`${out} holds the model directory; choose another folder to build in`);
  } else if (isInside(withoutLinks(process.cwd()), real)) {
    problems.add(`${out} will be replaced, and this is a shell in it; build from a folder above`);
  } else problems.take(() => refuseForeign(real));
}

/** @throws ConfigError when a number is not one the cloud takes */
export function checkRange(flag: string, value: number, [least, most]: readonly [number, number], unit: string): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw problem(`--${flag} is a whole number from ${least} to ${most} ${unit}, not ${value}`);
}

/** @throws ConfigError when the cloud does not have it */
export function checkNode(node: number, cloud: string): void {
  if (node !== 22 && node !== 24) throw problem(`${cloud} has no Node ${node} that scorefn can use; choose 22 or 24`);
}
