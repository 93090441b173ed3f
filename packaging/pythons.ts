// The Pythons of this machine, as far as a build can be tried with them.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { findPython, processEnvironment } from "../src/host.ts";

/** How long an interpreter may take to say its version, in milliseconds; it takes some 20. */
const VERSION_DEADLINE_MS = 10_000;
const SAY_VERSION =
  "import sys; sys.stdout.write('%d.%d %s' % (sys.version_info[0], sys.version_info[1], sys.executable))";

export interface FoundPython {
  readonly python: string;
  /** Like 3.12. */
  readonly version: string;
}

/** The Python that `scorefn serve` would take; undefined: there is none. */
export function pythonInUse(): FoundPython | undefined {
  try {
    const python = processEnvironment.SCOREFN_PYTHON || null;
    return asked(findPython({ python, env: processEnvironment }));
  } catch {
    return undefined;
  }
}

/** An interpreter of that version: the one in use, on PATH, or of pyenv. */
export function findPythonOf(version: string): FoundPython | undefined {
  const inUse = pythonInUse();
  if (inUse?.version === version) return inUse;
  const folders = (processEnvironment.PATH ?? "").split(":").filter((folder) => folder.startsWith("/"));
  const pyenv = join(processEnvironment.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");
  const ofPyenv = existsSync(pyenv) ? readdirSync(pyenv).filter((name) => name.startsWith(`${version}.`)) : [];
  const files = [
    ...folders.map((folder) => join(folder, `python${version}`)),
    ...ofPyenv.map((name) => join(pyenv, name, "bin", "python")),
  ];
  for (const file of files) {
    // pyenv's shims stand for a Python that may not be chosen here.
    const found = existsSync(file) ? asked(file) : undefined;
    if (found?.version === version) return found;
  }
  return undefined;
}

function asked(file: string): FoundPython | undefined {
  const { stdout } = spawnSync(file, ["-I", "-c", SAY_VERSION], { encoding: "utf8", timeout: VERSION_DEADLINE_MS });
  // The interpreter itself: what was asked may be a script that looks for it, in a way that depends on the environment.
  const [, version, itself] = /^(\d+\.\d+) (.+)$/.exec(stdout ?? "") ?? [];
  return version === undefined || itself === undefined ? undefined : { python: itself, version };
}
