import { randomBytes } from "node:crypto";
import { createFigures } from "../gateway/figures.ts";
import { createGateway } from "../gateway/gateway.ts";
import { createMirror } from "../mirror/index.ts";
import { createPageRoutes } from "../page/index.ts";
import type { EndpointMetrics } from "./metrics.ts";
import type { Front, FrontOptions } from "./types.ts";

/** Bytes of chance in the token of the control page: nobody guesses 24. */
const TOKEN_BYTES = 24;

/** Gateway, figures, mirror and page of one endpoint. */
export function createFront(options: FrontOptions, metrics: EndpointMetrics): Front {
  const { routing, credentials, cloudErrorText, tolerance, ignore, metrics: path, log } = options;
  if (path !== null) metrics.start();
  const since = new Date().toISOString();
  const figures = createFigures();
  const mirror = createMirror({
    options: { tolerance: { relative: 0, absolute: tolerance }, ignore },
    events: figures,
    form: () => routing().form,
  });
  const scorer = createGateway({
    routing,
    credentials,
    mirror,
    events: figures,
    log,
    cloudErrorText,
    ...(path !== null && { page: { path, answer: (request) => metrics.answer(request, routing().targets.values()) } }),
  });
  return {
    scorer,
    since,
    figures: (deployment) => figures.of(deployment),
    forget(deployment) {
      figures.forget(deployment);
      metrics.forget(deployment);
    },
    resetMirror: () => mirror.reset(),
    mirror: () => mirror.report(),
    createPage(control) {
      const token = randomBytes(TOKEN_BYTES).toString("base64url");
      return { scorer: createPageRoutes(control, { token }), path: `/#token=${token}` };
    },
    close: () => mirror.close(),
  };
}
