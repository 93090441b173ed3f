// All checks but lint, side by side, for each leaves a processor idle some of the time: the package is checked while the test
// environments are made; then vitest runs beside the Python worker's tests, with the interpreter of the machine first and
// then with the other versions that are found. Words go to vitest: `npm test -- pool`.
// What runs beside is printed in one piece when it has ended, and ends the run when it fails before vitest has begun.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * @param {string} file
 * @param {string[]} args
 * @param {import("node:child_process").StdioOptions} stdio
 * @returns {Promise<{ code: number, output: string }>}
 */
function run(file, args, stdio) {
  const child = spawn(file, args, { cwd: root, stdio, shell: process.platform === "win32" });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject).once("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** @param {string[]} command a program of Node and its arguments, which print for themselves @returns its exit code */
const show = async (...command) => (await run(process.execPath, command, "inherit")).code;

/** @param {string} file @param {string[]} args @returns its exit code */
async function beside(file, ...args) {
  const { code, output } = await run(file, args, ["ignore", "pipe", "pipe"]);
  // Of what passes, without the rows of dots.
  process.stdout.write(code === 0 ? output.replace(/^(?:[.\s[\]%\d]*|bringing up nodes\.\.\.)\n/gm, "") : output);
  return code;
}

async function pythonTests() {
  const own = await beside(process.execPath, "test/setup/python.mjs");
  const others = await beside(process.execPath, "test/setup/python.mjs", "--others");
  return own || others;
}

const first = await Promise.all([show("test/setup/environments.mjs"), beside("npm", "run", "check:package")]);
// What the examples import has been installed by then.
const examples = await show("node_modules/typescript/bin/tsc", "-p", "examples/tsconfig.json");
const failed = [...first, examples].find((code) => code !== 0);
if (failed !== undefined) process.exit(failed);
const [vitest, python] = await Promise.all([
  show("node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2)),
  pythonTests(),
]);
process.exitCode = vitest || python;
