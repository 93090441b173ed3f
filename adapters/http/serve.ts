import { setTimeout as delay } from "node:timers/promises";
import {
  type Address,
  batchLines,
  boundedLines,
  type Config,
  ConfigError,
  consoleMethods,
  createLog,
  createRuntime,
  createService,
  type Log,
  type LogOutputs,
  lastLines,
  loadInsights,
  logStream,
  openLog,
  openTelemetry,
  paintFor,
  processEnvironment,
  recordFormat,
  ScoreError,
  type Service,
  STOP_GRACE_MS,
  TELEMETRY_GRACE_MS,
  type Telemetry,
  toScoreError,
} from "../../src/host.ts";
import { firstFault } from "./faults.ts";
import { createHttpServer, type HttpServer } from "./index.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { Reloads } from "./reloading.ts";
import type { ReservedPort } from "./reserve-port.ts";
import { cannotBeServed, describeStartFailure } from "./start-failure.ts";

/** How long workers may take to die after the second signal, in milliseconds. */
const FORCED_END_MS = 2_000;

/** Exit codes of contract PROC-8. */
export const EXIT_OK = 0;
export const EXIT_USAGE = 1;
export const EXIT_SCRIPT = 3;
/** A fault of the server's own: EX_SOFTWARE of sysexits.h. */
export const EXIT_FAULT = 70;

/** Serves until a signal comes or the script turns out not to start.
 *  @param reserved listens already at the first address
 *  @param reloads where the script is loaded anew when it is edited; one that does not start then waits for the next edit
 *  @returns the exit code */
export async function serve(config: Config, reserved?: ReservedPort, reloads?: Reloads): Promise<number> {
  const { logFormat, scriptHost } = config;
  // Without workers nobody else writes there, whose lines could come between.
  const stdout = logStream(process.stdout, scriptHost === "in-process" ? "text" : logFormat);
  const { write, flush } = batchLines(boundedLines(stdout, logFormat), logFormat);
  try {
    if (reloads !== undefined) {
      const { createReloadingService } = await import("./reloading.ts");
      const { service, metrics } = await createReloadingService(
        config,
        reloads,
        (of, file) => openServerLog(of, write, file),
        write,
      );
      return await run(service, metrics, reserved, undefined, reloads.onListening);
    }
    const metrics = createMetrics(config);
    const telemetry = await openTelemetry(config, processEnvironment, { loadInsights });
    const service = createServiceOrReport(config, write, metrics, telemetry);
    if (service === undefined) return EXIT_SCRIPT;
    const code = await run(service, metrics, reserved, telemetry);
    await telemetry?.close(TELEMETRY_GRACE_MS);
    return code;
  } finally {
    flush();
    await lastLines(stdout);
  }
}

