import { inspect } from "node:util";
import { app } from "@azure/functions";
import { type AzureServiceOptions, createAzureService } from "../adapters/azure/service.ts";
import { registerDocs } from "./docs.ts";
import { registerHealth } from "./health.ts";
import { registerLifecycle } from "./lifecycle.ts";
import { registerModels } from "./models.ts";
import { registerScore } from "./score.ts";
import { registerSwagger } from "./swagger.ts";

/** Registers the function app. Must be called while its entry module is loaded; later the host takes no functions. */
export function register(options: AzureServiceOptions): void {
  const service = createAzureService(options);
  registerLifecycle(app, service);
  registerHealth(app, service);
  registerScore(app, service);
  registerSwagger(app, service);
  registerDocs(app, service);
  registerModels(app, service);
  // Otherwise a promise that a script has forgotten would end the process, and with it the requests of others.
  process.on("unhandledRejection", (reason) => console.error(`Unhandled rejection: ${inspect(reason)}`));
}
