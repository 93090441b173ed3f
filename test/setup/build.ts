import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { packageFile } from "../../src/core/package-root.ts";
import { BUILD_DEADLINE_MS } from "./command.mjs";
import { withLock } from "./lock.mjs";

/** Sources of dist, as tsconfig.build.json names them, and what else decides what is built. */
const SOURCES = ["src", "endpoint", "adapters", "packaging", "check", "functions"];
const SETTINGS = ["bundles.mjs", "unused.mjs", "tsconfig.json", "tsconfig.build.json", "package-lock.json"];
/** A file that every build leaves. */
const PROOF = packageFile("dist/src/node-worker/main.js");
const STATE = packageFile("test/.envs");

/** Makes sure that dist is that of the sources: worker processes run from it. Does nothing when it is, so that two test
 *  runs at a time do not rewrite it under each other. */
export async function ensureBuild(): Promise<void> {
  await mkdir(STATE, { recursive: true });
  await withLock(join(STATE, "build.lock"), BUILD_DEADLINE_MS, async () => {
    const stamp = join(STATE, "build.stamp");
    const state = await sourceState();
    const built = existsSync(PROOF) && (await readFile(stamp, "utf8").catch(() => "")) === state;
    if (built) return;
    const compiler = packageFile("node_modules/typescript/bin/tsc");
    try {
      await promisify(execFile)(process.execPath, [compiler, "-p", packageFile("tsconfig.build.json")]);
      await promisify(execFile)(process.execPath, [packageFile("bundles.mjs")]);
      await writeFile(stamp, state);
    } catch (error) {
      // The compiler writes what it can all the same, and its complaints are not what these tests are about.
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      console.warn(`dist was built in spite of:\n${stdout}${stderr}`);
    }
  });
}

/** Name, size and time of every source file. */
async function sourceState(): Promise<string> {
  const lists = await Promise.all(
    SOURCES.map((folder) => readdir(packageFile(folder), { recursive: true }).catch(() => [])),
  );
  const files = [...SETTINGS, ...lists.flatMap((list, index) => list.map((file) => join(SOURCES[index]!, file)))];
  const lines = await Promise.all(
    files.sort().map(async (file) => {
      const { size, mtimeMs } = await stat(packageFile(file));
      return `${file} ${size} ${mtimeMs}`;
    }),
  );
  return lines.join("\n");
}
