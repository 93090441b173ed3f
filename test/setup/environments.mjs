// Makes what the tests need beside node and npm: Python environments and the packages of examples/onnx. Names whose
// packages agree share one. An environment is made anew only when its list of packages, its interpreter or its folder has
// changed; what is known of it stands beside its folder. As a command: node test/setup/environments.mjs [name ...]

import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BUILD_DEADLINE_MS, command, reasonOf } from "./command.mjs";
import { withLock } from "./lock.mjs";
import { makePythonEnvironment, PYTHON, pythonOf } from "./python-environment.mjs";

/** @import { EnvironmentName } from "./environments.d.mts" */
/** @typedef {{ key: string, at: number, unavailable?: string }} Stamp */
/**
 * @typedef {object} Recipe
 * @property {string} name
 * @property {string[]} lists files that name the packages
 * @property {string} directory
 * @property {string} proof a file that is there when the environment is
 * @property {string} [python] its interpreter
 * @property {() => Promise<string>} interpreter its version and place
 * @property {(say: (text: string) => void) => Promise<void>} build
 */

const ROOT = realpathSync(fileURLToPath(new URL("../../", import.meta.url)));
const ENVIRONMENTS = join(ROOT, "test", ".envs");
/** How long a failure is believed before a test run tries again: 10 minutes. */
const FAILURE_KEPT_MS = 10 * 60_000;
const WINDOWS = process.platform === "win32";

/** The real azmlinfsrv, and whatever runs beside its packages. */
const shared = virtualEnvironment("azmlinfsrv", [
  "test/setup/azmlinfsrv.requirements.txt",
  "test/setup/schemas.requirements.txt",
  "test/setup/fuzz.requirements.txt",
  "test/setup/debugger.requirements.txt",
  "test/setup/reports.requirements.txt",
  "examples/sklearn/requirements.txt",
]);

/** The ONNX engine without its script for CUDA, for the example and for what serves models without a script. */
const onnx = nodePackages("onnx", "examples/onnx", "onnxruntime-node");

/** @type {Record<EnvironmentName, Recipe>} */
const recipes = {
  azmlinfsrv: shared,
  sklearn: shared,
  schemas: shared,
  fuzz: shared,
  debugger: shared,
  reports: shared,
  // Apart, for it is also the environment without Flask and numpy.
  tools: virtualEnvironment("tools", ["test/setup/tools.requirements.txt"]),
  moto: virtualEnvironment("moto", ["test/setup/moto.requirements.txt"]),
  otlp: virtualEnvironment("otlp", ["test/setup/otlp.requirements.txt"]),
  // A real MLflow, tritonclient, and what makes ONNX models.
  models: virtualEnvironment("models", ["test/setup/models.requirements.txt"]),
  wheels: virtualEnvironment("wheels", ["test/setup/wheels.requirements.txt"]),
  onnx,
  onnxruntime: onnx,
  prometheus: debianPackages("prometheus", "usr/bin/promtool"),
  chromium: debianPackages("chromium", "usr/lib/chromium/chromium", missingPackages),
};

/** What only tests want that run with CI=true, or when they are named (vitest.config.ts). */
const CI_ONLY = ["moto", "prometheus", "chromium", "wheels", "models"];
const isAsked = process.env.CI === "true" || process.argv.some((word) => word.startsWith("test/"));

/** Made of Debian's packages. */
const DEBIAN = ["prometheus", "chromium"];

/** @type {readonly EnvironmentName[]} */
export const environmentNames = /** @type {EnvironmentName[]} */ (Object.keys(recipes)).filter(
  // Elsewhere the tests that want it are left out.
  (name) => !DEBIAN.includes(name) || existsSync("/usr/bin/apt-get"),
);

/**
 * @param {EnvironmentName} name
 * @returns {any} as environments.d.mts has it
 */
export function environment(name) {
  const recipe = recipes[name];
  const { directory, python } = recipe;
  if (!existsSync(stampFile(recipe))) return { unavailable: "not made yet: node test/setup/environments.mjs" };
  /** @type {Stamp} */
  const stamp = JSON.parse(readFileSync(stampFile(recipe), "utf8"));
  return stamp.unavailable === undefined ? { directory, python } : { unavailable: stamp.unavailable };
}

/** @type {typeof import("./environments.d.mts").prepareEnvironments} */
export async function prepareEnvironments({ names = neededNames(), believeFailures = true } = {}) {
  await mkdir(ENVIRONMENTS, { recursive: true });
  const wanted = [...new Set(names.map((name) => recipes[name]))];
  // Many of the workers that tests start write no bytecode: without this each one would compile its own source again.
  const compiled = command(PYTHON, ["-m", "compileall", "-q", join(ROOT, "python")]).catch(() => undefined);
  const lines = await Promise.all(wanted.map((recipe) => prepare(recipe, believeFailures)));
  await compiled;
  const failures = lines.filter((line) => line !== undefined);
  if (failures.length > 0 && process.env.CI) throw new Error(failures.join("\n"));
}

function neededNames() {
  return environmentNames.filter((name) => isAsked || !CI_ONLY.includes(name));
}

/**
 * Says in one line each what is begun and what became of it; nothing of what is there already.
 *
 * @param {Recipe} recipe
 * @param {boolean} believeFailures
 * @returns the line that says why it is unavailable
 */
async function prepare(recipe, believeFailures) {
  const from = performance.now();
  const key = await keyOf(recipe);
  const say = (/** @type {string} */ text) => console.log(`test environment ${recipe.name}: ${text}`);
  const failuresSince = believeFailures ? Date.now() - FAILURE_KEPT_MS : Number.POSITIVE_INFINITY;
  const known = await usableStamp(recipe, key, failuresSince);
  const { unavailable } = known ?? (await makeOnce(recipe, key, say));
  if (unavailable !== undefined) {
    say(`unavailable: ${unavailable}`);
    return `test environment ${recipe.name}: unavailable: ${unavailable}`;
  }
  if (known === undefined) say(`ready after ${((performance.now() - from) / 1000).toFixed(1)} s`);
  return undefined;
}

