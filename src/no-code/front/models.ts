// What is known of the models that are served, for whoever answers without asking a worker.

import type { ErrorDetail } from "../../config/config.ts";
import { BadInputError, ERROR_CODES, ScoreError, toScoreError } from "../../core/errors.ts";
import type { ModelFacts, ModelVersionFacts, ScoreRequest, ScoreRuntime, ServedModel } from "../../core/types.ts";
import type { FailedModel } from "../../routes/probes.ts";
import type { ResponseSettings } from "../../routes/respond.ts";
import { whenLoaded } from "../../routes/score.ts";

/** Waits for the models as a request for a script waits for that. @throws ScoreError when there are none */
export async function loadedModels(runtime: ScoreRuntime, request: ScoreRequest): Promise<readonly ModelFacts[]> {
  return (runtime.facts ?? (await whenLoaded(runtime, request))).models ?? [];
}

/** The model with the versions that were asked for. @throws BadInputError `ERR_NOT_FOUND` */
export function findModel(
  models: readonly ModelFacts[],
  name: string,
  version: string | undefined,
): { readonly model: ModelFacts; readonly versions: readonly ModelVersionFacts[] } {
  const model = models.find((one) => one.name === name);
  if (model === undefined)
    throw new BadInputError("ERR_NOT_FOUND", `Request for unknown model: '${name}' is not found`);
  if (version === undefined) return { model, versions: model.versions };
  const versions = model.versions.filter((one) => one.version === version);
  if (versions.length > 0) return { model, versions };
  throw new BadInputError("ERR_NOT_FOUND", `Request for unknown model: '${name}' version ${version} is not found`);
}

/** Those of them that serve. @throws ScoreError `ERR_MODEL_LOAD` when none does */
export function servedVersions(name: string, versions: readonly ModelVersionFacts[]): readonly string[] {
  const served = versions.filter(({ failure }) => failure === undefined).map(({ version }) => version);
  if (served.length > 0) return served;
  const last = versions.at(-1);
  const which = last === undefined ? `model '${name}'` : `model '${name}' version ${last.version}`;
  throw new ScoreError("ERR_MODEL_LOAD", `${which} cannot be served: ${last?.failure ?? "it has no version"}`);
}

/** Why requests cannot be taken, in one sentence that names the model; undefined: they can. */
export function whyNotReady(
  { state, failure, facts }: Pick<ScoreRuntime, "state" | "failure" | "facts">,
  served: ServedModel,
  { errorDetail }: ResponseSettings,
): string | undefined {
  if (state === "ready" || state === "busy") {
    const failed = failedModels(facts?.models ?? [], errorDetail);
    return failed.length === 0 ? undefined : failed.map(failureText).join("; ");
  }
  if (state === "stopping") return "The server is stopping.";
  if (state === "loading") return `Model '${served.name}' is loading.`;
  const { code, message } = toScoreError(failure);
  const { text } = ERROR_CODES[code];
  return `Model '${served.name}' cannot be served: ${errorDetail === "none" && text !== null ? text : message}`;
}

function failureText({ name, version, failure }: FailedModel): string {
  const which = version === undefined ? `Model '${name}'` : `Model '${name}' version ${version}`;
  return `${which} cannot be served${failure === undefined ? "" : `: ${failure}`}`;
}

/** What of a repository cannot be served, while the rest is. */
export function failedModels(models: readonly ModelFacts[], detail: ErrorDetail): readonly FailedModel[] {
  const told = (failure: string): { readonly failure?: string } => (detail === "none" ? {} : { failure });
  return models.flatMap(({ name, versions }): FailedModel[] =>
    versions.length === 0
      ? [{ name, ...told("it has no version") }]
      : versions.flatMap(({ version, failure }) =>
          failure === undefined ? [] : [{ name, version, ...told(failure) }],
        ),
  );
}
