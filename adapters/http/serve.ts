import type { Address, Config, ScoreRuntime, Scorer } from "../../src/index.ts";
import {
  batchLines,
  ConfigError,
  createLog,
  createRuntime,
  createScorer,
  type Log,
  openLog,
  toScoreError,
} from "../../src/index.ts";
import { formatRecord } from "../../src/log/format.ts";
import { createHttpServer, type HttpServer } from "./index.ts";

/** How long running requests may take after SIGTERM or SIGINT, in milliseconds: what the reference gives them. */
export const STOP_GRACE_MS = 30_000;

/** Exit codes of contract PROC-8. */
export const EXIT_OK = 0;
export const EXIT_USAGE = 1;
export const EXIT_SCRIPT = 3;

/** Serves until a signal comes or the script turns out not to start. @returns the exit code */
export async function serve(config: Config): Promise<number> {
  const { write, flush } = batchLines((text) => process.stdout.write(text));
  process.once("exit", flush);
  try {
    const log = openLogOrReport(config, write);
    return log === undefined ? EXIT_SCRIPT : await run(config, log);
  } finally {
    flush();
  }
}

/** @returns undefined when the logging configuration cannot be used, which is then written */
function openLogOrReport(config: Config, write: (text: string) => void): Log | undefined {
  try {
    return openLog(config, write);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    createLog(write, config.logLevel).server.critical(error.message);
    return undefined;
  }
}

async function run(config: Config, log: Log): Promise<number> {
  const runtime = createRuntime(config, log);
  const scorer = createScorer(config, runtime, log);
  const servers = await createServers(config, runtime, scorer, log);
  const stopped = stopSignal();
  try {
    await Promise.all(servers.map((server, index) => server.listen(config.listen[index]!)));
  } catch (error) {
    await close(servers, 0);
    process.stderr.write(`scorefn: ${listenProblem(error as NodeJS.ErrnoException)}\n`);
    return EXIT_USAGE;
  }
  const started = runtime.start().finally(() => {
    for (const server of servers) server.reportState?.();
  });
  const end = await Promise.race([stopped, started.then(() => stopped, toScoreError)]);
  if (typeof end === "string") {
    process.stderr.write(
      `${formatRecord(Date.now(), "INFO", process.pid, "gunicorn.error", `Handling signal: ${end}`)}\n`,
    );
    await Promise.all([close(servers, STOP_GRACE_MS), runtime.close(STOP_GRACE_MS)]);
    return EXIT_OK;
  }
  await Promise.all([close(servers, 0), runtime.close(0)]);
  process.stderr.write(`${describeStartFailure(end)}\n`);
  return EXIT_SCRIPT;
}

/** What serves each address of `config.listen`, in that order. */
async function createServers(config: Config, runtime: ScoreRuntime, scorer: Scorer, log: Log): Promise<Listening[]> {
  const { listen } = config;
  if (!listen.some(({ health }) => health)) return listen.map(() => createHttpServer(scorer, config, log));
  const { HealthServer, maxScoreConnections } = await import("./health/index.ts");
  const limit = maxScoreConnections();
  return listen.map(({ health }) => {
    if (health) return new HealthServer(config, runtime, scorer, log);
    const main = createHttpServer(scorer, config, log);
    if (limit !== undefined) main.server.maxConnections = limit;
    return main;
  });
}

/** A server whatever thread it runs in. */
interface Listening extends Pick<HttpServer, "close"> {
  listen(address: Address): Promise<unknown>;
  /** The runtime's state has changed. */
  reportState?(): void;
}

function close(servers: readonly Listening[], graceMs: number): Promise<unknown> {
  return Promise.all(servers.map((server) => server.close(graceMs)));
}

function stopSignal(): Promise<"SIGTERM" | "SIGINT"> {
  return new Promise((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
}

function listenProblem(error: NodeJS.ErrnoException & { address?: string; port?: number }): string {
  const where = `${error.address ?? ""}:${error.port ?? ""}`;
  if (error.code === "EADDRINUSE") {
    return `port ${error.port} is in use (${where}); stop what listens there, or choose another with --port`;
  }
  if (error.code === "EACCES")
    return `port ${error.port} needs more rights (${where}); choose one above 1023 with --port`;
  return `cannot listen on ${where}: ${error.message}`;
}

/** What went wrong where and what to do, for whoever started the command. */
function describeStartFailure(error: ReturnType<typeof toScoreError>): string {
  const { report } = error;
  const at = report?.location;
  const place = at ? `${at.file}:${at.line}${at.column === null ? "" : `:${at.column}`}: ` : "";
  const lines = [`scorefn: the score script cannot be served: ${place}${error.message}`];
  if (report?.codeFrame !== undefined) lines.push("", report.codeFrame, "");
  if (report?.hint !== undefined) lines.push(`hint: ${report.hint}`);
  return lines.join("\n");
}
