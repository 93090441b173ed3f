import { delimiter, dirname } from "node:path";
import { ensureBuild } from "./build.ts";
import { command } from "./command.mjs";
import { prepareEnvironments } from "./environments.mjs";
import { PYTHON } from "./python-environment.mjs";

/** vitest's globalSetup. */
export default async function setup(): Promise<void> {
  await Promise.all([ensureBuild(), prepareEnvironments(), findPython()]);
}

/** Puts the folder of the interpreter itself first on PATH where PATH leads to a shim, which looks for it anew at each
 *  start: that takes longer than the start does, and the tests start it many hundred times. */
async function findPython(): Promise<void> {
  const python = await command(PYTHON, ["-c", "import sys; print(sys.executable)"]).catch(() => "");
  const folder = dirname(python.trim());
  const folders = (process.env.PATH ?? "").split(delimiter);
  if (python !== "" && !folders.includes(folder)) process.env.PATH = [folder, ...folders].join(delimiter);
}
