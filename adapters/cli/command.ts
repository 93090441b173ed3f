import {
  type Config,
  type ConfigInput,
  configurationErrorRecord,
  type Flags,
  InvalidSettingsError,
  type LogLevel,
  type Paint,
  type Problem,
  processEnvironment,
  type ResolvedConfig,
  recordFormat,
  resolveConfig,
  ScoreError,
  SETTINGS,
} from "../../src/host.ts";
import type { ReservedPort } from "../http/reserve-port.ts";
import { bannerLines, modelDirLines, ownBannerLines } from "./banner.ts";
import { checkFiles } from "./check-files.ts";
import { type Command, type Program, parseCommandLine, type ToolCommand } from "./command-line.ts";
import { USAGE_ERROR } from "./commands.ts";
import type { Screen } from "./help/page.ts";
import { errorLine } from "./output.ts";
import { platforms } from "./platforms.ts";
import { realPath } from "./real-path.ts";

/** A command about a cloud's build. */
export type TargetCommand = Extract<Command, { kind: "build" | "invoke" }>;

type ServeCommand = Extract<Command, { kind: "serve" }>;

/** What the command needs of the process it runs in. */
export interface CommandHost {
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** Serves until a signal stops it; resolves with the exit code. @param reserved the port that was picked */
  readonly serve: (config: Config, reserved?: ReservedPort) => Promise<number>;
  /** Picks a free port. */
  readonly reservePort: (host: string) => Promise<ReservedPort>;
  /** Has another process serve and resolves with its exit code; with undefined when this one is to serve. */
  readonly delegate?: (flags: Flags) => Promise<number | undefined>;
  /** Builds for a cloud, or tries such a build; resolves with the exit code. @throws ScoreError */
  readonly runTarget: (command: TargetCommand, host: Pick<CommandHost, "write" | "writeError">) => Promise<number>;
  /** Carries out a command that reads its own words; resolves with the exit code. */
  readonly runTool: (command: ToolCommand) => Promise<number>;
  /** What `write` leads to. Default: no terminal. */
  readonly screen?: Screen;
  /** For `writeError`. Default: no colours. */
  readonly paint?: Paint;
  /** Default: the process's own. */
  readonly env?: ConfigInput["env"];
  readonly cwd?: ConfigInput["cwd"];
}

/** Azure's images use `GET /` for readiness as well: a roll-out must not send traffic to a script that still loads. The
 *  reference writes access records whatever the level of its own log is (contract ENV-15, LOG-10). */
const DROP_IN_DEFAULTS = { SCOREFN_ROOT_PROBE: "ready", SCOREFN_ACCESS_LOG_LEVEL: "INFO" };

const NO_SCRIPT = [
  "Error!",
  "Either provide an entry_script using --entry_script or provide a path to the configuration file using --config_file",
];

/** Runs one command line to its end.
 *  @param args without interpreter and program   @returns the exit code (contract PROC-8) */
export async function runCommand(program: Program, args: readonly string[], host: CommandHost): Promise<number> {
  const command = await parseCommandLine(program, args, host.screen);
  if (command.kind === "exit") {
    host.write(command.stdout);
    host.writeError(command.stderr);
    return command.code;
  }

  const fail = (who: string, text: string): void =>
    host.writeError(errorLine(who, text, program === "scorefn" ? host.paint : undefined));
  if (command.kind === "refused") {
    fail(program, command.problem);
    return USAGE_ERROR;
  }

  if (command.kind === "tool") return host.runTool(command);

  if (command.kind !== "serve") {
    try {
      return await host.runTarget(command, host);
    } catch (error) {
      if (!(error instanceof ScoreError)) throw error;
      const texts = error instanceof InvalidSettingsError ? error.problems.map(({ text }) => text) : [error.message];
      for (const text of texts) fail(`${program} ${command.kind}`, text);
      return 1;
    }
  }

  const delegated = await host.delegate?.(command.flags);
  if (delegated !== undefined) return delegated;

  const isDropIn = program === "azmlinfsrv";
  const name = isDropIn ? program : `${program} ${command.kind}`;
  // Asked before the settings are checked, for what is wrong with them is a record, too.
  const { SCOREFN_LOG_FORMAT } = host.env ?? processEnvironment;
  const isJson = (command.flags.log_format ?? SCOREFN_LOG_FORMAT) === "json";
  const toLine = recordFormat(isJson ? "json" : "text");
  const log = (level: LogLevel, message: string) =>
    host.write(`${toLine(Date.now(), level, process.pid, "azmlinfsrv", message)}\n`);
  const logLoaded = (): void => log("INFO", "Loaded logging config from built-in defaults");
  if (isDropIn) logLoaded();
  if (isDropIn && !command.flags.entry_script && !command.flags.config_file) {
    for (const message of NO_SCRIPT) log("ERROR", message);
    return 1;
  }

  try {
    const { config, notices, warnings, reserved } = await resolve(isDropIn, command, host);
    // Before that it would only stand between the line that was typed and what is wrong with it.
    if (!isDropIn) logLoaded();
    const banner = isDropIn ? bannerLines(config) : ownBannerLines(config);
    const lines = [...modelDirLines(config), ...notices, ...banner];
    if (isJson) for (const line of lines.filter((line) => line.trim() !== "")) log("INFO", line);
    else host.write(`${lines.join("\n")}\n`);
    for (const warning of warnings) log("WARNING", warning);
    return await host.serve(config, reserved);
  } catch (error) {
    if (error instanceof InvalidSettingsError) {
      for (const problem of error.problems) {
        if (problem.kind === "launcher") fail(name, problem.text);
        else log(problem.level ?? "CRITICAL", configurationErrorRecord(problem));
      }
      return error.exitCode;
    }
    if (!(error instanceof ScoreError)) throw error;
    fail(name, error.message);
    return 1;
  }
}

/** With `--port 0` everything that names the port, the script's environment included, has to know the one that is picked. */
async function resolve(
  isDropIn: boolean,
  { flags, problems }: ServeCommand,
  host: CommandHost,
): Promise<ResolvedConfig & { reserved?: ReservedPort }> {
  const { env = processEnvironment, cwd = process.cwd() } = host;
  const check = (config: Config, found: readonly Problem[]): readonly Problem[] => [
    ...problems.map((text) => ({ kind: "launcher", text }) as const),
    // The reference's command finds out when it loads the script (contract LOAD-9, CLI-8).
    ...(isDropIn ? [] : checkFiles(config, cwd, found)),
  ];
  const defaults = isDropIn ? DROP_IN_DEFAULTS : undefined;
  const given = { env, cwd, defaults, realPath, host: platforms, check };
  if (isDropIn) return resolveConfig({ ...given, flags });
  const resolved = resolveConfig({ ...given, flags, portRow: ANY_PORT });
  const { config } = resolved;
  if (config.port !== 0) return resolved;
  const reserved = await host.reservePort(config.host);
  return { ...resolveConfig({ ...given, flags: { ...flags, port: String(reserved.port) } }), reserved };
}

/** 0 has the system pick one, which the reference does not know (contract CLI-5). */
const ANY_PORT = { ...SETTINGS.port, min: 0 };
