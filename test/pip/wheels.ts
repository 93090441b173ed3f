// The wheels of pip/, built once for a test file, and empty environments to install them in.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { uvProgram } from "../setup/python-environment.mjs";
import type { Python } from "../setup/pythons.d.mts";
import { installedPythons } from "../setup/pythons.mjs";

const WINDOWS = process.platform === "win32";
/** Longer than an installation of 60 MB takes on a slow line: 10 minutes. */
export const INSTALL_MS: number = 10 * 60_000;
/** Of Python 3, what the wheels ask for. */
const OLDEST_MINOR = 9;
/** Of a program's output, in bytes: more than any of these says. */
const MAX_OUTPUT = 16 * 1024 * 1024;

export const folder: string = mkdtempSync(join(tmpdir(), "scorefn-pip-"));
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

/** Where Node is not. */
const EMPTY_PATH = join(folder, "nothing");
mkdirSync(EMPTY_PATH);

export const usablePythons: readonly Python[] = installedPythons().filter(
  ({ version: [major, minor] }) => major === 3 && minor >= OLDEST_MINOR,
);

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with exactly this environment. */
export async function runProgram(
  file: string,
  args: readonly string[],
  { env = process.env, cwd = folder }: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<Ended> {
  const options = { env, cwd, timeout: INSTALL_MS, maxBuffer: MAX_OUTPUT };
  try {
    return { code: 0, ...(await promisify(execFile)(file, args, options)) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended & { code: unknown };
    if (typeof code !== "number") throw error;
    return { code, stdout, stderr };
  }
}

async function must(file: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> {
  const { code, stdout, stderr } = await runProgram(file, args, env && { env });
  if (code !== 0) throw new Error(`${file} ${args.join(" ")} ended with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

export interface Wheels {
  readonly scorefn: string;
  readonly azmlinfsrv: string;
}

/** Builds both into a folder. */
export async function buildWheels(out: string): Promise<Wheels> {
  await must(process.execPath, [packageFile("pip/build.mjs"), out]);
  const files = readdirSync(out);
  const named = (name: string): string => {
    const [file, ...more] = files.filter((entry) => entry.startsWith(`${name}-`));
    if (file === undefined || more.length > 0) throw new Error(`${out} holds ${files.join(", ")}`);
    return join(out, file);
  };
  return { scorefn: named("scorefn"), azmlinfsrv: named("scorefn_azmlinfsrv") };
}

export interface Installed {
  readonly python: string;
  /** Path of a command that a package has brought. */
  command(name: string): string;
  pip(...args: readonly string[]): Promise<Ended>;
  /** The environment's folder of packages. */
  packages(): Promise<string>;
  /** Variables with a PATH that leads to the environment, and to no Node but in `folders`. */
  env(...folders: readonly string[]): NodeJS.ProcessEnv;
}

/** An environment with nothing in it but pip. */
export async function emptyEnvironment(python: string): Promise<Installed> {
  const directory = mkdtempSync(join(folder, "venv-"));
  await must(python, ["-m", "venv", directory]);
  return installedIn(directory);
}

/** An environment with wheels and what they depend on, made by uv where that can be had: it takes a tenth of pip's time. */
export async function quickEnvironment(python: string, ...args: readonly string[]): Promise<Installed> {
  const uv = await uvProgram();
  if (uv === undefined) {
    const made = await emptyEnvironment(python);
    await install(made, ...args);
    return made;
  }
  const directory = mkdtempSync(join(folder, "venv-"));
  await must(uv.file, ["venv", "-q", "--clear", "--python", python, directory], uv.env);
  const made = installedIn(directory);
  await must(uv.file, ["pip", "install", "-q", "--python", made.python, ...args], uv.env);
  return made;
}

function installedIn(directory: string): Installed {
  const bin = join(directory, WINDOWS ? "Scripts" : "bin");
  const command = (name: string): string => join(bin, WINDOWS ? `${name}.exe` : name);
  return {
    python: command("python"),
    command,
    pip: (...args) =>
      runProgram(command("python"), ["-m", "pip", "--disable-pip-version-check", "--no-input", ...args]),
    packages: async () =>
      (await must(command("python"), ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])).trim(),
    env: (...folders) => {
      const { PATH: _, SCOREFN_PYTHON: _python, VIRTUAL_ENV: _venv, ...kept } = process.env;
      return { ...kept, PATH: [bin, EMPTY_PATH, ...folders].join(delimiter) };
    },
  };
}

/** Installs wheels, with what they depend on. */
export async function install(environment: Installed, ...args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await environment.pip("install", "-q", ...args);
  if (code !== 0) throw new Error(`pip install ${args.join(" ")}\n${stdout}\n${stderr}`);
}

/** Where the Node of this test run is. */
export const NODE_FOLDER: string = dirname(process.execPath);
