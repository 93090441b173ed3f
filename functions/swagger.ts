import type { app } from "@azure/functions";
import type { AzureService } from "../adapters/azure/service.ts";
import { METHODS } from "./methods.ts";

/** `/swagger.json` */
export function registerSwagger({ http }: typeof app, { handler }: AzureService): void {
  http("swagger", { route: "swagger.json", methods: METHODS, authLevel: "anonymous", handler });
}
