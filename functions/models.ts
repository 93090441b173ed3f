import type { app } from "@azure/functions";
import type { AzureService } from "../adapters/azure/service.ts";
import { METHODS } from "./methods.ts";

/** What a model that is served without a script has besides. Scoring takes the key that /score takes, and so does all below
 *  `/v2` but its probes: the host and the core may read a path that is written oddly in two ways. */
export function registerModels({ http }: typeof app, { config, handler }: AzureService): void {
  if (config.model === null) return;
  const keyed = { methods: METHODS, authLevel: config.functionsAuthLevel, handler };
  const open = { methods: METHODS, authLevel: "anonymous", handler } as const;
  http("inference", { route: "v2/{*rest}", ...keyed });
  http("inferenceHealth", { route: "v2/health/{probe}", ...open });
  http("invocations", { route: "invocations", ...keyed });
  for (const name of ["ping", "health", "version"]) http(name, { route: name, ...open });
}
