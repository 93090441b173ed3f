import type { app } from "@azure/functions";
import type { AzureService } from "../adapters/azure/service.ts";
import { METHODS } from "./methods.ts";

/** Whether the app lives, and whether its script can be called. */
export function registerHealth({ http }: typeof app, { config, handler }: AzureService): void {
  // An empty route would be the function's name.
  http("liveness", { route: "/", methods: METHODS, authLevel: "anonymous", handler });
  http("readiness", { route: config.readyPath.slice(1), methods: METHODS, authLevel: "anonymous", handler });
}
