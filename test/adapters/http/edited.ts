// A server in a folder of its own, whose files are edited.
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import { DEADLINE_MS, temporaryFolder, until } from "../../setup/service.ts";

export const COMMAND: string = packageFile("dist/adapters/cli/scorefn.js");

/** What the ready path says of the last edit. */
export interface Reload {
  readonly version: number;
  readonly state: string;
  readonly changed?: readonly string[];
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly codeFrame?: string;
    readonly hint?: string;
  };
}

export interface Ready {
  readonly status: number;
  readonly body: { readonly state: string; readonly error?: { readonly message: string }; readonly reload?: Reload };
}

export interface Edited extends RunningServer {
  readonly folder: string;
  write(name: string, text: string): Promise<void>;
  post(body?: string): Promise<{ readonly status: number; readonly text: string }>;
  ready(url?: string): Promise<Ready>;
  /** Waits until the ready path says what is wanted. */
  until(is: (ready: Ready) => boolean, what: string): Promise<Ready>;
  /** Waits until an edit has come to serve, or not. */
  settles(state: "watching" | "failed", version: number): Promise<Ready>;
}

export interface EditedOptions {
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Default: `serve --reload`. */
  readonly command?: readonly string[];
  /** Runs the command with these words before it. */
  readonly wrapper?: readonly string[];
  /** Lays out what is no text before the server starts. */
  readonly prepare?: (folder: string) => void;
}

/** @param script the one to serve; undefined: none is named */
export async function edited(
  script: string | undefined,
  files: Readonly<Record<string, string>>,
  { args = [], env = {}, command = [COMMAND, "serve", "--reload"], wrapper = [], prepare }: EditedOptions = {},
): Promise<Edited> {
  const temporary = await temporaryFolder();
  onTestFinished(temporary.remove);
  const folder = temporary.file("app");
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    // Never half of it, nor an empty file: on a busy machine that would be an edit of its own.
    await writeFile(temporary.file("written"), text);
    await rename(temporary.file("written"), join(folder, name));
  };
  for (const [name, text] of Object.entries(files)) await write(name, text);
  prepare?.(folder);
  const port = await freePort();
  const named = script === undefined ? [] : ["--entry_script", script];
  const flags = [...named, "--host", "127.0.0.1", "--port", String(port), ...args];
  const [file, ...rest] = [...wrapper, process.execPath, ...command, ...flags];
  const server = startServer({
    command: file!,
    args: rest,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, SCOREFN_ERROR_DETAIL: "full", ...env },
    cwd: folder,
    port,
  });
  const ready = async (url = server.url): Promise<Ready> => {
    const answer = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(DEADLINE_MS) });
    return { status: answer.status, body: (await answer.json()) as Ready["body"] };
  };
  const untilReady = async (is: (ready: Ready) => boolean, what: string): Promise<Ready> => {
    let last: Ready | undefined;
    await until(
      async () => {
        last = await ready();
        return is(last);
      },
      `${what}\n${server.stdout()}\n${server.stderr()}`,
      20,
    );
    return last!;
  };
  return {
    ...server,
    folder,
    write,
    ready,
    async post(body = "{}") {
      const answer = await fetch(`${server.url}/score`, {
        method: "POST",
        body,
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      return { status: answer.status, text: await answer.text() };
    },
    until: untilReady,
    settles: (state, version) =>
      untilReady(
        ({ body: { reload } }) => reload?.state === state && reload.version === version,
        `version ${version} ${state}`,
      ),
  };
}

export const python = (value: string, more = ""): string =>
  `${more}\ndef init():\n    pass\n\ndef run(data):\n    return ${value}\n`;

export const typescript = (value: string, more = ""): string =>
  `${more}\nexport function init(): void {}\nexport function run(_data: string): unknown {\n  return ${value};\n}\n`;
