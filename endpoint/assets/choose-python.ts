// Which Python an environment gets that is made here.
import type { Environment } from "../../src/host.ts";
import { problem } from "./problem.ts";
import { fitsPython, PYTHON_VERSIONS } from "./python-versions.ts";
import { type FoundPython, findPythonOf, pythonInUse } from "./pythons.ts";

export interface ChosenPython {
  /** An interpreter of this machine; undefined: uv downloads one. */
  readonly found: FoundPython | undefined;
  /** Like 3.12. */
  readonly version: string;
  /** Why it is not the one that the file asks for. */
  readonly warning: string | undefined;
}

/** Taken where the file asks for no version. */
const USUAL_PYTHON = "3.12";

/** The Python in use if it fits, else another one of this machine, else one that uv downloads. Where no Python of the version that
 *  the file asks for can be had, the nearest one.
 *  @param asked as in a conda file; undefined or empty: any   @throws ConfigError when there is no Python at all */
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
  const why = newest === undefined ? UNSUPPORTED : "this machine has none";
  for (const version of byDistance(asked ?? "")) {
    const found = await findPythonOf(version, env);
    if (found !== undefined) return { found, version, warning: otherPython(asked ?? "", why, found.release) };
  }
  if (uv !== undefined) {
    const version = nearestVersion(asked ?? "");
    return { found: undefined, version, warning: otherPython(asked ?? "", why, version) };
  }
  throw problem("needs Python 3.9 or later, and this machine has none; install one, or name one with --python");
}

/** Why a version that a file asks for cannot be had anywhere. */
export const UNSUPPORTED: string = `scorefn runs on ${PYTHON_VERSIONS[0]} to ${PYTHON_VERSIONS.at(-1)}`;

/** Says which Python is used in the place of another one. Follows the name of the file. */
export function otherPython(asked: string, why: string, used: string): string {
  return `asks for Python ${asked.replace(/^==?\s*/, "")}, but ${why}; Python ${used} is used instead`;
}

/** Of the versions that scorefn runs on, the nearest to the one that a file asks for. */
export function nearestVersion(asked: string): string {
  return byDistance(asked)[0]!;
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
