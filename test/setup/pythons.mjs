// The Python interpreters of this machine: those of pyenv, and those on PATH.
import { execFileSync } from "node:child_process";
import { readdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** @import { Python } from "./pythons.d.mts" */

const NAME = /^python(?:\d+(?:\.\d+)?)?$/;
/** Longer than any takes on a busy machine, in milliseconds. */
const DEADLINE_MS = 30_000;
const ASK = "import sys; sys.stdout.write('%d.%d.%d %s' % (sys.version_info[:3] + (sys.executable,)))";

/** @type {typeof import("./pythons.d.mts").installedPythons} */
export function installedPythons() {
  const pyenv = process.env.PYENV_ROOT ?? join(homedir(), ".pyenv");
  const files = [
    ...list(join(pyenv, "versions")).map((version) => join(pyenv, "versions", version, "bin", "python")),
    // Shims stand for one of those above, whichever the current folder chooses.
    ...(process.env.PATH ?? "")
      .split(delimiter)
      .filter((folder) => folder !== "" && folder !== join(pyenv, "shims"))
      .flatMap((folder) => list(folder, NAME)),
  ];
  /** @type {Map<string, Python>} */
  const byMinor = new Map();
  for (const python of new Set(files.flatMap(real)).values()) {
    const found = pythonVersion(python);
    if (found === undefined) continue;
    const minor = `${found.version[0]}.${found.version[1]}`;
    const other = byMinor.get(minor);
    if (other === undefined || other.version[2] < found.version[2]) byMinor.set(minor, found);
  }
  return [...byMinor.values()].sort((a, b) => a.version[0] - b.version[0] || a.version[1] - b.version[1]);
}

/**
 * @param {string} folder
 * @param {RegExp} [name] only files called so, as paths
 */
function list(folder, name) {
  try {
    const entries = readdirSync(folder);
    return name === undefined
      ? entries
      : entries.filter((entry) => name.test(entry)).map((entry) => join(folder, entry));
  } catch {
    return [];
  }
}

/** @param {string} file */
function real(file) {
  try {
    return [realpathSync(file)];
  } catch {
    return [];
  }
}

/** @type {typeof import("./pythons.d.mts").pythonVersion} */
export function pythonVersion(file) {
  try {
    const [text = "", ...path] = execFileSync(file, ["-c", ASK], { encoding: "utf8", timeout: DEADLINE_MS }).split(" ");
    const [major = 0, minor = 0, patch = 0] = text.split(".").map(Number);
    return { text, version: [major, minor, patch], path: path.join(" ") };
  } catch {
    return undefined;
  }
}
