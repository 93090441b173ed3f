import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError } from "../core/errors.ts";
import type { Log, LogFormat } from "../core/log.ts";
import { PythonJsonError, readPythonJson } from "../json/python-json.ts";
import { createConfiguredLog } from "./configured.ts";
import { createLog } from "./create.ts";
import { forWorker, isMembers, readDictConfig } from "./dict-config.ts";
import { printable } from "./format.ts";
import type { LogLevel } from "./levels.ts";
import { type LogOutputs, processOutputs } from "./outputs.ts";

/** Name of the file that sets a log up. */
export const LOGGING_FILE_NAME = "logging.json";

/** What of the settings a log depends on. */
export interface LogSettings {
  readonly appRoot: string;
  readonly entryScript: string | null;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** The log of a server: set up by the user's `logging.json` when there is one, else built in (contract LOG-5).
 *  @param stdout gets whole lines, each ending with a newline, and the level of each
 *  @param stderr the same for handlers that a `logging.json` has write there; default: the process's own
 *  @param file opens the files that it names; default: anew
 *  @throws ConfigError whose message is the record to write before the server ends (contract LOG-6) */
export function openLog(
  config: LogSettings,
  stdout: LogOutputs["stdout"],
  stderr?: LogOutputs["stderr"],
  file?: LogOutputs["file"],
): Log {
  const { logFormat: format } = config;
  const path = findLoggingFile(config);
  if (path === undefined) return createLog(stdout, config.logLevel, format);
  try {
    const content = parseFile(path);
    // Its handlers write lines of their own.
    const outputs = processOutputs((text, level) => stdout(printable(text), level), format);
    const { log, ignored } = createConfiguredLog(readDictConfig(content), {
      threshold: config.logLevel,
      outputs: { ...outputs, ...(stderr && { stderr }), ...(file && { file }) },
      format,
      file: { path, forWorkers: isMembers(content) ? forWorker(content) : {} },
    });
    if (format === "json")
      log.server.warning(`${path}: --log_format json has no effect on the handlers that it sets up`);
    for (const what of ignored) log.server.warning(`${path}: not supported for the server's own records: ${what}`);
    return log;
  } catch (cause) {
    throw new ConfigError("ERR_CONFIG", `Invalid config file!: ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** The log of a worker process that runs JavaScript. @param content what the server's HELLO says of `logging.json` */
export function openWorkerLog(
  content: unknown,
  threshold: LogLevel,
  stdout: LogOutputs["stdout"],
  format: LogFormat = "text",
): Log {
  if (content === null || content === undefined) return createLog(stdout, threshold, format);
  const options = { threshold, outputs: processOutputs(stdout, format), format, file: null };
  return createConfiguredLog(readDictConfig(content), options).log;
}

function findLoggingFile({ appRoot, entryScript }: Pick<LogSettings, "appRoot" | "entryScript">): string | undefined {
  const folders = entryScript === null ? [appRoot] : [appRoot, dirname(realPath(entryScript))];
  return folders
    .map((folder) => join(folder, LOGGING_FILE_NAME))
    .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function parseFile(path: string): unknown {
  const text = readFileSync(path, "utf8");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`it is not JSON: ${whyNotJson(text) ?? (error as Error).message}`, { cause: error });
  }
}

/** In the words of Python, which name line and column. */
function whyNotJson(text: string): string | undefined {
  try {
    readPythonJson(text);
    return undefined;
  } catch (error) {
    return error instanceof PythonJsonError ? error.message : undefined;
  }
}
