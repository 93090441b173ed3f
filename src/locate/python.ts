import { readFileSync } from "node:fs";
import { basename, dirname, isAbsolute, relative } from "node:path";
import type { ErrorLocation } from "../core/types.ts";

const CURRENT_THREAD = "Current thread";
const FRAME = /^ {2}File "(?<file>.+)", line (?<line>\d+) in (?<function>.+)$/gm;

/** What is needed to tell the user's files from others. */
export interface FaultRoots {
  readonly appRoot: string;
  readonly entryScript: string | null;
  /** Folder of the worker's own code. */
  readonly workerRoot: string;
}

/** The innermost frame of the user's own files in a dump of Python's fault handler, which lists the most recent call
 *  first and, of several threads, the failing one last. Null when there is none; never throws. */
export function locateFault(dump: string, { appRoot, entryScript, workerRoot }: FaultRoots): ErrorLocation | null {
  const scriptDir = entryScript === null ? appRoot : dirname(entryScript);
  const failing = dump.slice(Math.max(0, dump.indexOf(CURRENT_THREAD)));
  for (const { groups } of failing.matchAll(FRAME)) {
    const file = groups?.file ?? "";
    if (file.includes("site-packages") || file.startsWith("<") || pathBelow(workerRoot, file) !== undefined) continue;
    const shown = isAbsolute(file) ? (pathBelow(appRoot, file) ?? pathBelow(scriptDir, file)) : basename(file);
    if (shown === undefined) continue;
    const line = Number(groups?.line);
    return { file: shown, line, column: null, function: groups?.function ?? null, source: sourceLine(file, line) };
  }
  return null;
}

function pathBelow(root: string, file: string): string | undefined {
  const path = relative(root, file);
  return path.startsWith("..") || isAbsolute(path) ? undefined : path.replaceAll("\\", "/");
}

function sourceLine(file: string, line: number): string | null {
  try {
    return readFileSync(file, "utf8").split("\n")[line - 1]?.trim() ?? null;
  } catch {
    return null;
  }
}
