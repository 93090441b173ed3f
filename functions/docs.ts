import type { app } from "@azure/functions";
import type { AzureService } from "../adapters/azure/service.ts";
import { METHODS } from "./methods.ts";

/** The page to try the script with, where it is asked for. It takes the key that /score takes; a browser does not send one for
 *  what a page loads, which everybody may see. */
export function registerDocs({ http }: typeof app, { config, handler }: AzureService): void {
  if (config.docsPath === null) return;
  const route = config.docsPath.slice(1);
  http("docs", { route, methods: METHODS, authLevel: config.functionsAuthLevel, handler });
  http("docsFiles", { route: `${route}/{file}`, methods: METHODS, authLevel: "anonymous", handler });
}
