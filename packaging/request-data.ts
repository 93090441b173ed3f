import { readFile } from "node:fs/promises";
import { ConfigError } from "../src/host.ts";

/** The body that `--data` names, as curl has it: `@file` is the file's content, anything else is the body itself.
 *  @throws ConfigError when the file cannot be read */
export async function readRequestData(data: string): Promise<Buffer> {
  if (!data.startsWith("@")) return Buffer.from(data);
  const file = data.slice(1);
  try {
    return await readFile(file);
  } catch (cause) {
    throw new ConfigError("ERR_CONFIG", `--data names ${file}, which cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}
