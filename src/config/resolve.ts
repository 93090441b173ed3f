import { resolve } from "node:path";
import type { LogFormat } from "../core/log.ts";
import type { ServedModel } from "../core/types.ts";
import type { LogLevel } from "../log/levels.ts";
import type { SwaggerFile } from "../swagger/served.ts";
import type { HostSettings } from "./host-settings.ts";
import { isLoopbackOnly, resolveListen } from "./listen.ts";
import { mayHaveFiles } from "./places.ts";
import { InvalidSettingsError, type Problem } from "./problems.ts";
import type { Rare } from "./rare.ts";
import { type Environment, environmentLayer, type Flags, flagLayer, SettingsReader } from "./reader.ts";
import { MAX_BODY_MB, type Setting, type SettingName } from "./settings.ts";
import { type Address, METRICS_PATH, OFF } from "./values.ts";
import { exportEnvironment, resolveServerVersion } from "./worker-env.ts";

export type { LogLevel } from "../log/levels.ts";
export type { HostSetting, HostSettings } from "./host-settings.ts";
export { configurationErrorRecord, InvalidSettingsError, type Problem } from "./problems.ts";
export type { Environment, Flags } from "./reader.ts";
export type { Address } from "./values.ts";

/** How much of a script's failure the client sees (contract ERR-11). */
export type ErrorDetail = "none" | "location" | "full";

/** Every setting, resolved and checked. Frozen; paths are absolute unless said otherwise. */
export interface Config {
  readonly appRoot: string;
  /** Effective script path; null: module `main` (contract LOAD-2). */
  readonly entryScript: string | null;
  /** What is served without a script; null: the script is. */
  readonly model: ServedModel | null;
  /** The configuration file that was read; null: none. */
  readonly configFile: string | null;
  /** `AZUREML_SOURCE_DIRECTORY` as given, relative to the app root. */
  readonly sourceDirectory: string | null;
  /** `AZUREML_MODEL_DIR` exactly as given (contract CLI-9). */
  readonly modelDir: string | null;
  /** Where the model is fetched from before the script is loaded; null: it is there. A secret: it may hold a key. */
  readonly modelUri: string | null;
  /** Folder in which fetched models are kept, absolute; null: the user's cache folder. */
  readonly modelCache: string | null;
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly servicePathPrefix: string;
  /** The user's own swagger documents, which replace generated ones. */
  readonly swaggerFiles: readonly SwaggerFile[];
  /** Limit of one run() in milliseconds; 0: none. */
  readonly scoringTimeoutMs: number;
  readonly workerCount: number;
  /** Load the script once, before workers are started. */
  readonly workerPreload: boolean;
  /** Requests an async script may have begun at a time, per worker. */
  readonly workerConcurrency: number;
  /** A worker process that has not reported itself after so many milliseconds is killed and replaced; 0: never. */
  readonly workerTimeoutMs: number;
  /** Requests that may wait for a worker; one more gets 503. */
  readonly maxQueue: number;
  /** Bytes of request bodies that may wait for a worker; 0: no limit. */
  readonly maxQueueBytes: number;
  /** Milliseconds a request may wait for a worker before it gets 503; 0: no limit. */
  readonly queueTimeoutMs: number;
  /** Largest request body; the setting's 0 is what the worker protocol can carry. */
  readonly maxBodyBytes: number;
  readonly readyPath: string;
  /** What 200 of `GET /` means: that the server lives, or that init() has been done. */
  readonly rootProbe: "live" | "ready";
  /** Where Prometheus finds the metrics: on the health port where that is separate, else on every port; null: nowhere. */
  readonly metricsPath: string | null;
  /** Where the page to try the script is; null: nowhere. */
  readonly docsPath: string | null;
  readonly errorDetail: ErrorDetail;
  /** True: what is otherwise warned about is an error. */
  readonly strict: boolean;
  /** Origins that may call from a browser, as given, separated by commas; null: CORS is off. */
  readonly corsOrigins: string | null;
  /** Value of `x-ms-server-version`; null: the header is not sent. */
  readonly serverVersion: string | null;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Threshold of the access records in NCSA style (logger `gunicorn.access`). */
  readonly accessLogLevel: LogLevel;
  /** Port of the debugger a worker connects to before it loads the script; null: none. */
  readonly debugPort: number | null;
  /** Null: nothing is sent to Application Insights. */
  readonly appInsightsKey: string | null;
  /** Where it is sent, without a slash at its end. */
  readonly appInsightsEndpoint: string;
  readonly telemetryLogsResponses: boolean;
  readonly telemetryLogsModelData: boolean;
  readonly workspaceName: string;
  /** Container named in telemetry. */
  readonly hostname: string;
  /** `--python`; null: found by the rules of `src/pool/interpreter.ts`. */
  readonly python: string | null;
  readonly host: string;
  /** `SERVER_PORT`: `--port`, else that of the first address of `listen`. */
  readonly port: number;
  /** Every address to listen on, each with all routes; at least one. */
  readonly listen: readonly Address[];
  /** `workers`: processes of their own; `in-process`: JavaScript in this one. */
  readonly scriptHost: "workers" | "in-process";
  /** What worker processes get as their environment: the effective values (contract ENV-1, ENV-2). */
  readonly workerEnv: Readonly<Record<string, string>>;
}

