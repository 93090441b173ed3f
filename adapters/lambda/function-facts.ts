// What the environment says of the function, as telemetry names it.
import { type Environment, processEnvironment } from "./settings.ts";

/** True on Managed Instances: several requests at a time, and never frozen. */
export function isConcurrent(env: Environment): boolean {
  return env.AWS_LAMBDA_MAX_CONCURRENCY !== undefined;
}

/** True: it was made before anybody waited for it. */
export function isProvisioned(env: Environment): boolean {
  return (env.AWS_LAMBDA_INITIALIZATION_TYPE ?? "on-demand") !== "on-demand";
}

/** Puts what OpenTelemetry says of a function below what the user says, into the variable that OpenTelemetry's libraries read:
 *  ours, and one of the script's own. */
export function addResourceAttributes(env: Environment): void {
  if (env !== processEnvironment) return;
  const attributes = {
    "cloud.provider": "aws",
    "cloud.platform": "aws_lambda",
    "cloud.region": env.AWS_REGION,
    "faas.name": env.AWS_LAMBDA_FUNCTION_NAME,
    "faas.version": env.AWS_LAMBDA_FUNCTION_VERSION,
    "faas.instance": env.AWS_LAMBDA_LOG_STREAM_NAME,
  };
  const own = Object.entries(attributes)
    .filter(([, value]) => value)
    .map(([name, value]) => `${name}=${encodeURIComponent(value!)}`);
  // Of two with the same name the later one counts.
  const given = env.OTEL_RESOURCE_ATTRIBUTES ?? "";
  processEnvironment.OTEL_RESOURCE_ATTRIBUTES = [...own, ...(given === "" ? [] : [given])].join(",");
}
