// Makes what the tests need beside node and npm: Python environments and the packages of examples/onnx. An environment is
// made anew only when its list of packages, its interpreter or its folder has changed; what is known of it stands in
// test/.envs/<name>.json. As a command: node test/setup/environments.mjs [name ...]

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { withLock } from "./lock.mjs";

/** @import { EnvironmentName } from "./environments.d.mts" */
/** @typedef {{ key: string, at: number, unavailable?: string }} Stamp */
/**
 * @typedef {object} Recipe
 * @property {string} list file that names the packages
 * @property {string} directory
 * @property {string} proof a file that is there when the environment is
 * @property {string} [python] its interpreter
 * @property {() => Promise<string>} interpreter its version and place
 * @property {() => Promise<void>} build
 */

const ROOT = realpathSync(fileURLToPath(new URL("../../", import.meta.url)));
const ENVIRONMENTS = join(ROOT, "test", ".envs");
/** Longer than any takes on a slow line: 15 minutes. */
const BUILD_DEADLINE_MS = 15 * 60_000;
/** How long a failure is believed before a test run tries again: 10 minutes. */
const FAILURE_KEPT_MS = 10 * 60_000;
const WINDOWS = process.platform === "win32";
const PYTHON = WINDOWS ? "python" : "python3";

const run = promisify(execFile);

/** @type {Record<EnvironmentName, Recipe>} */
const recipes = {
  sklearn: virtualEnvironment("sklearn", "examples/sklearn/requirements.txt"),
  azmlinfsrv: virtualEnvironment("azmlinfsrv", "test/setup/azmlinfsrv.requirements.txt"),
  tools: virtualEnvironment("tools", "test/setup/tools.requirements.txt"),
  schemas: virtualEnvironment("schemas", "test/setup/schemas.requirements.txt"),
  fuzz: virtualEnvironment("fuzz", "test/setup/fuzz.requirements.txt"),
  debugger: virtualEnvironment("debugger", "test/setup/debugger.requirements.txt"),
  onnx: nodePackages("examples/onnx", "onnxruntime-node"),
};

/** @type {readonly EnvironmentName[]} */
export const environmentNames = /** @type {EnvironmentName[]} */ (Object.keys(recipes));

/**
 * @param {EnvironmentName} name
 * @returns {any} as environments.d.mts has it
 */
export function environment(name) {
  const { directory, python } = recipes[name];
  if (!existsSync(stampFile(name))) return { unavailable: "not made yet: node test/setup/environments.mjs" };
  /** @type {Stamp} */
  const stamp = JSON.parse(readFileSync(stampFile(name), "utf8"));
  return stamp.unavailable === undefined ? { directory, python } : { unavailable: stamp.unavailable };
}

/** @type {typeof import("./environments.d.mts").prepareEnvironments} */
export async function prepareEnvironments({ names = environmentNames, believeFailures = true } = {}) {
  await mkdir(ENVIRONMENTS, { recursive: true });
  const lines = await Promise.all(names.map((name) => prepare(name, believeFailures)));
  const failures = lines.filter((line) => line !== undefined);
  if (failures.length > 0 && process.env.CI) throw new Error(failures.join("\n"));
}

/**
 * @param {EnvironmentName} name
 * @param {boolean} believeFailures
 * @returns the line that says why it is unavailable
 */
async function prepare(name, believeFailures) {
  const from = performance.now();
  const key = await keyOf(recipes[name]);
  const failuresSince = believeFailures ? Date.now() - FAILURE_KEPT_MS : Number.POSITIVE_INFINITY;
  const stamp = (await usableStamp(name, key, failuresSince)) ?? (await makeOnce(name, key));
  const outcome = stamp.unavailable === undefined ? "ready" : `unavailable: ${stamp.unavailable}`;
  const line = `test environment ${name}: ${outcome}`;
  console.log(`${line} (${((performance.now() - from) / 1000).toFixed(1)} s)`);
  return stamp.unavailable === undefined ? undefined : line;
}

