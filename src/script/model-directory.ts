import { readdirSync, statSync } from "node:fs";
import { basename, join, resolve, sep } from "node:path";
import type { Logger } from "../core/log.ts";

/** Lines of the listing that are shown (contract INIT-3). */
const MAX_LINES = 200;

/** Logs what the model directory holds, to help with an init() that did not find its model (contract INIT-3, INIT-4).
 *  Says nothing when there is no such directory. */
export function logModelDirectory(modelDir: string | null, logger: Logger): void {
  if (modelDir === null || modelDir === "") return;
  const lines: string[] = [];
  try {
    // One more than is shown tells whether there are more.
    list(resolve(modelDir), 0, lines, MAX_LINES + 1);
  } catch {
    return;
  }
  logger.info("Model Directory Contents:");
  for (const line of lines.slice(0, MAX_LINES)) logger.info(line);
  if (lines.length > MAX_LINES) logger.info(`Output Truncated. First ${MAX_LINES} lines shown.`);
}

function list(path: string, depth: number, lines: string[], most: number): void {
  if (lines.length >= most) return;
  const isDirectory = statSync(path).isDirectory();
  lines.push(`${"    ".repeat(depth)}${basename(path)}${isDirectory ? sep : ""}`);
  if (!isDirectory) return;
  for (const name of readdirSync(path).sort()) {
    try {
      list(join(path, name), depth + 1, lines, most);
    } catch {
      // A link to nowhere, or a folder that may not be read: the others still help.
    }
  }
}
