import { ConfigError } from "../core/errors.ts";
import type { Setting, SettingName } from "./settings.ts";

/** A value that cannot be used. */
export interface Problem {
  /** `worker`: a CRITICAL record in the form of `configurationErrorRecord` and exit code 3 (contract CFG-8, PROC-8).
   *  `file`: the same for a file, whose text stands alone (CFG-10, SW-8).
   *  `launcher`: one line on stderr and exit code 1 (ENV-13). */
  readonly kind: "worker" | "file" | "launcher";
  /** Of the record, where it is not CRITICAL. */
  readonly level?: "ERROR";
  /** Without the frame of CFG-8. */
  readonly text: string;
  /** The variable that holds the value; undefined: it is a flag's, or a file's. */
  readonly variable?: string | undefined;
  /** Where other checks depend on which setting it is. */
  readonly setting?: SettingName | undefined;
}

/** Everything that is wrong with the settings, found in one go. */
export class InvalidSettingsError extends ConfigError {
  static override readonly className: string = "InvalidSettingsError";
  readonly problems: readonly Problem[];
  /** What the command exits with. */
  readonly exitCode: number;
  constructor(problems: readonly Problem[]) {
    super("ERR_CONFIG", problems.map((problem) => problem.text).join("; "));
    this.problems = problems;
    this.exitCode = problems.some((problem) => problem.kind === "launcher") ? 1 : 3;
  }
}

/** @param value as given   @param reason continues the sentence "<where> ..." or, for worker settings, is CFG-8's own
 *  @param fromFlag whether the flag or the variable was read */
export function settingProblem(
  setting: Setting,
  variable: string,
  value: string,
  reason: string,
  fromFlag: boolean,
): Problem {
  if (setting.scope === "worker") {
    return { kind: "worker", text: `${variable}: ${reason} (environment variable: ${variable})`, variable };
  }
  const where = fromFlag ? `--${setting.flag}` : variable;
  const seen = setting.secret ? "" : `, not ${JSON.stringify(value)}`;
  const cure = fromFlag || setting.flag === null ? "" : ` (or use --${setting.flag})`;
  const text = `${where} ${reason}${seen}${cure}`;
  return { kind: "launcher", text, variable: fromFlag ? undefined : variable };
}

/** Message of the record that reports a problem with a worker setting or a file (contract CFG-8, CFG-10). */
export function configurationErrorRecord(problem: Problem): string {
  if (problem.kind === "file") return problem.text;
  const rule = "=".repeat(51);
  return `\n===============Configuration Error=================\n${problem.text}\n${rule}`;
}
