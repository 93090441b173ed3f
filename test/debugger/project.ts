// A project of `scorefn init`, as VS Code reads it.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageFile } from "../../src/core/package-root.ts";

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");

export interface Configuration {
  readonly name: string;
  readonly type: string;
  readonly request: "attach" | "launch";
  readonly preLaunchTask?: string;
  readonly postDebugTask?: string;
}

interface Task {
  readonly label: string;
  readonly command: string;
  readonly isBackground?: boolean;
  readonly options?: { readonly env: Readonly<Record<string, string>> };
  readonly problemMatcher: { readonly background: { readonly beginsPattern: string; readonly endsPattern: string } };
}

export interface Project {
  readonly folder: string;
  readonly configurations: readonly Configuration[];
  readonly tasks: readonly Task[];
}

/** @param values of VS Code's variables
 *  @param ports those of the template, and what stands for them: two runs may go side by side */
export function makeProject(
  root: string,
  name: string,
  values: Readonly<Record<string, string>> = {},
  ports: Readonly<Record<string, number>> = {},
  template: string = name,
): Project {
  const folder = join(root, name);
  const args = [COMMAND, "init", folder, "--template", template];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const read = (file: string) => {
    const path = join(folder, ".vscode", file);
    let text = existsSync(path) ? readFileSync(path, "utf8") : "{}";
    for (const [variable, value] of Object.entries({ ...values, "${workspaceFolder}": folder }))
      text = text.replaceAll(variable, value);
    for (const [from, to] of Object.entries(ports)) text = text.replaceAll(from, String(to));
    return JSON.parse(text);
  };
  return { folder, configurations: read("launch.json").configurations, tasks: read("tasks.json").tasks ?? [] };
}

/** Number of the line that contains `text`, from 1. */
export function lineIn(file: string, text: string): number {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.findIndex((line) => line.includes(text)) + 1;
}

/** The first row of the sample request alone: a breakpoint for each row is hit once. */
export function onePatient({ folder }: Project): string {
  const { data } = JSON.parse(readFileSync(join(folder, "sample-request.json"), "utf8"));
  return JSON.stringify({ data: data.slice(0, 1) });
}
