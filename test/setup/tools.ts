// Linters and parsers that other people wrote for the files a build is made of.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { environment } from "./environments.mjs";

/** A program of the Python environment `tools`. Where it cannot be had the test is skipped, and fails in CI. */
export function preparedTool(name: string, skip: (condition: boolean, note: string) => void): string {
  const tools = environment("tools");
  const program = "unavailable" in tools ? "" : join(tools.python, "..", name);
  if (existsSync(program)) return program;
  const reason = `${name} is not installed: node test/setup/environments.mjs`;
  skip(process.env.CI !== "true", reason);
  throw new Error(reason);
}

/** @returns what the program prints; rejects, with what it says, when it finds something */
export async function runTool(program: string, args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, [...args])).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${stdout}${stderr}`, { cause: error });
  }
}
