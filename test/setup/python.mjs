// Lint, minimum version and tests of the Python worker: node test/setup/python.mjs [pytest arguments]
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { environment, prepareEnvironments } from "./environments.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));

await prepareEnvironments({ names: ["tools", "schemas", "azmlinfsrv"] });
const tools = environment("tools");
if ("unavailable" in tools) {
  console.log(`the Python worker's tests are skipped: ${tools.unavailable}`);
  process.exit(process.env.CI === "true" ? 1 : 0);
}

/** @param {string[]} command program and arguments, from the repository's root */
function run(...command) {
  const [file, ...args] = /** @type {[string, ...string[]]} */ (command);
  const { status } = spawnSync(join(dirname(tools.python), file), args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

run("ruff", "check", "--config", "python/ruff.toml", "python", "test/python");
run("ruff", "format", "--check", "--config", "python/ruff.toml", "python", "test/python");
run("vermin", "--quiet", "-t=3.9-", "--no-tips", "--violations", "python");
// A file's tests stay together, for they share what is asked of an interpreter once.
const processes = ["-n", String(availableParallelism()), "--dist", "loadfile"];
run("python", "-m", "pytest", "-q", ...processes, "test/python", ...process.argv.slice(2));