/** @returns undefined when the logging configuration cannot be used, which is then written */
function createServiceOrReport(
  config: Config,
  write: (text: string) => void,
  metrics: Metrics | undefined,
  telemetry: Telemetry | undefined,
): Service | undefined {
  try {
    return createService({
      settings: { config, warnings: [] },
      openLog: () => openServerLog(config, write),
      createRuntime,
      telemetry,
      ...(metrics && { subscribers: [metrics.events], moreRoutes: metrics.routes }),
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    createLog(write, config.logLevel, config.logFormat).server.critical(error.message);
    return undefined;
  }
}

/** Access records are INFO, and have a threshold of their own unless a logging.json decides. */
function openServerLog(config: Config, write: (text: string) => void, file?: LogOutputs["file"]): Log {
  const log = openLog(config, write, undefined, file);
  const isOn = log.file !== null || config.accessLogLevel === "DEBUG" || config.accessLogLevel === "INFO";
  return isOn ? log : { ...log, access: SILENT };
}

const nothing = (): void => {};
const SILENT: Log["access"] = { debug: nothing, info: nothing, warning: nothing, error: nothing, critical: nothing };

type End = { readonly kind: "signal"; readonly signal: string } | { readonly kind: "fault" } | StartFailure;
type StartFailure = { readonly kind: "start failure"; readonly error: ScoreError };

async function run(
  service: Service,
  metrics: Metrics | undefined,
  reserved: ReservedPort | undefined,
  telemetry: Telemetry | undefined,
  onListening?: () => void,
): Promise<number> {
  const { config, log, runtime, scorer } = service;
  if (config.scriptHost === "in-process" && log.format === "json") Object.assign(console, consoleMethods(log));
  const signals = watchSignals();
  const what = config.model === null ? "score script" : "model";
  const fault = firstFault(log, config.scriptHost === "in-process" ? what : undefined);
  const servers = await createServers(service, metrics);
  try {
    await listen(servers, config.listen, reserved);
  } catch (error) {
    await close(servers, 0);
    process.stderr.write(`scorefn: ${paintFor(process.stderr)("error", "error:")} ${toScoreError(error).message}\n`);
    return EXIT_USAGE;
  }
  onListening?.();
  if (reserved !== undefined) log.server.info(`Listening on port ${reserved.port}, the free one that was picked`);
  const started = runtime.start().finally(() => {
    for (const server of servers) server.reportState?.();
  });
  const never = new Promise<never>(() => {});
  const end: End = await Promise.race([
    signals.first.then((signal) => ({ kind: "signal", signal }) as const),
    fault.then(() => ({ kind: "fault" }) as const),
    started.then(
      () => never,
      (error: unknown) => ({ kind: "start failure", error: toScoreError(error) }) as const,
    ),
  ]);
  const reportSignal = (signal: string): void => {
    const line = recordFormat(config.logFormat);
    process.stderr.write(`${line(Date.now(), "INFO", process.pid, "gunicorn.error", `Handling signal: ${signal}`)}\n`);
  };
  if (end.kind === "signal") reportSignal(end.signal);
  const graceMs = end.kind === "start failure" ? 0 : STOP_GRACE_MS;
  await Promise.race([
    Promise.all([close(servers, graceMs), runtime.close(graceMs)]),
    signals.second.then((signal) => {
      reportSignal(signal);
      return Promise.race([Promise.all([close(servers, 0), runtime.close(0)]), delay(FORCED_END_MS)]);
    }),
  ]);
  scorer.flush();
  if (end.kind === "start failure") {
    telemetry?.startFailed?.(end.error);
    process.stderr.write(`${describeStartFailure(end.error, paintFor(process.stderr), cannotBeServed(config))}\n`);
    return EXIT_SCRIPT;
  }
  return end.kind === "fault" ? EXIT_FAULT : EXIT_OK;
}

/** The health ports first: a probe that finds one closed while the score port is open takes the server for broken. */
async function listen(
  servers: readonly Listening[],
  addresses: readonly Address[],
  reserved: ReservedPort | undefined,
): Promise<void> {
  const pairs = servers.map((server, index) => ({ server, address: addresses[index]! }));
  for (const { server, address } of pairs) if (address.health) await listenAt(server, address);
  for (const { server, address } of pairs) {
    if (!address.health) await listenAt(server, address, address.port === reserved?.port ? reserved : undefined);
  }
}

/** @throws ScoreError `ERR_PORT` */
async function listenAt(server: Listening, address: Address, reserved?: ReservedPort): Promise<void> {
  try {
    await server.listen(address, reserved?.listener);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const holder =
      code === "EADDRINUSE" ? await (await import("./port-holder.ts")).portHolder(address.port) : undefined;
    throw new ScoreError("ERR_PORT", listenProblem(address, cause as NodeJS.ErrnoException, holder), { cause });
  }
}

/** What serves each address of `config.listen`, in that order. */
async function createServers({ config, runtime, scorer, log }: Service, metrics?: Metrics): Promise<Listening[]> {
  const { listen } = config;
  if (!listen.some(({ health }) => health)) return listen.map(() => createHttpServer(scorer, config, log));
  const { HealthServer, maxScoreConnections } = await import("./health/index.ts");
  const limit = maxScoreConnections();
  return listen.map(({ health }) => {
    if (health) return new HealthServer(config, runtime, log, metrics && (() => metrics.figures(runtime)));
    const main = createHttpServer(scorer, config, log);
    if (limit !== undefined) main.server.maxConnections = limit;
    return main;
  });
}

/** A server whatever thread it runs in. */
interface Listening extends Pick<HttpServer, "close"> {
  listen(address: Address, bound?: object): Promise<unknown>;
  /** The runtime's state has changed. */
  reportState?(): void;
}

function close(servers: readonly Listening[], graceMs: number): Promise<unknown> {
  return Promise.all(servers.map((server) => server.close(graceMs)));
}

/** The first signal asks the server to stop in an orderly way, the second to end at once. */
function watchSignals(): { readonly first: Promise<string>; readonly second: Promise<string> } {
  let arrive: (signal: string) => void = () => {};
  let arriveAgain: (signal: string) => void = () => {};
  const first = new Promise<string>((resolve) => {
    arrive = resolve;
  });
  const second = new Promise<string>((resolve) => {
    arriveAgain = resolve;
  });
  let count = 0;
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      count++;
      if (count === 1) arrive(name);
      else arriveAgain(name);
    });
  }
  return { first, second };
}

/** @param holder who has the port, where that is known */
function listenProblem(
  { host, port, health }: Address,
  { code, message }: NodeJS.ErrnoException,
  holder: string | undefined,
): string {
  const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const flag = health ? "--health_port" : "--port";
  if (code === "EADDRINUSE") {
    const by = holder === undefined ? "" : ` by ${holder}`;
    return `port ${port} is in use${by} (${where}); stop what listens there, or choose another with ${flag}`;
  }
  if (code === "EACCES") return `port ${port} needs more rights (${where}); choose one above 1023 with ${flag}`;
  if (code !== undefined && NOT_OURS.has(code)) {
    return `cannot listen on ${where}: ${message}; name an address of this machine with --host`;
  }
  return `cannot listen on ${where}: ${message}`;
}

/** What the system says of an address that is another machine's, or nobody's. */
const NOT_OURS: ReadonlySet<string> = new Set(["ENOTFOUND", "EAI_AGAIN", "EADDRNOTAVAIL"]);
