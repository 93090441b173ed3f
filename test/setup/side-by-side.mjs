// Runs vitest, and beside it the Python worker's tests with the other versions of Python that are found: vitest mostly waits.
// What those print is shown when they have ended, and before vitest's closing lines when they are the first to end.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * @param {string[]} args
 * @param {import("node:child_process").StdioOptions} stdio
 */
function start(args, stdio) {
  const child = spawn(process.execPath, args, { cwd: root, stdio });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      output += text;
    });
  }
  const ended = new Promise((resolve) => {
    child.once("close", (code) => resolve({ code: code ?? 1, output }));
  });
  return /** @type {Promise<{ code: number, output: string }>} */ (ended);
}

const others = start(["test/setup/python.mjs", "--others"], ["ignore", "pipe", "pipe"]);
const vitest = start(["node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2)], "inherit");
const [{ code, output }, { code: vitestCode }] = await Promise.all([others, vitest]);
process.stdout.write(code === 0 ? output.replace(/^[.\s[\]%\d]*\n/gm, "") : output);
process.exitCode = vitestCode === 0 ? code : vitestCode;
