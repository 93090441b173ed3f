// Why packages could not be installed, in one line, from what pip, uv or conda have said.
import { shownLine } from "./pip-list.ts";
import { packageName } from "./server-packages.ts";

/** Characters of a reason: pip lists all versions that there are. */
const MAX_REASON = 300;

/** Lines that say why, the ones that say most first. */
const REASONS = [
  /ensurepip is not available/,
  /^\s*\w*(?:Error|Exception): /,
  /^\s*cause: /,
  /^\s*(?:ERROR|error|critical libmamba)\b/,
  /\S/,
];

/** @param lines all that was said   @param packages that were to be installed   @param command what was run */
export function explainFailure(
  lines: readonly string[],
  packages: readonly string[],
  command: readonly string[],
): string {
  const reason = REASONS.map((form) => lines.findLast((line) => form.test(line))).find((line) => line !== undefined);
  const text = shownLine(reason ?? `${command[0]} says nothing`).replace(/^(?:ERROR|error|cause): /, "");
  const short = text.length > MAX_REASON ? `${text.slice(0, MAX_REASON)}…` : text;
  const blamed = findBlamed(lines, packages);
  return blamed === undefined ? short : `"${shownLine(blamed)}" cannot be installed: ${short}`;
}

/** The requirement that the errors name, else the one that was being looked at last. */
function findBlamed(lines: readonly string[], packages: readonly string[]): string | undefined {
  const errors = lines.filter((line) => /^\s*(?:ERROR:|error:|cause:|×)|hint:/.test(line)).reverse();
  const steps = lines.filter((line) => /^\s*(?:Collecting|Building)\b/.test(line)).reverse();
  for (const line of [...errors, ...steps]) {
    const named = packages.filter((each) => names(line, each));
    // Of `azure` and `azure-core` the longer one is meant.
    if (named.length > 0) return named.sort((one, other) => other.length - one.length)[0];
  }
  return undefined;
}

function names(line: string, requirement: string): boolean {
  const name = packageName(requirement);
  if (name === undefined) return false;
  const form = name
    .split("-")
    .map((word) => word.replace(/[^a-z0-9]/g, ""))
    .join("[-_.]+");
  return new RegExp(`(?<![\\w.-])${form}(?![\\w-])`, "i").test(line);
}
