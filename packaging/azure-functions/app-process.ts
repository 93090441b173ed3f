// Entry of a process that runs one function app through the local host: told the app's folder, it reports what the app
// registers, and then answers requests until its parent leaves. With `load` as second argument the app is not started.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { installCore, type LocalApp, type LocalRequest, loadApp } from "./local-host.ts";

/** First message to the parent. */
export type LoadReport =
  | {
      readonly kind: "loaded";
      readonly functions: readonly {
        readonly name: string;
        readonly type: string;
        readonly route?: string | undefined;
      }[];
      /** Milliseconds the entry module took. */
      readonly importMs: number;
      /** Milliseconds the hooks of the start took, init() among them. */
      readonly startMs: number;
    }
  | { readonly kind: "failed"; readonly message: string };

/** A request, its body in base64. */
export type AppRequest = Omit<LocalRequest, "body" | "onChunk"> & { readonly body?: string | undefined };

/** A request with the number that its reply bears. */
export interface Asked {
  readonly id: number;
  readonly request: AppRequest;
}

export interface Reply {
  readonly id: number;
  readonly answer?: AppAnswer;
  /** Why there is none. */
  readonly problem?: string;
}

export interface AppAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  /** In base64. */
  readonly body: string;
  readonly complete: boolean;
  readonly durationMs: number;
  /** Resident memory of the app's process, in bytes. */
  readonly memoryBytes: number;
  /** What was logged through invocations since the last answer. */
  readonly log: readonly string[];
}

let logRead = 0;

async function load(directory: string): Promise<LocalApp> {
  const { main } = JSON.parse(await readFile(join(directory, "package.json"), "utf8")) as { main?: string };
  if (main === undefined) throw new Error("package.json has no main");
  const entry = resolve(directory, main);
  installCore();
  try {
    // An entry that is a module would load another copy of the library, one that does not ask for the core.
    createRequire(entry)("@azure/functions");
  } catch {
    // It is part of a bundle.
  }
  return loadApp(() => import(pathToFileURL(entry).href));
}

async function answer(app: LocalApp, request: AppRequest): Promise<AppAnswer> {
  const startedAt = performance.now();
  const body = request.body === undefined ? undefined : Buffer.from(request.body, "base64");
  const answered = await app.send({ ...request, body });
  const from = logRead;
  logRead = app.logged.length;
  return {
    ...answered,
    body: answered.body.toString("base64"),
    durationMs: performance.now() - startedAt,
    memoryBytes: process.memoryUsage.rss(),
    log: app.logged.slice(from).map(({ text }) => text),
  };
}

/** What went wrong, and the nearest place in the app's own code. */
function describe(error: unknown, directory: string): string {
  if (!(error instanceof Error)) return String(error);
  const place = error.stack?.split("\n").find((line) => /^ +at /.test(line) && line.includes(directory));
  return `${error.name}: ${error.message}${place === undefined ? "" : ` (${place.trim()})`}`;
}

async function run(directory: string, withStart: boolean): Promise<void> {
  const tell = (message: LoadReport | Reply) => process.send?.(message);
  const startedAt = performance.now();
  try {
    const app = await load(directory);
    const importMs = performance.now() - startedAt;
    if (withStart) await app.start();
    const startMs = performance.now() - startedAt - importMs;
    const functions = app.functions.map(({ name, bindings }) => {
      const trigger = Object.values(bindings).find(({ type }) => type.endsWith("Trigger"));
      return { name, type: trigger?.type ?? "", route: trigger?.route };
    });
    process.on("message", ({ id, request }: Asked) => {
      answer(app, request).then(
        (answered) => tell({ id, answer: answered }),
        (error: Error) => tell({ id, problem: error.message }),
      );
    });
    process.once("disconnect", () => void app.terminate().finally(() => process.exit(0)));
    tell({ kind: "loaded", functions, importMs, startMs });
  } catch (error) {
    tell({ kind: "failed", message: describe(error, directory) });
    process.disconnect();
  }
}

await run(process.argv[2] ?? ".", process.argv[3] !== "load");