/** @param {Recipe} recipe */
async function keyOf({ list, directory, interpreter }) {
  const facts = [await readFile(list, "utf8"), directory, await interpreter().catch(reasonOf)];
  return createHash("sha256").update(facts.join("\0")).digest("hex");
}

/**
 * @param {EnvironmentName} name
 * @param {string} key
 */
function makeOnce(name, key) {
  const now = Date.now();
  return withLock(join(ENVIRONMENTS, `${name}.lock`), BUILD_DEADLINE_MS, async () => {
    const madeMeanwhile = await usableStamp(name, key, now);
    if (madeMeanwhile) return madeMeanwhile;
    await rm(stampFile(name), { force: true });
    const unavailable = await recipes[name].build().then(() => undefined, reasonOf);
    return writeStamp(name, { key, at: Date.now(), ...(unavailable !== undefined && { unavailable }) });
  });
}

/**
 * @param {EnvironmentName} name
 * @param {string} key
 * @param {number} failuresSince an earlier failure is not believed (milliseconds since 1970)
 * @returns {Promise<Stamp | undefined>}
 */
async function usableStamp(name, key, failuresSince) {
  const text = await readFile(stampFile(name), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  /** @type {Stamp} */
  const stamp = JSON.parse(text);
  const stands = stamp.unavailable === undefined ? existsSync(recipes[name].proof) : stamp.at >= failuresSince;
  return stamp.key === key && stands ? stamp : undefined;
}

/**
 * @param {EnvironmentName} name
 * @param {Stamp} stamp
 */
async function writeStamp(name, stamp) {
  const draft = `${stampFile(name)}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(stamp)}\n`);
  await rename(draft, stampFile(name));
  return stamp;
}

/** @param {EnvironmentName} name */
function stampFile(name) {
  return join(ENVIRONMENTS, `${name}.json`);
}

/**
 * @param {string} name
 * @param {string} requirements
 * @returns {Recipe}
 */
function virtualEnvironment(name, requirements) {
  const list = join(ROOT, requirements);
  const directory = join(ENVIRONMENTS, name);
  const python = join(directory, WINDOWS ? "Scripts/python.exe" : "bin/python");
  return {
    list,
    directory,
    proof: python,
    python,
    interpreter: () => command(PYTHON, ["-c", "import sys; print(sys.version, sys.executable)"]),
    build: async () => {
      await command(PYTHON, ["-m", "venv", "--clear", directory]);
      await command(python, ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-q", "-r", list]);
    },
  };
}

/**
 * @param {string} folder
 * @param {string} mainPackage
 * @returns {Recipe}
 */
function nodePackages(folder, mainPackage) {
  const directory = join(ROOT, folder);
  return {
    list: join(directory, "package-lock.json"),
    directory,
    proof: join(directory, "node_modules", mainPackage, "package.json"),
    interpreter: async () => `${process.version} ${process.platform} ${process.arch}`,
    build: async () => {
      await command("npm", ["ci", "--no-audit", "--no-fund"], { cwd: directory, shell: WINDOWS });
    },
  };
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {import("node:child_process").ExecFileOptions} [options]
 */
async function command(file, args, options = {}) {
  const { stdout } = await run(file, args, { ...options, encoding: "utf8", timeout: BUILD_DEADLINE_MS });
  return stdout;
}

/**
 * One line: pip and npm name the reason in lines of their own, others in the last line.
 *
 * @param {Error & { stdout?: string, stderr?: string }} error
 */
function reasonOf(error) {
  const lines = `${error.stdout ?? ""}\n${error.stderr ?? ""}`.split("\n").filter((line) => line.trim() !== "");
  const telling = lines.filter((line) => /^(npm )?error\b/i.test(line));
  return (telling[0] ?? lines.at(-1) ?? error.message).trim();
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const names = environmentNames.filter((name) => process.argv.length < 3 || process.argv.includes(name));
  await prepareEnvironments({ names, believeFailures: false });
}
