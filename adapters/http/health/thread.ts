// Entry of the thread that serves the health port. It answers liveness and readiness itself, with the same core and the
// same listener as the main thread, and forwards what needs the script to the score port. An event loop, a listening
// socket and a backlog of its own are what keep it answering while the score port is swamped.
import { parentPort, workerData } from "node:worker_threads";
import {
  type Address,
  type Config,
  createEventLog,
  createModelFront,
  createScorer,
  decodePath,
  type Figures,
  fieldsOf,
  type Log,
  type LogFields,
  type Logger,
  metricsRoute,
  type RuntimeState,
  type ScoreError,
  type ScoreRuntime,
  type Scorer,
  type ScriptFacts,
} from "../../../src/host.ts";
import { createHttpServer } from "../index.ts";
import { createForward, isForwarded } from "./forward.ts";
import { type FromHealth, fromPlainError, type LevelName, type LoggerName, type ToHealth } from "./messages.ts";

/** What the thread is started with. */
export interface HealthThreadData {
  readonly config: Omit<Config, "workerEnv">;
  readonly address: Address;
}

/** Takes the place of the runtime, whose state the main thread reports; nothing is run here. */
class ReportedRuntime implements ScoreRuntime {
  state: RuntimeState = "loading";
  initialised = false;
  failure: ScoreError | undefined;
  facts: ScriptFacts | undefined;
  reload: ScoreRuntime["reload"];

  start(): Promise<never> {
    return Promise.reject(new Error("the script does not run in this thread"));
  }

  run(): Promise<never> {
    return this.start();
  }

  async close(): Promise<void> {}
}

function serveHealth({ config, address }: HealthThreadData): void {
  const port = parentPort!;
  const tell = (message: FromHealth): void => port.postMessage(message);
  const runtime = new ReportedRuntime();
  const log = remoteLog(tell, config.logFormat);
  let figures: readonly Figures[] = [];
  const { metricsPath, model } = config;
  const routes = metricsPath === null ? [] : [metricsRoute(metricsPath, config, () => figures)];
  const events = createEventLog(config, log);
  const front = model === null ? undefined : createModelFront(config, runtime, events, model);
  const local = createScorer(config, runtime, events, routes, front);
  const forward = createForward(config.listen.find(({ health }) => !health)!, local);
  const scorer: Scorer = {
    ...local,
    handle: (request) =>
      isForwarded(request.method, decodePath(request.path), model !== null) ? forward(request) : local.handle(request),
  };
  const server = createHttpServer(scorer, config, log);

  port.on("message", (message: ToHealth) => {
    if (message.kind === "close") {
      void server.close(message.graceMs).then(() => tell({ kind: "closed" }));
      return;
    }
    if (message.kind === "figures") {
      figures = [message.figures];
      return;
    }
    runtime.state = message.state;
    runtime.initialised = message.initialised;
    const { models } = message;
    runtime.facts = models && { takes: "model", concurrent: false, models };
    runtime.reload = message.reload === undefined ? undefined : () => message.reload;
    runtime.failure = message.failure === undefined ? undefined : fromPlainError(message.failure);
  });
  server.listen(address).then(
    (bound) => tell({ kind: "listening", port: bound.port }),
    (error: NodeJS.ErrnoException) => tell({ kind: "not-listening", message: error.message, code: error.code }),
  );
}

/** Records are written by the main thread, which alone knows where they go. */
function remoteLog(tell: (message: FromHealth) => void, format: Log["format"]): Log {
  const logger = (name: LoggerName): Logger => {
    const at = (level: LevelName) => (message: string, fields?: LogFields) =>
      tell({ kind: "log", logger: name, level, message, fields });
    return {
      debug: at("debug"),
      info: at("info"),
      warning: at("warning"),
      error: at("error"),
      critical: at("critical"),
    };
  };
  return {
    server: logger("server"),
    script: logger("script"),
    swagger: logger("swagger"),
    print: logger("print"),
    trace: logger("trace"),
    access: logger("access"),
    line: (message) => tell({ kind: "log", logger: "server", level: "info", message }),
    file: null,
    format,
    fields: fieldsOf(format),
  };
}

serveHealth(workerData as HealthThreadData);