/** @param {Recipe} recipe */
async function keyOf({ lists, directory, interpreter }) {
  const texts = await Promise.all(lists.map((list) => readFile(list, "utf8")));
  const facts = [...texts, directory, await interpreter().catch(reasonOf)];
  return createHash("sha256").update(facts.join("\0")).digest("hex");
}

/**
 * @param {Recipe} recipe
 * @param {string} key
 * @param {(text: string) => void} say
 */
function makeOnce(recipe, key, say) {
  const now = Date.now();
  return withLock(join(ENVIRONMENTS, `${recipe.name}.lock`), BUILD_DEADLINE_MS, async () => {
    const madeMeanwhile = await usableStamp(recipe, key, now);
    if (madeMeanwhile) return madeMeanwhile;
    await rm(stampFile(recipe), { force: true });
    const unavailable = await recipe.build(say).then(() => undefined, reasonOf);
    return writeStamp(recipe, { key, at: Date.now(), ...(unavailable !== undefined && { unavailable }) });
  });
}

/**
 * @param {Recipe} recipe
 * @param {string} key
 * @param {number} failuresSince an earlier failure is not believed (milliseconds since 1970)
 * @returns {Promise<Stamp | undefined>}
 */
async function usableStamp(recipe, key, failuresSince) {
  const text = await readFile(stampFile(recipe), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  /** @type {Stamp} */
  const stamp = JSON.parse(text);
  const stands = stamp.unavailable === undefined ? existsSync(recipe.proof) : stamp.at >= failuresSince;
  return stamp.key === key && stands ? stamp : undefined;
}

/**
 * @param {Recipe} recipe
 * @param {Stamp} stamp
 */
async function writeStamp(recipe, stamp) {
  const draft = `${stampFile(recipe)}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(stamp)}\n`);
  await rename(draft, stampFile(recipe));
  return stamp;
}

/** @param {Recipe} recipe */
function stampFile({ name }) {
  return join(ENVIRONMENTS, `${name}.json`);
}

/**
 * @param {string} name
 * @param {string[]} requirements
 * @returns {Recipe}
 */
function virtualEnvironment(name, requirements) {
  const lists = requirements.map((list) => join(ROOT, list));
  const directory = join(ENVIRONMENTS, name);
  const python = pythonOf(directory);
  return {
    name,
    lists,
    directory,
    proof: python,
    python,
    interpreter: () => command(PYTHON, ["-c", "import sys; print(sys.version, sys.executable)"]),
    build: (say) => makePythonEnvironment({ directory, lists, state: ENVIRONMENTS, say }),
  };
}

/**
 * @param {string} name
 * @param {string} folder
 * @param {string} mainPackage
 * @returns {Recipe}
 */
function nodePackages(name, folder, mainPackage) {
  const directory = join(ROOT, folder);
  const installed = join(directory, "node_modules", mainPackage);
  return {
    name,
    lists: [join(directory, "package-lock.json")],
    directory,
    proof: join(installed, "package.json"),
    interpreter: async () => `${process.version} ${process.platform} ${process.arch}`,
    build: async (say) => {
      say(`installing ${mainPackage} with npm`);
      await command("npm", ["ci", "--no-audit", "--no-fund"], { cwd: directory, shell: WINDOWS });
      await removeOtherPlatforms(join(installed, "bin"));
    },
  };
}

/**
 * Debian's packages, unpacked but not installed, which nobody needs to be root for.
 *
 * @param {string} name
 * @param {string} program
 * @param {(names: string[]) => Promise<string[]>} [needs] packages to unpack beside these
 * @returns {Recipe}
 */
function debianPackages(name, program, needs = async () => []) {
  const list = join(ROOT, "test/setup", `${name}.packages.txt`);
  const directory = join(ENVIRONMENTS, name);
  return {
    name,
    lists: [list],
    directory,
    proof: join(directory, program),
    interpreter: () => command("dpkg", ["--print-architecture"]),
    build: async (say) => {
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true });
      const named = (await readFile(list, "utf8")).split("\n").filter((line) => line !== "");
      const packages = [...new Set([...named, ...(await needs(named))])];
      say(`downloading ${named.join(", ")} with apt-get`);
      await command("apt-get", ["download", "-qq", ...packages], { cwd: directory });
      for (const file of (await readdir(directory)).filter((entry) => entry.endsWith(".deb"))) {
        await command("dpkg", ["-x", file, "."], { cwd: directory });
        await rm(join(directory, file));
      }
    },
  };
}

/** What an installation would bring beside them on this machine. @param {string[]} names */
async function missingPackages(names) {
  const plan = await command("apt-get", ["install", "--simulate", "--no-install-recommends", "-qq", ...names]);
  return [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name]) => /** @type {string} */ (name));
}

/** onnxruntime-node brings its library for every platform: 220 MB that this one does not use. @param {string} folder */
async function removeOtherPlatforms(folder) {
  for (const version of await readdir(folder)) {
    const platforms = await readdir(join(folder, version));
    const others = platforms.filter((platform) => platform !== process.platform);
    await Promise.all(others.map((platform) => rm(join(folder, version, platform), { recursive: true })));
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const named = environmentNames.filter((name) => process.argv.includes(name));
  const names = named.length > 0 ? named : neededNames();
  await prepareEnvironments({ names, believeFailures: false });
}
