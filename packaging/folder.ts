import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../src/host.ts";

/** Name of the file that describes a build, and tells it from a folder of somebody else's. */
export const BUILD_FILE = "scorefn-build.json";

/** Makes a folder with nothing but the description of the build to come; replaces an older build, a failed one too, and
 *  nothing else.
 *  @throws ConfigError when there is something else */
export async function prepareFolder(out: string, description: object): Promise<void> {
  const entries: string[] = await readdir(out).catch(() => []);
  if (entries.length > 0 && !entries.includes(BUILD_FILE)) {
    throw problem(`${out} is neither empty nor a build of scorefn; choose another folder`);
  }
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await writeFile(join(out, BUILD_FILE), `${JSON.stringify(description, undefined, 2)}\n`);
}

/** What was asked cannot be built. */
export function problem(message: string): ConfigError {
  return new ConfigError("ERR_CONFIG", message);
}
