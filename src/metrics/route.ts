import { contractHeaders, type Header } from "../core/headers.ts";
import type { Route } from "../routes/route.ts";
import { expose } from "./exposition.ts";
import type { Figures } from "./families.ts";

/** The page that Prometheus reads.
 *  @param figures the latest ones; none yet: empty */
export function metricsRoute(
  path: string,
  settings: { readonly serverVersion: string | null },
  figures: () => readonly Figures[],
): Route {
  return {
    path,
    methods: ["GET", "OPTIONS", "HEAD"],
    logged: false,
    public: false,
    takesBody: false,
    async handle(request, ids) {
      const { contentType, text } = await expose(figures(), request.headers.accept, Date.now());
      const headers: Header[] = [
        ["Content-Type", contentType],
        ["Vary", "Accept"],
        ...contractHeaders(ids, settings.serverVersion),
      ];
      return { status: 200, headers, body: text };
    },
  };
}
