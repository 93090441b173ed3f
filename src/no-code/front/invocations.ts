// The routes of MLflow's server, but for what a worker does.
import type { Events } from "../../core/events.ts";
import type { ScoreRuntime, ServedModel } from "../../core/types.ts";
import { VERSION } from "../../core/version.ts";
import type { ResponseSettings } from "../../routes/respond.ts";
import type { Route } from "../../routes/route.ts";
import { createRunner } from "../../routes/score.ts";
import { bareResponse, unavailable } from "./answers.ts";
import { mediaTypeFault, refuseEncoding } from "./encoding.ts";
import { loadedModels, whyNotReady } from "./models.ts";
import { tellInvocations } from "./words.ts";

const PATH = "/invocations";

export function invocationsRoutes(
  settings: ResponseSettings,
  runtime: ScoreRuntime,
  events: Events,
  served: ServedModel,
): readonly Route[] {
  const { run, answer } = createRunner(settings, runtime, events);

  const ping: Route["handle"] = (_request, ids) => {
    const message = whyNotReady(runtime, served, settings);
    if (message === undefined) return bareResponse("\n", ids, settings);
    return unavailable({ error_code: "TEMPORARILY_UNAVAILABLE", message }, ids, settings);
  };

  return [
    {
      path: PATH,
      methods: ["POST", "OPTIONS"],
      logged: true,
      public: false,
      takesBody: true,
      tellError: tellInvocations,
      async handle(request, ids) {
        const fault = mediaTypeFault(request.headers["content-type"], served.kind);
        if (fault !== undefined) throw fault;
        const refusal = refuseEncoding(request, tellInvocations, ids, settings);
        if (refusal !== undefined) return refusal;
        return answer(await run(request, ids, PATH, request.body), request, ids);
      },
    },
    probe("/ping", ping),
    probe("/health", ping),
    // Clients of MLflow's server look for the version of MLflow; where there is none, for the server's.
    probe("/version", async (request, ids) => {
      const engine = served.kind === "mlflow" ? (await loadedModels(runtime, request))[0]?.engineVersion : undefined;
      return bareResponse(engine ?? VERSION, ids, settings);
    }),
  ];
}

function probe(path: string, handle: Route["handle"]): Route {
  const methods = ["GET", "OPTIONS", "HEAD"];
  return { path, methods, logged: false, public: true, takesBody: false, tellError: tellInvocations, handle };
}
