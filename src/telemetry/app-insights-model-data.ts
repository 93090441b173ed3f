// The record of each run's input and prediction (contract TEL-8, TEL-9).
import type { Events, RequestAnswered } from "../core/events.ts";
import type { Trace } from "../core/trace.ts";
import type { ScriptFacts } from "../core/types.ts";
import { modelsIn } from "./app-insights-models.ts";
import { idProperties, placeIn, SEVERITY, type Send } from "./app-insights-records.ts";
import type { ServiceNames } from "./app-insights-request.ts";
import { shortText } from "./app-insights-text.ts";

const MESSAGE = "model_data_collection";

/** @param modelDir asked for the models once the script is ready
 *  @param written told of each record, so that the log has it, too */
export function modelDataEvents(
  names: ServiceNames,
  modelDir: () => string | null,
  send: Send,
  written: (message: string, answered: RequestAnswered) => void,
): Events {
  let facts: ScriptFacts | undefined;
  let models = "[]";
  /** Of requests that are under way. */
  const inputs = new WeakMap<Trace, string>();
  const responses = new WeakSet<Trace>();
  return {
    scriptReady(ready) {
      facts = ready.facts;
      models = JSON.stringify(modelsIn(modelDir()));
    },
    runBegun({ call: { trace, body } }) {
      const text = trace && shortText(body);
      if (text !== undefined) inputs.set(trace!, inputText(text, facts));
    },
    responseFromScript({ ids: { trace } }) {
      if (trace !== undefined) responses.add(trace);
    },
    requestAnswered(answered) {
      const { ids, response } = answered;
      const { trace } = ids;
      const input = trace && inputs.get(trace);
      if (trace === undefined || response.ran === undefined || response.errorCode !== undefined) return;
      const prediction = predictionText(response.body);
      const status: Record<string, string> = responses.has(trace) ? { "Response Status": String(response.status) } : {};
      if (prediction === undefined && !responses.has(trace)) return;
      send({
        time: Date.now(),
        severity: SEVERITY.INFO,
        message: MESSAGE,
        properties: {
          "Container Id": names.hostname,
          ...idProperties(ids),
          "Workspace Name": names.workspaceName,
          "Service Name": names.serviceName,
          Models: models,
          ...(input !== undefined && { Input: input }),
          ...(prediction !== undefined && { Prediction: prediction }),
          ...status,
        },
        place: placeIn(ids),
      });
      written(MESSAGE, answered);
    },
  };
}

/** The argument of run() as JSON: a string of its own, or the object that the body says. */
function inputText(body: string, facts: ScriptFacts | undefined): string {
  return facts?.input === "json" ? body : shortJson(body);
}

function predictionText(body: RequestAnswered["response"]["body"]): string | undefined {
  return typeof body === "string" || body instanceof Uint8Array ? shortText(body) : undefined;
}

/** Escapes make it longer. */
function shortJson(text: string): string {
  return shortText(JSON.stringify(text)) ?? "";
}
