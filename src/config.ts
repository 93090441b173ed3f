/** How much of a script's failure the client is told (contract ERR-11). */
export type ErrorDetail = "none" | "location" | "full";

export type LogLevel = "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** Every setting, resolved and checked. Frozen; paths are absolute unless said otherwise. */
export interface Config {
  readonly appRoot: string;
  /** Effective script path; null: module `main` (contract LOAD-2). */
  readonly entryScript: string | null;
  /** `AZUREML_SOURCE_DIRECTORY` as given, relative to the app root. */
  readonly sourceDirectory: string | null;
  /** `AZUREML_MODEL_DIR` exactly as given (contract CLI-9). */
  readonly modelDir: string | null;
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly servicePathPrefix: string;
  /** Limit of one run() in milliseconds; 0: none. */
  readonly scoringTimeoutMs: number;
  readonly workerCount: number;
  /** Requests an async script may have begun at a time, per worker. */
  readonly workerConcurrency: number;
  /** A worker process that has not reported itself after so many milliseconds is killed and replaced. */
  readonly workerTimeoutMs: number;
  /** Requests that may wait for a worker; one more is answered 503. */
  readonly maxQueue: number;
  /** Milliseconds a request may wait for a worker before it is answered 503; 0: no bound. */
  readonly queueTimeoutMs: number;
  /** 0: no limit. */
  readonly maxBodyBytes: number;
  readonly readyPath: string;
  readonly errorDetail: ErrorDetail;
  /** Value of `x-ms-server-version`; null: the header is not sent. */
  readonly serverVersion: string | null;
  readonly logLevel: LogLevel;
  /** `--python`; null: found by the rules of `src/worker/interpreter.ts`. */
  readonly python: string | null;
  readonly host: string;
  readonly port: number;
  /** `workers`: processes of their own; `in-process`: JavaScript in this one. */
  readonly scriptHost: "workers" | "in-process";
  /** What worker processes get as their environment: the effective values (contract ENV-1, ENV-2). */
  readonly workerEnv: Readonly<Record<string, string>>;
}
