// `scorefn build` and `scorefn invoke`, once their flags are read. Loads only the cloud that is asked for.
import { type BuildReport, formatReport } from "../../packaging/report.ts";
import type { CommandHost, TargetCommand } from "./command.ts";
import type { TargetOptions } from "./targets.ts";

/** @returns the exit code   @throws ConfigError that names the cause and the cure */
export async function runTarget(
  command: TargetCommand,
  { write, writeError }: Pick<CommandHost, "write" | "writeError">,
): Promise<number> {
  if (command.kind === "build") {
    const report = await build(command.target, command.options);
    write(`${formatReport(report)}\n`);
    return 0;
  }
  const { directory, data } = command;
  const options = { directory, data, write, writeError };
  return command.target === "aws-lambda"
    ? (await import("../../packaging/aws-lambda/invoke.ts")).invokeLambda(options)
    : (await import("../../packaging/azure-functions/invoke.ts")).invokeAzure(options);
}

// The parser has checked names, kinds and choices; the builders check what the values mean.
async function build(target: TargetCommand["target"], options: TargetOptions): Promise<BuildReport> {
  if (target === "aws-lambda") {
    const { buildLambda } = await import("../../packaging/aws-lambda/build.ts");
    return buildLambda(options as unknown as Parameters<typeof buildLambda>[0]);
  }
  const { buildAzure } = await import("../../packaging/azure-functions/build.ts");
  return buildAzure(options as unknown as Parameters<typeof buildAzure>[0]);
}
