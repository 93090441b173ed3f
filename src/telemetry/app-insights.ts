// Application Insights: what goes there besides spans, and what is added to them for it alone.

import type { Config } from "../config/config.ts";
import type { Environment } from "../config/reader.ts";
import type { ScoreError } from "../core/errors.ts";
import { combineEvents, type Events, type RequestHead } from "../core/events.ts";
import type { RequestIds } from "../core/headers.ts";
import type { Log, LogFields } from "../core/log.ts";
import { requestFields } from "../log/fields.ts";
import { modelDataEvents } from "./app-insights-model-data.ts";
import { recordEvents, startFailure } from "./app-insights-records.ts";
import { describeRequest } from "./app-insights-request.ts";
import { createInsights, type Insights } from "./app-insights-sender.ts";
import type { OnRequestSpan } from "./spans.ts";

/** What of the settings counts here. */
export type InsightsConfig = Pick<
  Config,
  | "appInsightsKey"
  | "appInsightsEndpoint"
  | "telemetryLogsResponses"
  | "telemetryLogsModelData"
  | "workspaceName"
  | "hostname"
  | "serviceName"
  | "modelDir"
>;

export interface AppInsights extends Pick<Insights, "processor" | "ended"> {
  readonly events: Events;
  readonly onRequestSpan: OnRequestSpan;
  attach(log: Log): void;
  modelIs(folder: string | null): void;
  startFailed(failure: ScoreError): void;
}

function fieldsOf({ headers }: RequestHead, { requestId, clientRequestId, trace }: RequestIds): LogFields {
  return requestFields(requestId, clientRequestId, headers, trace);
}

/** @param key of the settings */
export function openAppInsights(config: InsightsConfig, key: string, env: Environment): AppInsights {
  const { hostname, workspaceName, serviceName, appInsightsEndpoint, telemetryLogsResponses } = config;
  const names = { hostname, workspaceName, serviceName };
  let log: Log | undefined;
  const tell = {
    warning: (message: string) => log?.server.warning(message),
    info: (message: string) => log?.server.info(message),
  };
  const insights = createInsights({ key, endpoint: appInsightsEndpoint, env, names, tell });
  const send = insights.record;
  let { modelDir } = config;
  const modelData = modelDataEvents(
    names,
    () => modelDir,
    send,
    (message, { request, ids }) =>
      (request.log ?? log)?.trace.info(message, log?.format === "json" ? fieldsOf(request, ids) : undefined),
  );
  return {
    processor: insights.processor,
    ended: insights.ended,
    events: combineEvents([recordEvents(hostname, send), ...(config.telemetryLogsModelData ? [modelData] : [])]),
    onRequestSpan: (span, answered) => insights.describe(span, describeRequest(answered, telemetryLogsResponses)),
    attach(to) {
      log = to;
    },
    modelIs(folder) {
      modelDir = folder;
    },
    startFailed(failure) {
      send(startFailure(hostname, failure));
      log?.trace.info("Waiting for logs to be sent to Application Insights before exit.");
    },
  };
}
