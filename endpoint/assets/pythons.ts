// The Pythons of this machine.
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import { type Environment, findPython, processEnvironment } from "../../src/host.ts";

/** How long an interpreter may take to say its version, in milliseconds; it takes some 20. */
const VERSION_DEADLINE_MS = 10_000;
const SAY_VERSION = "import sys; sys.stdout.write('%d.%d.%d %s' % (sys.version_info[:3] + (sys.executable,)))";

export interface FoundPython {
  readonly python: string;
  /** Like 3.12. */
  readonly version: string;
  /** Like 3.12.1. */
  readonly release: string;
}

/** The Python that `scorefn serve` would take; undefined: there is none. */
export async function pythonInUse(env: Environment = processEnvironment): Promise<FoundPython | undefined> {
  try {
    return await askPython(findPython({ python: env.SCOREFN_PYTHON || null, env }), env);
  } catch {
    return undefined;
  }
}

/** An interpreter of that version: the one in use, on PATH, or of pyenv. */
export async function findPythonOf(
  version: string,
  env: Environment = processEnvironment,
): Promise<FoundPython | undefined> {
  const inUse = await pythonInUse(env);
  if (inUse?.version === version) return inUse;
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  const pyenv = join(env.PYENV_ROOT ?? join(env.HOME || homedir(), ".pyenv"), "versions");
  const ofPyenv = existsSync(pyenv) ? readdirSync(pyenv).filter((name) => name.startsWith(`${version}.`)) : [];
  const files = [
    ...folders.map((folder) => join(folder, `python${version}`)),
    ...ofPyenv.map((name) => join(pyenv, name, "bin", "python")),
  ];
  for (const file of files) {
    // pyenv's shims stand for a Python that may not be chosen here.
    const found = existsSync(file) ? await askPython(file, env) : undefined;
    if (found?.version === version) return found;
  }
  return undefined;
}

/** What an interpreter says of itself; undefined: it is none, or does not start. */
export function askPython(file: string, env: Environment): Promise<FoundPython | undefined> {
  return new Promise((resolve) => {
    const options = { encoding: "utf8", timeout: VERSION_DEADLINE_MS, env: { ...env } } as const;
    execFile(file, ["-I", "-c", SAY_VERSION], options, (_, stdout) => {
      // The interpreter itself: what was asked may be a script that looks for it, in a way that depends on the environment.
      const [, release, version, python] = /^((\d+\.\d+)\.\d+) (.+)$/.exec(stdout) ?? [];
      if (release === undefined || version === undefined || python === undefined) resolve(undefined);
      else resolve({ python, version, release });
    });
  });
}
