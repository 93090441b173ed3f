// A server that runs for long has from its start what it may need later: it may be out of file descriptors then, and Node
// does not try a module again.
import "./json/query.ts";
import "./routes/script-response.ts";
import "./script/announced.ts";
import "./script/surroundings.ts";
import "./swagger/generate.ts";
import { compose, type Service, type ServiceParts } from "./compose.ts";
import { docsRoutes } from "./docs-page/routes.ts";
import { withModel } from "./model/with-model.ts";
import { createModelFront } from "./no-code/front/model-front.ts";
import { Bursts } from "./routes/bursts.ts";
import { createCors } from "./routes/cors.ts";
import { countedStream } from "./routes/stream-end.ts";

export type { Service, ServiceParts } from "./compose.ts";

/** Puts a service together, the same for every host: settings, then log, runtime and what answers requests. What is wrong with
 *  settings or script is the answer to requests; only what `openLog` throws is passed on. */
export function createService<H extends object>(parts: ServiceParts<H>): Service<H> {
  return compose(parts, {
    createCors,
    withModel,
    docsRoutes,
    createModelFront,
    countStream: countedStream,
    refusals: new Bursts(),
  });
}
