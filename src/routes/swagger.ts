import { ScoreError } from "../core/errors.ts";
import { messageHeaders } from "../core/headers.ts";
import type { ScoreRuntime, ScriptFacts } from "../core/types.ts";
import type { SwaggerBook, SwaggerBookOptions } from "../swagger/generate.ts";
import { errorResponse, type ResponseSettings } from "./respond.ts";
import type { Route } from "./route.ts";
import { whenLoaded } from "./score.ts";

/** The settings that stand in the documents. */
export type SwaggerSettings = Omit<SwaggerBookOptions, "schemas"> & ResponseSettings;

export function swaggerRoute(settings: SwaggerSettings, runtime: ScoreRuntime): Route {
  let book: SwaggerBook | undefined;
  let describes: ScriptFacts | undefined;
  return {
    path: "/swagger.json",
    methods: ["GET", "OPTIONS", "HEAD"],
    logged: true,
    public: false,
    takesBody: false,
    async handle(request, ids) {
      const facts = runtime.facts ?? (await whenLoaded(runtime, request));
      if (book === undefined || facts !== describes) {
        // Most services are never asked.
        const { createSwaggerBook } = await import("../swagger/generate.ts");
        book = createSwaggerBook({ ...settings, schemas: facts.schemas });
        describes = facts;
      }
      const found = book.lookup(request.query);
      if (found instanceof ScoreError) return errorResponse(found, ids, settings);
      return { status: 200, headers: messageHeaders(ids, settings.serverVersion, false), body: found };
    },
  };
}
