import type { Environment } from "../config/reader.ts";

/** OpenTelemetry's libraries read the variables of the process while they are made: these, for as long. A process that holds
 *  several services has some for each. @param make must not wait */
export function withVariables<T>(env: Environment | undefined, make: () => T): T {
  const own = process.env;
  if (env === undefined || env === own) return make();
  process.env = env;
  try {
    return make();
  } finally {
    process.env = own;
  }
}