export interface ConfigInput<H extends object = object> {
  readonly flags?: Flags | undefined;
  readonly env?: Environment | undefined;
  /** Variables that count where neither a flag nor the environment has one: what a host sets otherwise than the table. */
  readonly defaults?: Environment | undefined;
  readonly cwd?: string | undefined;
  /** True: no file is read, for a host that stays up although one of them cannot be used. Default: false. */
  readonly withoutFiles?: boolean | undefined;
  /** Resolves the links of an absolute path as far as it exists (contract CLI-8). Default: leaves it. */
  readonly realPath?: ((path: string) => string) | undefined;
  /** Settings that the host adds. */
  readonly host?: HostSettings<H> | undefined;
  /** The row that `--port` is read by, for a host that takes more than the table's. */
  readonly portRow?: Setting | undefined;
  /** Finds what else is wrong, to be reported with everything else. @param found what is known so far */
  readonly check?: ((config: Config & H, found: readonly Problem[]) => readonly Problem[]) | undefined;
}

export interface ResolvedConfig<H extends object = object> {
  readonly config: Config & H;
  /** Bare lines for stdout, before the banner (contract ENV-12). */
  readonly notices: readonly string[];
  /** Messages of WARNING records on logger `azmlinfsrv`. */
  readonly warnings: readonly string[];
}

const NO_TELEMETRY = { key: null, endpoint: "", notices: [], warnings: [] };

/** Whether an environment holds what `RARE` warns of. */
const hasWarnings = (env: Environment): boolean => env.GUNICORN_CMD_ARGS !== undefined;

const RARE_SETTINGS = [
  "model",
  "modelName",
  "modelUri",
  "appInsightsKey",
  "appInsightsConnection",
  "metrics",
  "docs",
] as const;

/** Whether `RARE` find anything. */
export function needsRare({ flags = {}, env, defaults = {}, cwd = process.cwd() }: Where & Env): boolean {
  const read = new SettingsReader([flagLayer(flags), environmentLayer(env), environmentLayer(defaults)]);
  const isGiven = (name: SettingName): boolean => read.given(name) !== undefined;
  return RARE_SETTINGS.some(isGiven) || [env, defaults].some(hasWarnings) || mayHaveFiles(read, cwd);
}

type Env = { readonly env: Environment };
type Where = Pick<ConfigInput, "flags" | "defaults" | "cwd">;

/** All layers to one configuration.
 *  @param rare undefined: as `needsRare` says, there is nothing for them to find
 *  @throws InvalidSettingsError that names every value that cannot be used */
