import { InvalidSettingsError, ScoreError } from "../../src/host.ts";

/** Why an operation was not carried out; decides the status of the control API and the exit code of the command. */
export type Refusal = "invalid" | "not-found" | "conflict" | "busy" | "failed";

/** An operation on an endpoint that changed nothing: one line with the cause and the cure. */
export class OperationError extends ScoreError {
  static override readonly className: string = "OperationError";
  readonly refusal: Refusal;

  constructor(refusal: Refusal, message: string, cause?: unknown) {
    super("ERR_CONFIG", message, { cause });
    this.refusal = refusal;
  }
}

export function invalid(message: string): OperationError {
  return new OperationError("invalid", message);
}

export function notFound(message: string): OperationError {
  return new OperationError("not-found", message);
}

export function conflict(message: string): OperationError {
  return new OperationError("conflict", message);
}

export function failed(message: string, cause: unknown): OperationError {
  return new OperationError("failed", message, cause);
}

/** What a failed operation says of its cause: place, text, what to do. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof InvalidSettingsError) return error.problems.map(({ text }) => text).join("\n");
  const { report } = error as Partial<ScoreError>;
  const at = report?.location;
  const place = at ? `${at.file}:${at.line}${at.column === null ? "" : `:${at.column}`}: ` : "";
  const lines = [`${place}${error.message}`];
  if (report?.codeFrame !== undefined) lines.push("", report.codeFrame, "");
  if (report?.hint !== undefined) lines.push(`hint: ${report.hint}`);
  return lines.join("\n");
}
