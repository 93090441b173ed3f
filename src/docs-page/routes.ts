// The page to try a script with: which paths it has. What answers for them is loaded only where the page is on.
import type { Config } from "../config/config.ts";
import type { ScoreRuntime } from "../core/types.ts";
import { readiness } from "../routes/probes.ts";
import type { Route } from "../routes/route.ts";

/** The settings that the page depends on. */
export type DocsSettings = Pick<Config, "docsPath" | "errorDetail" | "readyPath" | "serverVersion" | "swaggerFiles">;

/** What the page loads, by names below its path; nothing else is served. */
export const PAGE_FILES = ["page.js", "page.css", "icon.svg", "swagger-ui.js", "swagger-ui.css"] as const;

const METHODS = ["GET", "OPTIONS", "HEAD"];

/** @param runtime whose state the page shows   @returns none where the page is off */
export function docsRoutes(settings: DocsSettings, runtime: ScoreRuntime): readonly Route[] {
  const { docsPath } = settings;
  if (docsPath === null) return [];
  const loading = import("./answers.ts");
  // A failure is told to whoever asks.
  loading.catch(() => {});
  const common = { methods: METHODS, logged: false, takesBody: false };
  return [
    {
      ...common,
      path: docsPath,
      public: false,
      handle: async (_request, ids) => (await loading).pageAnswer(docsPath, settings, ids),
    },
    {
      ...common,
      path: `${docsPath}/`,
      public: false,
      handle: async (_request, ids) => (await loading).moved(docsPath, settings, ids),
    },
    {
      ...common,
      path: `${docsPath}/ready`,
      public: true,
      // A page that is open asks every few seconds, which would fill the log.
      handle: (_request, ids) => ({ ...readiness(settings, runtime, ids), isUnrecorded: true }),
    },
    ...PAGE_FILES.map(
      (name): Route => ({
        ...common,
        path: `${docsPath}/${name}`,
        // A browser does not show a key when it loads them, and everybody may know them.
        public: true,
        handle: async (request, ids) => (await loading).fileAnswer(name, request, settings, ids),
      }),
    ),
  ];
}