export function resolveWith<H extends object>(rare: Rare | undefined, input: ConfigInput<H>): ResolvedConfig<H> {
  const { env: given = process.env, defaults = {}, cwd = process.cwd(), realPath = (path) => path } = input;
  const { portRow = "port" } = input;
  const files = input.withoutFiles === true ? undefined : rare;
  const env = { ...defaults, ...given };
  const flags = withAbsolutePaths(input.flags ?? {}, (path) => realPath(resolve(cwd, path)));
  const read = new SettingsReader([flagLayer(flags), environmentLayer(given), environmentLayer(defaults)]);
  const file = files?.loadConfigFile(read, cwd);
  if (file !== undefined) read.addLayer(file.layer);

  const platform = input.host?.listen?.(read, env) ?? {};
  const listen = resolveListen(read, platform, portRow).map((address) => Object.freeze(address));
  const port = read.given("port") === undefined ? (listen[0]?.port ?? 0) : read.integerOrDefault(portRow);
  const telemetry = rare?.checkTelemetry(read) ?? NO_TELEMETRY;
  const appRoot = resolve(cwd, read.text("appRoot") ?? "");
  const entryScript = read.text("entryScript");
  const maxBodyBytes = (read.integerOrDefault("maxBodyMb") || MAX_BODY_MB) * 1_048_576;
  const isGiven = (name: SettingName) => read.given(name) !== undefined;

  const config: Config & H = {
    appRoot,
    entryScript: entryScript ? resolve(appRoot, entryScript) : null,
    model: rare?.findModel(read, cwd, maxBodyBytes) ?? null,
    configFile: file?.path ?? null,
    sourceDirectory: read.text("sourceDirectory"),
    modelDir: read.text("modelDir"),
    modelUri: read.text("modelUri"),
    modelCache: absoluteOrNull(cwd, read.text("modelCache")),
    serviceName: read.textOrDefault("serviceName"),
    serviceVersion: read.textOrDefault("serviceVersion"),
    servicePathPrefix: read.textOrDefault("servicePathPrefix"),
    swaggerFiles: Object.freeze(files?.readSwaggerFiles(appRoot, (problem) => read.problems.push(problem)) ?? []),
    scoringTimeoutMs: read.integerOrDefault("scoringTimeoutMs"),
    workerCount: read.integerOrDefault("workerCount"),
    workerPreload: read.textOrDefault("workerPreload").toLowerCase() === "true",
    workerConcurrency: read.integerOrDefault("workerConcurrency"),
    workerTimeoutMs: read.integerOrDefault("workerTimeout") * 1000,
    maxQueue: read.integerOrDefault("maxQueue"),
    maxQueueBytes: read.integerOrDefault("maxQueueMb") * 1_048_576,
    queueTimeoutMs: read.integerOrDefault("queueTimeoutMs"),
    maxBodyBytes,
    readyPath: read.textOrDefault("readyPath"),
    rootProbe: read.choice("rootProbe"),
    metricsPath: pagePath(read.text("metrics") ?? (listen.some(({ health }) => health) ? METRICS_PATH : null)),
    docsPath: pagePath(read.text("docs")),
    errorDetail: isGiven("errorDetail")
      ? read.choice("errorDetail")
      : isLoopbackOnly(listen, platform)
        ? "location"
        : "none",
    strict: read.boolean("strict"),
    corsOrigins: read.text("corsOrigins"),
    serverVersion: resolveServerVersion(read),
    logLevel: read.choice("logLevel"),
    logFormat: read.choice("logFormat"),
    accessLogLevel: read.choice(isGiven("accessLogLevel") ? "accessLogLevel" : "logLevel"),
    debugPort: read.integer("debugPort"),
    appInsightsKey: telemetry.key,
    appInsightsEndpoint: telemetry.endpoint,
    telemetryLogsResponses: read.boolean("logResponses"),
    telemetryLogsModelData: read.boolean("modelDataCollection"),
    workspaceName: read.textOrDefault("workspaceName"),
    hostname: read.textOrDefault("hostname"),
    python: read.text("python"),
    host: read.textOrDefault("host"),
    port,
    listen: Object.freeze(listen),
    scriptHost: read.choice("scriptHost"),
    workerEnv: Object.freeze(exportEnvironment(read, flags, env, { cwd, port, telemetry: telemetry.key !== null })),
    ...(input.host?.read(read) ?? ({} as H)),
  };
  checkTogether(read, config);
  rare?.checkPages(read, FIXED_ROUTES, config);
  rare?.checkModelUri(read);
  read.problems.push(...(input.check?.(config, read.problems) ?? []));
  if (read.problems.length > 0) throw new InvalidSettingsError(read.problems);
  return {
    config: Object.freeze(config),
    notices: telemetry.notices,
    warnings: [...(file?.warnings ?? []), ...telemetry.warnings, ...(rare?.warningsOf(env) ?? [])],
  };
}

/** This process's own. */
export const processEnvironment: Environment = process.env;

/** Writes the effective environment over this process's own, for a score script that runs in it. */
export function adoptEnvironment(config: Pick<Config, "workerEnv">): void {
  Object.assign(process.env, config.workerEnv);
}

/** The two path flags are relative to the current directory (contract CLI-8, CLI-10). */
function withAbsolutePaths(flags: Flags, toAbsolute: (path: string) => string): Flags {
  const absolute: Record<string, string | undefined> = { ...flags };
  for (const flag of ["entry_script", "config_file"]) {
    const path = flags[flag];
    if (path) absolute[flag] = toAbsolute(path);
  }
  return absolute;
}

function absoluteOrNull(folder: string, path: string | null): string | null {
  return path === null ? null : resolve(folder, path);
}

const FIXED_ROUTES = ["/", "/score", "/swagger.json"];
const JAVASCRIPT = /\.[cm]?[jt]s$/;

/** Rules that need more than the one value. */
function checkTogether(read: SettingsReader, config: Config): void {
  if (!/^\/[^\s?#]*$/.test(config.readyPath)) {
    read.reject("readyPath", "must start with / and hold no blanks, ? or #");
  } else if (FIXED_ROUTES.includes(config.readyPath)) {
    read.reject("readyPath", `must not be one of the server's own routes ${FIXED_ROUTES.join(", ")}`);
  }
  const isPython =
    config.model === null ? !JAVASCRIPT.test(config.entryScript ?? "main.py") : config.model.kind === "mlflow";
  if (config.scriptHost === "in-process" && isPython) {
    const script = config.model?.path ?? config.entryScript ?? "main.py";
    read.reject("scriptHost", `must be workers for ${script}: only JavaScript and TypeScript run in-process`);
  }
}

/** @returns null: the page is off, or nobody has asked for it */
function pagePath(given: string | null): string | null {
  return given?.toLowerCase() === OFF ? null : given;
}
