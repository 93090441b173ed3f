// What every build is asked for, checked.
import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, parse, resolve } from "node:path";
import { isJavaScript } from "../src/host.ts";
import { problem } from "./out-folder.ts";
import { isInside, withoutLinks } from "./paths.ts";

/** How far a build is tried before it is called good: not at all, as far as the script's import, or init() as well. */
export type TryMode = "no" | "load" | "init";

/** Options of all builds. */
export interface CommonOptions {
  /** The score script. Python: its whole folder is taken; TypeScript and JavaScript: what it imports. */
  readonly entryScript: string;
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
  /** How long the script may take then, in milliseconds. Default: 2 minutes, or 10 with init(). */
  readonly tryLimitMs?: number | undefined;
}

export type Architecture = "x64" | "arm64";

/** The same, with all paths absolute. */
export interface Inputs {
  readonly entryScript: string;
  readonly modelDir: string | undefined;
  readonly out: string;
  readonly python: boolean;
  readonly external: readonly string[];
  readonly tryMode: TryMode;
  readonly tryLimitMs: number;
}

/** Big libraries and models on a slow disk take minutes. */
const TRY_LIMITS_MS = { load: 120_000, init: 600_000 } as const;

/** @throws ConfigError that names the flag */
export function resolveInputs(options: CommonOptions): Inputs {
  const entryScript = resolve(options.entryScript);
  const modelDir = options.modelDir === undefined ? undefined : resolve(options.modelDir);
  const out = resolve(options.out);
  if (!existsSync(entryScript)) throw problem(`there is no score script ${entryScript}; check --entry_script`);
  if (!statSync(entryScript).isFile()) throw problem(`${entryScript} is not a file; check --entry_script`);
  if (modelDir !== undefined && !existsSync(modelDir)) {
    throw problem(`there is no folder ${modelDir}; check --model_dir`);
  }
  if (modelDir !== undefined && !statSync(modelDir).isDirectory()) {
    throw problem(`${modelDir} is not a folder; check --model_dir`);
  }
  const real = withoutLinks(out);
  if (isInside(withoutLinks(dirname(entryScript)), real)) {
    throw problem(`${out} holds the score script; choose another folder to build in`);
  }
  if (modelDir !== undefined && isInside(withoutLinks(modelDir), real)) {
    throw problem(`${out} holds the model directory; choose another folder to build in`);
  }
  if (isInside(withoutLinks(process.cwd()), real)) {
    throw problem(`${out} will be replaced, and this is a shell in it; build from a folder above`);
  }
  const python = !isJavaScript(entryScript);
  if (python && [homedir(), parse(entryScript).root].includes(dirname(entryScript))) {
    throw problem(
      `the whole folder of a Python script goes in, and that is ${dirname(entryScript)}; give it one of its own`,
    );
  }
  const onlyFor = (language: string, flag: string, value: unknown): void => {
    if (value !== undefined) throw problem(`--${flag} has no effect: ${entryScript} is not a ${language} script`);
  };
  if (python) onlyFor("JavaScript or TypeScript", "external", options.external);
  else {
    onlyFor("Python", "requirements", options.requirements);
    onlyFor("Python", "python_version", options.pythonVersion);
  }
  if (options.noTry && options.try !== undefined) throw problem("--try and --no_try contradict each other");
  const { external = [], try: depth = "load", tryLimitMs = TRY_LIMITS_MS[depth] } = options;
  return { entryScript, modelDir, out, python, external, tryMode: options.noTry ? "no" : depth, tryLimitMs };
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
