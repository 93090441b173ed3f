import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Longer than what the tests need takes on a slow line: 15 minutes. */
export const BUILD_DEADLINE_MS = 15 * 60_000;
/** Characters of a reason; pip names all versions there are. */
const MAX_REASON = 300;

/** @type {typeof import("./command.d.mts").command} */
export async function command(file, args, options = {}) {
  const all = { ...options, encoding: /** @type {const} */ ("utf8"), timeout: BUILD_DEADLINE_MS };
  const { stdout } = await promisify(execFile)(file, args, all);
  return stdout;
}

/** @type {typeof import("./command.d.mts").reasonOf} */
export function reasonOf({ stdout = "", stderr = "", message }) {
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
  const telling = lines.filter((line) => /^(npm )?error\b/i.test(line));
  return (telling[0] ?? lines.at(-1) ?? message).trim().slice(0, MAX_REASON);
}
