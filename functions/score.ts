import type { app } from "@azure/functions";
import type { AzureService } from "../adapters/azure/service.ts";
import { METHODS } from "./methods.ts";

/** `/score`, whose key is the only one that is asked for. */
export function registerScore({ http }: typeof app, { config, handler }: AzureService): void {
  http("score", { route: "score", methods: METHODS, authLevel: config.functionsAuthLevel, handler });
}
