// The Azure Functions host, programming model v4.
import { type AzureService, type AzureServiceOptions, createAzureService as create, createRuntime } from "./service.ts";

export { type AzureOptions, toAzureHandler } from "./handler.ts";
export { createAppLog, type WriteOutside } from "./log.ts";
export type { AzureService, AzureServiceOptions, BuiltScript, CreateRuntime } from "./service.ts";

/** A score script as a function app: the one the settings name, unless `options` say otherwise. Never throws. */
export function createAzureService(options: Partial<AzureServiceOptions> = {}): AzureService {
  return create({ createRuntime, ...options });
}
