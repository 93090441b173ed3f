// Types commands about endpoints, whose processes run over fake parts.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { onTestFinished } from "vitest";
import type { Noun } from "../../../../adapters/cli/online/flags.ts";
import { runOnline } from "../../../../adapters/cli/online/index.ts";
import { type EndpointFolder, endpointFolder } from "../../../../endpoint/control/state/folders.ts";
import { lockHolder, startOf } from "../../../../endpoint/control/state/lock.ts";
import { ScoreError } from "../../../../src/core/errors.ts";
import { packageFile } from "../../../../src/core/package-root.ts";
import { createFakeParts } from "../../../endpoint/control/fake-parts.mjs";
import { DEADLINE_MS } from "../../../setup/deadline.ts";

/** The processes of endpoints. */
const PROCESS = [process.execPath, packageFile("test/adapters/cli/online/fake-process.mjs")];

/** Commands as processes of their own. */
export const PROGRAM: readonly string[] = [process.execPath, packageFile("test/adapters/cli/online/fake-program.mjs")];

export interface Typed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Shell {
  readonly home: string;
  /** The folder that commands are typed in. */
  readonly folder: string;
  /** @param line words, with blanks between; more words stand as they are */
  type(line: string, ...more: string[]): Promise<Typed>;
  /** @param program starts the processes of endpoints */
  typeWith(program: readonly string[], line: string, ...more: string[]): Promise<Typed>;
  /** The same, for what has to work. @returns stdout */
  ok(line: string, ...more: string[]): Promise<string>;
  write(name: string, text: string): string;
  /** Of the endpoint's process; throws when it does not run. */
  pid(endpoint: string): number;
  of(endpoint: string): EndpointFolder;
  readonly env: Record<string, string | undefined>;
}

/** A home of its own for the test, of which nothing is left at its end. @param answer what the user says when asked */
export function openShell(answer?: string): Shell {
  const root = mkdtempSync(join(tmpdir(), "scorefn-online-"));
  const [home, folder] = [join(root, "home"), mkdtempSync(join(root, "cwd-"))];
  const env = { ...process.env, SCOREFN_HOME: home };
  const of = (endpoint: string): EndpointFolder => endpointFolder(home, endpoint);
  const shell: Shell = {
    home,
    folder,
    env,
    of,
    type: (line, ...more) => shell.typeWith(PROCESS, line, ...more),
    async typeWith(program, line, ...more) {
      const [noun, ...args] = [...line.split(" "), ...more];
      const output = { stdout: "", stderr: "" };
      const code = await runOnline(noun as Noun, args, {
        write: (text) => {
          output.stdout += text;
        },
        writeOn: async (text) => {
          output.stdout += text;
          return true;
        },
        writeError: (text) => {
          output.stderr += text;
        },
        tell: (text) => {
          output.stderr += text;
        },
        env,
        cwd: folder,
        parts: createFakeParts(ScoreError),
        program,
        ...(answer !== undefined && { ask: async () => answer }),
      });
      return { code, ...output };
    },
    async ok(line, ...more) {
      const { code, stdout, stderr } = await shell.type(line, ...more);
      if (code !== 0) throw new Error(`${line}: ${code}\n${stdout}${stderr}`);
      return stdout;
    },
    write(name, text) {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    },
    pid(endpoint) {
      const holder = lockHolder(of(endpoint).path);
      if (holder === undefined) throw new Error(`${endpoint} does not run`);
      return holder.pid;
    },
  };
  onTestFinished(async () => {
    for (const name of names(home)) {
      const holder = lockHolder(join(home, "endpoints", name));
      if (holder !== undefined) await kill(holder.pid);
    }
    rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  });
  return shell;
}

function names(home: string): string[] {
  try {
    return readdirSync(join(home, "endpoints"));
  } catch {
    return [];
  }
}

/** Resolves when the process is gone. */
export async function kill(pid: number, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  const started = startOf(pid);
  process.kill(pid, signal);
  await until(() => startOf(pid) !== started);
}

export async function until(condition: () => unknown): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`it has not happened: ${condition}`);
    await delay(20);
  }
}

/** A deployment's file. */
export function deploymentFile(name: string, variables: Readonly<Record<string, string>> = {}): string {
  return JSON.stringify({
    name,
    endpoint_name: "<ENDPOINT_NAME>",
    code_configuration: { code: "code", scoring_script: "score.py" },
    environment_variables: { VERSION: "1", ...variables },
  });
}
