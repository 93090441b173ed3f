// A model in place of a score script, for the worker and for the runtime in this process.

import { join } from "node:path";
import { BadInputError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { RunOutcome, ServedModel } from "../core/types.ts";
import type { ScriptInput } from "../script/input.ts";
import type { LoadedScript } from "../script/javascript.ts";
import { answerInfer } from "./protocol/infer.ts";
import { answerInvocations } from "./protocol/invocations.ts";
import { decompress } from "./protocol/oip-encoding.ts";
import { answerScore } from "./protocol/score.ts";
import { guardNotFinite } from "./protocol/table-answer.ts";
import { schemasOf } from "./swagger.ts";
import type { Model } from "./types.ts";

/** Of SCOREFN_MAX_BODY_MB, 2,047 MB: what fits into a frame with its head. */
const LARGEST_BODY_BYTES = 2_047 * 1_048_576;

export interface ModelOptions {
  /** True: results that JSON has no words for are errors; default: they are warned of. */
  readonly strict?: boolean;
  /** Of the log: with `DEBUG` the engine speaks, too. */
  readonly logLevel?: string;
}

/** Loads the model, or the models of a repository, and answers by all protocols.
 *  @throws ScriptLoadError `ERR_MODEL_LOAD` when there is nothing that can be served */
export async function openModel(
  served: ServedModel,
  log: Log,
  { strict = false, logLevel }: ModelOptions = {},
): Promise<LoadedScript> {
  const models = await openAll(served, log, logLevel === "DEBUG");
  const { maxBodyBytes = LARGEST_BODY_BYTES } = served;
  const onNotFinite = guardNotFinite(strict, (message) => log.server.warning(message));
  const byName = new Map(models.map((model) => [model.facts.name, model]));
  const only = models.length === 1 ? models[0] : undefined;
  return {
    facts: {
      takes: "model",
      concurrent: false,
      input: "json",
      models: models.map(({ facts }) => facts),
      ...(only !== undefined && { schemas: schemasOf(only, placeOf(served, only)) }),
    },
    async init() {},
    run(input) {
      const path = input.path ?? "";
      if (path.startsWith("/v2/")) return answerInfer(input, byName, maxBodyBytes);
      return answerAlone(path === "/invocations" ? answerInvocations : answerScore, input, path);
    },
  };

  function answerAlone(answer: typeof answerScore, input: ScriptInput, path: string): Promise<RunOutcome> {
    if (only !== undefined) {
      const encoding = input.headers?.["content-encoding"];
      if (encoding === undefined) return answer(input, only, onNotFinite);
      return decompress(input.body, encoding, maxBodyBytes).then((body) =>
        answer({ ...input, body }, only, onNotFinite),
      );
    }
    const message = `${path} is for a single model, and this server has ${models.length}; ask /v2/models/<name>/infer`;
    return Promise.reject(new BadInputError("ERR_BAD_INPUT", message));
  }
}

/** Where the files of the model lie. */
function placeOf({ kind, path }: ServedModel, { facts }: Model): string {
  return kind === "triton" ? join(path, facts.name) : path;
}

async function openAll(served: ServedModel, log: Log, verbose: boolean): Promise<readonly Model[]> {
  return served.kind === "triton"
    ? (await import("./triton/open-repository.ts")).openRepository(served.path, log, { verbose })
    : [await (await import("./onnx/open-onnx.ts")).openOnnx(served, log, verbose)];
}
