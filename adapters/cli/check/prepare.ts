// From what a command line names to what is checked.
import { statSync } from "node:fs";
import { basename, dirname, relative } from "node:path";
import type { Output } from "../../../check/output.ts";
import type { FoundRequests } from "../../../check/requests.ts";
import { type CheckOptions, type Outcome, runCheck } from "../../../check/run.ts";
import { addressTarget, baseOf } from "../../../check/targets/address.ts";
import { buildTarget } from "../../../check/targets/build.ts";
import { type RunningScript, scriptTarget } from "../../../check/targets/script.ts";
import type { CheckResult } from "../../../check/types.ts";
import { runCommand, runWithServer } from "../../../check/with-server.ts";
import {
  type Config,
  type Environment,
  type Flags,
  InvalidSettingsError,
  type ResolvedConfig,
  resolveConfig,
} from "../../../src/host.ts";
import { checkFiles } from "../check-files.ts";
import { realPath } from "../real-path.ts";
import type { CheckCommand } from "./command-line.ts";

export interface Surroundings {
  readonly cwd: string;
  readonly env: Environment;
  readonly output: Output;
  readonly isStdoutTaken: boolean;
}

export interface Prepared {
  /** Of what is checked. */
  readonly name: string;
  /** Where the sample and the folder of checks are looked for. */
  readonly folder: string;
  run(found: FoundRequests, onResult: (result: CheckResult) => void): Promise<Outcome>;
}

/** How long an answer may take that does not come, in milliseconds. */
const TIMEOUT_MS = 60_000;

/** @param problems gets what is wrong   @returns undefined: it cannot be checked */
export async function prepare(
  command: CheckCommand,
  around: Surroundings,
  problems: string[],
): Promise<Prepared | undefined> {
  const { what, limits, repetitions, strict, initTimeoutMs, timeoutMs = TIMEOUT_MS } = command;
  const { cwd, env, output, isStdoutTaken } = around;
  const common = (
    found: FoundRequests,
    onResult: (result: CheckResult) => void,
  ): Omit<CheckOptions, "target" | "command"> => ({
    ...{ requests: found.requests, findings: found.findings, limits, repetitions, strict, output, onResult },
  });
  const words = command.command;
  if (what.kind === "address") {
    const target = addressTarget({ url: what.url, headers: what.headers, timeoutMs });
    const port = what.url.port || (what.url.protocol === "https:" ? "443" : "80");
    const run = words && (() => runCommand(baseOf(what.url), port, { command: words, env, isStdoutTaken }));
    return {
      name: target.name,
      folder: cwd,
      run: (found, tell) => runCheck({ ...common(found, tell), target, command: run }),
    };
  }
  if (problems.length > 0 && what.kind === "build") return undefined;
  if (what.kind === "build") {
    const target = await buildTarget({ directory: what.directory, initTimeoutMs, timeoutMs, output });
    return { name: target.name, folder: cwd, run: (found, tell) => runCheck({ ...common(found, tell), target }) };
  }
  const resolved = resolve(what.flags, command, around, problems);
  if (resolved === undefined) return undefined;
  const { config, warnings } = resolved;
  const name = nameOf(config, cwd);
  const target = scriptTarget({ config, warnings, name, initTimeoutMs, output });
  const folder = folderOf(config);
  return {
    name,
    folder,
    run: (found, tell) =>
      runCheck<RunningScript>({
        ...common(found, tell),
        target,
        appRoot: config.appRoot,
        command: words && ((running) => runWithServer(running, { command: words, env, isStdoutTaken })),
      }),
  };
}

function nameOf({ model, entryScript }: Config, cwd: string): string {
  const path = model?.path ?? entryScript;
  return path === null ? "main.py" : relative(cwd, path) || basename(path);
}

/** Of the sample and the checks: the script's, the model's where it is a folder, or the one that it lies in. */
function folderOf({ model, entryScript, appRoot }: Config): string {
  if (model !== null) return statSync(model.path).isDirectory() ? model.path : dirname(model.path);
  return entryScript === null ? appRoot : dirname(entryScript);
}

/** As `scorefn serve` would have it: strict unless a variable says otherwise, with one worker in a process of its own, and
 *  with a limit for run() that fits a check. */
function resolve(
  flags: Flags,
  { timeoutMs }: CheckCommand,
  { cwd, env }: Surroundings,
  problems: string[],
): ResolvedConfig | undefined {
  const limit = timeoutMs === undefined ? {} : { SCORING_TIMEOUT_MS: String(timeoutMs) };
  const given = {
    flags: { ...flags, script_host: "workers", worker_count: "1", host: "127.0.0.1" },
    env: { ...env, ...limit },
    defaults: { SCOREFN_STRICT: "true", SCORING_TIMEOUT_MS: String(TIMEOUT_MS) },
    cwd,
    realPath,
  };
  try {
    const resolved = resolveConfig({ ...given, check: (config, found) => checkFiles(config, cwd, found) });
    return problems.length > 0 ? undefined : resolved;
  } catch (error) {
    if (!(error instanceof InvalidSettingsError) || error.exitCode !== 1) throw error;
    problems.push(...error.problems.map(({ text }) => text.replace("type scorefn serve ", "type scorefn check ")));
    return undefined;
  }
}
