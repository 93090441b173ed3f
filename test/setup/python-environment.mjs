// Makes a Python environment: with uv, which takes seconds, or with venv and pip where uv cannot be had, which takes
// minutes. The packages come from where the machine's pip takes them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { BUILD_DEADLINE_MS, command, reasonOf } from "./command.mjs";
import { withLock } from "./lock.mjs";

const WINDOWS = process.platform === "win32";
export const PYTHON = WINDOWS ? "python" : "python3";
/** Where uv is, too, when it is our own. */
const ENVIRONMENTS = fileURLToPath(new URL("../.envs", import.meta.url));
const UV_LIST = fileURLToPath(new URL("uv.requirements.txt", import.meta.url));
/** Folders below packages that nothing imports, so that they need not be compiled. */
const NEVER_IMPORTED = "site-packages.*[/\\\\](tests?|testing|sympy)[/\\\\]";

/** @param {string} directory of an environment */
export function pythonOf(directory) {
  return join(directory, WINDOWS ? "Scripts/python.exe" : "bin/python");
}

/** @type {typeof import("./python-environment.d.mts").makePythonEnvironment} */
export async function makePythonEnvironment({ directory, lists, state, say }) {
  const packages = (await Promise.all(lists.map(packagesIn))).flat();
  const what = `${new Set(packages).size} packages`;
  const uv = await findUv(state).catch((error) => {
    say(`there is no uv: ${reasonOf(error)}`);
  });
  await rm(directory, { recursive: true, force: true });
  const requirements = lists.flatMap((list) => ["-r", list]);
  if (uv === undefined) {
    say(`installing ${what} with pip, which takes some minutes`);
    await command(PYTHON, ["-m", "venv", directory]);
    const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-compile", "-q"];
    await command(pythonOf(directory), [...pip, ...requirements]);
  } else {
    say(`installing ${what} with uv`);
    const env = await uvEnvironment();
    await command(uv, ["venv", "-q", "--python", await executableOf(PYTHON), directory], { env });
    await follow(uv, ["pip", "install", "--python", pythonOf(directory), ...requirements], env, say);
  }
  // Workers of tests write no bytecode: without this each one would compile what it imports again.
  const compile = ["-m", "compileall", "-q", "-j", "0", "-x", NEVER_IMPORTED, directory];
  // A package may hold files for another version of Python, which do not compile.
  await command(pythonOf(directory), compile).catch(() => undefined);
}

/** @type {typeof import("./python-environment.d.mts").uvProgram} */
export async function uvProgram() {
  const file = await findUv(ENVIRONMENTS).catch(() => undefined);
  return file === undefined ? undefined : { file, env: await uvEnvironment() };
}

/** For an interpreter of this machine, never one that uv would fetch. @returns {Promise<NodeJS.ProcessEnv>} */
async function uvEnvironment() {
  return { ...(await uvSettings()), UV_PYTHON_DOWNLOADS: "never", UV_NO_PROGRESS: "1", ...process.env };
}

/** @param {string} list */
async function packagesIn(list) {
  return (await readFile(list, "utf8")).split("\n").filter((line) => /^\w/.test(line));
}

/** Path of uv: that of the machine, or one of our own. @param {string} state folder for it */
async function findUv(state) {
  const works = await command("uv", ["--version"]).then(
    () => true,
    () => false,
  );
  if (works) return "uv";
  const directory = join(state, "uv");
  const own = join(directory, "bin", WINDOWS ? "uv.exe" : "uv");
  const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-q", "--no-deps"];
  await withLock(`${directory}.lock`, BUILD_DEADLINE_MS, async () => {
    if (!existsSync(own)) await command(PYTHON, [...pip, "--target", directory, "-r", UV_LIST]);
  });
  await command(own, ["--version"]);
  return own;
}

/** What stands in pip's settings, by its variables and its files, in the words of uv, which does not read them. */
async function uvSettings() {
  const text = await command(PYTHON, ["-m", "pip", "config", "list"]).catch(() => "");
  /** @type {Record<string, string>} */
  const pip = {};
  // Later ones win: the sections of files, the variables at last.
  for (const section of ["global", "install", ":env:"]) {
    for (const [, name, value] of text.matchAll(new RegExp(`^${section}\\.(.*?)='(.*)'$`, "gm"))) {
      pip[name ?? ""] = (value ?? "")
        .split(/\\n|\s+/)
        .filter(Boolean)
        .join(" ");
    }
  }
  const settings = {
    UV_DEFAULT_INDEX: pip["index-url"],
    UV_INDEX: pip["extra-index-url"],
    // As pip does it: the version that is asked for, from whichever index has it.
    UV_INDEX_STRATEGY: pip["extra-index-url"] && "unsafe-best-match",
    UV_FIND_LINKS: pip["find-links"]?.replaceAll(" ", ","),
    UV_INSECURE_HOST: pip["trusted-host"],
    SSL_CERT_FILE: pip.cert,
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value));
}

/** The program behind a name, which may be a shim that decides by the folder it is called in. @param {string} python */
async function executableOf(python) {
  return (await command(python, ["-c", "import sys; print(sys.executable)"])).trim();
}

/**
 * Runs uv and tells what it downloads.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {(text: string) => void} say
 */
async function follow(file, args, env, say) {
  const child = spawn(file, args, { env, stdio: ["ignore", "ignore", "pipe"], timeout: BUILD_DEADLINE_MS });
  const lines = /** @type {string[]} */ ([]);
  createInterface(child.stderr).on("line", (line) => {
    lines.push(line);
    if (/^\s*(Downloading|Building) /.test(line)) say(line.trim().replace(/^[DB]/, (letter) => letter.toLowerCase()));
  });
  const [code, signal] = await once(child, "close");
  if (code === 0) return;
  const reason = lines.slice(lines.findIndex((line) => line.startsWith("error"))).map((line) => line.trim());
  throw Object.assign(new Error(`uv ended with ${code ?? signal}`), { stderr: reason.join(" ") });
}
