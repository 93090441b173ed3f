import { randomBytes } from "node:crypto";
import { createFigures } from "../gateway/figures.ts";
import { createGateway } from "../gateway/gateway.ts";
import { createMirror } from "../mirror/index.ts";
import { createPageRoutes } from "../page/index.ts";
import type { GatewayEvents } from "../types.ts";
import type { EndpointMetrics } from "./metrics.ts";
import type { Front, FrontOptions } from "./types.ts";

/** Bytes of chance in the token of the control page: nobody guesses 24. */
const TOKEN_BYTES = 24;

/** Gateway, figures, mirror and page of one endpoint. */
export function createFront(options: FrontOptions, metrics: EndpointMetrics): Front {
  const { routing, credentials, tolerance, ignore, metrics: path = null, log } = options;
  const since = new Date().toISOString();
  const figures = createFigures();
  const events = path === null ? figures : both(figures, metrics.start());
  const mirror = createMirror({
    options: { tolerance: { relative: 0, absolute: tolerance }, ignore },
    events,
    form: () => routing().form,
  });
  const scorer = createGateway({
    routing,
    credentials,
    mirror,
    events,
    log,
    cloudErrorText: options.cloudErrorText,
    keepsAuthorization: options.keepsAuthorization === true,
    maxRate: options.maxRate ?? 0,
    ...(path !== null && {
      page: { path, answer: (request) => metrics.answer(request, [...routing().targets.values()]) },
    }),
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

function both(one: GatewayEvents, other: GatewayEvents): GatewayEvents {
  return {
    answered(record) {
      one.answered(record);
      other.answered(record);
    },
  };
}
