import { ConfigError } from "../../src/host.ts";

/** @param message what cannot be used, and what to do: one line */
export function problem(message: string): ConfigError {
  return new ConfigError("ERR_CONFIG", message);
}
