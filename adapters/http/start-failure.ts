import { type Config, frameWith, type Paint, plainPaint, type ScoreError } from "../../src/host.ts";

/** What went wrong where and what to do, for whoever started the command.
 *  @param paint for whom it is written   @param what could not be done */
export function describeStartFailure(
  error: ScoreError,
  paint: Paint = plainPaint,
  what: string = cannotBeServed({ model: null }),
): string {
  const { report } = error;
  const at = report?.location;
  const place = at ? `${at.file}:${at.line}${at.column === null ? "" : `:${at.column}`}: ` : "";
  const lines = [`scorefn: ${paint("error", "error:")} ${what}: ${place}${error.message}`];
  if (report?.codeFrame !== undefined) lines.push("", frameWith(paint, report.codeFrame), "");
  if (report?.hint !== undefined) lines.push(`hint: ${report.hint}`);
  return lines.join("\n");
}

export function cannotBeServed({ model }: Pick<Config, "model">): string {
  return model === null ? "the score script cannot be served" : `the model ${model.path} cannot be served`;
}
