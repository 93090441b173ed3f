// Names of files as the readers of reports want them: relative to the root of the repository.
import { createHash } from "node:crypto";
import { relative, sep } from "node:path";
import type { CheckResult, Finding, Place, Report } from "../types.ts";

/** The root that names are relative to. @param env may say where the CI system has checked the repository out */
export function rootOf(cwd: string, env: Readonly<Record<string, string | undefined>>): string {
  const roots = [env.GITHUB_WORKSPACE, env.BUILD_SOURCESDIRECTORY, env.BUILD_REPOSITORY_LOCALPATH, env.CI_PROJECT_DIR];
  return roots.find((root) => root !== undefined && root !== "" && isInside(root, cwd)) ?? cwd;
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === "" || !(way.startsWith(`..${sep}`) || way === ".." || way.startsWith(sep) || /^[A-Za-z]:/.test(way));
}

/** @returns undefined: the file is elsewhere, which is nobody else's business */
export function shownFile(file: string, root: string): string | undefined {
  return isInside(root, file) ? relative(root, file).split(sep).join("/") : undefined;
}

/** Where a finding is shown: at its own place, that of its check, or the script. */
export function placeOfFinding(finding: Finding, check: CheckResult, { script }: Report): Place | undefined {
  return finding.place ?? check.place ?? (script === undefined ? undefined : { file: script, line: 1 });
}

/** The same for the same finding in each run, whatever figures and lines are in it. */
export function fingerprint({ rule, key }: Finding, { name }: CheckResult): string {
  // The number of repetitions is a figure, too.
  const check = name.replace(/^\d+ more/, "more");
  return createHash("sha256")
    .update([rule, check, key ?? ""].join("\0"))
    .digest("hex")
    .slice(0, 32);
}
