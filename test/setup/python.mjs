// Lint and minimum version of what is written in Python, and tests of the worker: node test/setup/python.mjs [pytest arguments]
// With CI=true the same tests with the oldest and the newest other Python that are found and their core with those between, else
// their core with the oldest:
// node test/setup/python.mjs --others [pytest arguments]
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { environment, prepareEnvironments } from "./environments.mjs";
import { installedPythons, pythonVersion } from "./pythons.mjs";

/** Of Python 3, what the worker runs on. */
const OLDEST_MINOR = 9;

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Tests of MLflow models take a minute: with CI=true, or when pytest is told what to run and their environment is made. */
const models = process.env.CI === "true" ? /** @type {const} */ (["models"]) : [];
const OF_MODELS = ["mlflow", "oip"].map((name) => `--ignore-glob=test/python/test_${name}_*.py`);
await prepareEnvironments({ names: ["tools", "schemas", "azmlinfsrv", "sklearn", ...models] });
const tools = environment("tools");
if ("unavailable" in tools) {
  console.log(`the Python worker's tests are skipped: ${tools.unavailable}`);
  process.exit(process.env.CI === "true" ? 1 : 0);
}

/** @param {string[]} command program and arguments, from the repository's root */
function run(...command) {
  runWith({}, ...command);
}

/**
 * @param {NodeJS.ProcessEnv} variables
 * @param {string[]} command
 */
function runWith(variables, ...command) {
  const [file, ...args] = /** @type {[string, ...string[]]} */ (command);
  const env = { ...process.env, ...variables };
  const { status } = spawnSync(join(dirname(tools.python), file), args, { cwd: root, env, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

// What shares something that is dear stays together (conftest.py).
const PYTEST = ["python", "-m", "pytest", "-q", "-n", String(availableParallelism()), "--dist", "loadgroup"];

/** What an interpreter can spoil. */
const CORE = ["start", "async", "interrupts", "streams", "lifeline", "children"];

const given = process.argv.slice(2);
const [part, ...more] = given;
if (part === "--others") {
  // With each other version there is, which pytest itself need not run on: what starts a worker with it (conftest.py).
  const own = pythonVersion(tools.python)?.version[1];
  const core = CORE.map((name) => join("test", "python", `test_${name}.py`));
  const usable = installedPythons().filter(
    ({ version: [major, minor] }) => major === 3 && minor >= OLDEST_MINOR && minor !== own,
  );
  // The ends differ most, and the oldest lacks most.
  for (const [index, { text, path }] of (process.env.CI === "true" ? usable : usable.slice(0, 1)).entries()) {
    const isEnd = index === 0 || index === usable.length - 1;
    const files = process.env.CI === "true" && isEnd ? ["test/python"] : core;
    console.log(`workers with Python ${text}, ${path}`);
    runWith({ SCOREFN_TEST_PYTHON: path }, .../** @type {[string]} */ (PYTEST), ...files, ...more);
  }
} else {
  run("ruff", "check", "--config", "python/ruff.toml", "python", "test/python", "pip");
  run("ruff", "format", "--check", "--config", "python/ruff.toml", "python", "test/python", "pip");
  run("vermin", "--quiet", "-t=3.9-", "--no-tips", "--violations", "python", "pip");
  run(
    .../** @type {[string]} */ (PYTEST),
    "test/python",
    ...(process.env.CI === "true" || given.length > 0 ? given : OF_MODELS),
  );
}
