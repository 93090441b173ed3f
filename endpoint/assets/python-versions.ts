// Versions of Python, and what a conda file asks of them.

/** Minor versions that the worker runs on, and that images can have. */
export const PYTHON_VERSIONS = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"] as const;

/** @param asked as in a conda file: `=3.10`, `>=3.9,<3.12`   @param version minor, like 3.10 */
export function fitsPython(asked: string, version: string): boolean {
  return asked.split(",").every((part) => allows(part.trim(), version));
}

function allows(part: string, version: string): boolean {
  const [, sign, major, given] = /^(>=|<=|>|<|!=|~=|==|=)?\s*(\d+)(?:\.(\d+))?/.exec(part) ?? [];
  if (major === undefined) return true;
  const isMajor = given === undefined;
  const minor = given ?? "0";
  const [ownMajor = 0, ownMinor = 0] = version.split(".").map(Number);
  const difference = ownMajor === Number(major) ? ownMinor - Number(minor) : ownMajor - Number(major);
  // `3`, `=3` and `3.*` are all that begin so.
  if (isMajor && (sign === undefined || sign.startsWith("="))) return ownMajor === Number(major);
  if (sign === ">=" || sign === "~=") return difference >= 0;
  if (sign === "<=") return difference <= 0;
  // Of `>3.8` and `<3.12.4` the last digits do not count: only minor versions are chosen.
  if (sign === ">") return difference > 0;
  if (sign === "<") return difference < 0;
  return sign === "!=" ? difference !== 0 : difference === 0;
}
