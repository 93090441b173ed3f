// The Python of an environment that is made here.
import type { Environment } from "../../src/host.ts";
import { problem } from "./problem.ts";
import { fitsPython, PYTHON_VERSIONS } from "./python-versions.ts";
import { type FoundPython, findPythonOf, pythonInUse } from "./pythons.ts";

export interface ChosenPython {
  /** An interpreter of this machine; undefined: uv gets one. */
  readonly found: FoundPython | undefined;
  /** Like 3.12. */
  readonly version: string;
  /** Why it is another one than the file asks for. */
  readonly warning: string | undefined;
}

/** Taken where nothing says more. */
const USUAL_PYTHON = "3.12";

/** The one in use where it will do, else another of this machine, else one that uv gets; where none of the version that is
 *  asked for can be had, the nearest.
 *  @param asked as in a conda file; undefined or empty: nothing   @throws ConfigError when there is none at all */
export async function chooseForEnvironment(
  asked: string | undefined,
  uv: string | undefined,
  env: Environment,
): Promise<ChosenPython> {
  const inUse = await pythonInUse(env);
  const any = asked === undefined || asked === "";
  if (inUse !== undefined && isNewEnough(inUse.version) && (any || fitsPython(asked, inUse.version))) {
    return { found: inUse, version: inUse.version, warning: undefined };
  }
  const fitting = PYTHON_VERSIONS.filter((version) => any || fitsPython(asked, version)).reverse();
  for (const version of fitting) {
    const found = await findPythonOf(version, env);
    if (found !== undefined) return { found, version, warning: undefined };
  }
  const [newest] = fitting;
  if (uv !== undefined && newest !== undefined) {
    return { found: undefined, version: any ? USUAL_PYTHON : newest, warning: undefined };
  }
  const why = newest === undefined ? "scorefn runs 3.9 to 3.14" : "this machine has none";
  for (const version of byDistance(asked ?? "")) {
    const found = await findPythonOf(version, env);
    if (found === undefined) continue;
    const text = `asks for Python ${shownVersion(asked ?? "")}, and ${why}: Python ${found.release} takes its place`;
    return { found, version, warning: text };
  }
  if (uv !== undefined) {
    const version = nearestVersion(asked ?? "");
    const text = `asks for Python ${shownVersion(asked ?? "")}, and ${why}: Python ${version} takes its place`;
    return { found: undefined, version, warning: text };
  }
  throw problem("needs Python 3.9 or later, and this machine has none; install one, or name one with --python");
}

/** The version that scorefn runs and that is nearest to what is asked for. */
export function nearestVersion(asked: string): string {
  return byDistance(asked)[0]!;
}

/** `=3.8` as 3.8. */
export function shownVersion(asked: string): string {
  return asked.replace(/^==?\s*/, "");
}

function byDistance(asked: string): string[] {
  const [, major = "3", minor = "0"] = /(\d+)(?:\.(\d+))?/.exec(asked) ?? [];
  const wanted = Number(major) === 3 ? Number(minor) : Number(major) < 3 ? 0 : Number.MAX_SAFE_INTEGER;
  const distance = (version: string): number => Math.abs(Number(version.split(".")[1]) - wanted);
  return [...PYTHON_VERSIONS].sort((one, other) => distance(one) - distance(other));
}

function isNewEnough(version: string): boolean {
  return fitsPython(">=3.9,<4", version);
}
