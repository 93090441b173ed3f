import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { problem } from "./out-folder.ts";

/** The body that a flag names, as curl has it: `@file` is the file's content, anything else is the body itself.
 *  @throws ConfigError when the file cannot be read */
export async function readRequestData(data: string, flag = "data"): Promise<Buffer> {
  if (!data.startsWith("@")) return Buffer.from(data);
  const file = data.slice(1);
  return readFile(file).catch((cause: Error) => {
    throw problem(`--${flag} names ${file}, which cannot be read: ${cause.message}`);
  });
}

/** A request that lies beside the script is what a new version is checked with. */
export const SAMPLE = "sample-request.json";

/** Reads what the check of a new version posts.
 *  @param given a flag's value; `none`: nothing is posted   @param folder where the sample is looked for
 *  @throws ConfigError when it is not JSON */
export async function readCheckRequest(given: string | undefined, folder: string): Promise<Buffer | undefined> {
  if (given === "none") return undefined;
  const sample = join(folder, SAMPLE);
  if (given === undefined && !existsSync(sample)) return undefined;
  const body = await readRequestData(given ?? `@${sample}`, "check");
  try {
    JSON.parse(body.toString());
    return body;
  } catch (cause) {
    throw problem(
      `the request for the check of a new version, ${given ?? sample}, is not JSON: ${(cause as Error).message}; ` +
        "name another with --check, or do without: --check none",
    );
  }
}
