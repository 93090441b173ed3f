import { existsSync, statSync } from "node:fs";
import { parse } from "node:path";

/** Where a worker is started: in the folder that was asked for, as long as it is there; else where this process was, though that folder may have been made anew since; where this process is,
 *  when the folder has got another name (undefined); the root, when there is no such folder any more, for programs fail in
 *  many ways in a folder that is not there. */
export function workerFolder(wanted?: string): string | undefined {
  if (wanted !== undefined && existsSync(wanted)) return wanted;
  try {
    // Node remembers what the system said first.
    const folder = process.cwd();
    if (existsSync(folder)) return folder;
    return statSync(".").nlink > 0 ? undefined : parse(folder).root;
  } catch {
    return parse(process.execPath).root;
  }
}
