// A model of a repository with its versions, as protocols ask it.
import { BadInputError } from "../../core/errors.ts";
import type { ModelFacts } from "../../core/types.ts";
import { checkInputs, wantedOutputs } from "../onnx/check-request.ts";
import { PLATFORM } from "../onnx/open-onnx.ts";
import type { Model } from "../types.ts";
import type { ModelConfig } from "./config.ts";
import { configJson } from "./config-json.ts";
import { toAnswer, toFeeds } from "./request.ts";
import { toFacts } from "./signature.ts";
import type { OpenVersion, Version } from "./version.ts";

/** @param versions in ascending order   @param config undefined: it cannot be read, so no version is open */
export function modelOf(name: string, config: ModelConfig | undefined, versions: readonly Version[]): Model {
  const open = versions.filter((version): version is OpenVersion => version.failure === undefined);
  const latest = open.at(-1);
  return {
    facts: {
      ...factsOf(name, config, latest),
      versions: versions.map(({ version, failure }) => ({ version, failure })),
    },
    async infer(asked, inputs, outputs) {
      const found = asked === undefined ? latest : open.find(({ version }) => version === asked);
      if (found === undefined) throw notFound(name, asked, versions);
      const { version, session, signature, expected } = found;
      const fetches = wantedOutputs(expected, outputs);
      const feeds = toFeeds(name, signature, inputs);
      checkInputs(expected, feeds);
      return { version, outputs: toAnswer(signature, await session.run(feeds, fetches)) };
    },
  };
}

/** What is the same of all versions in the configuration comes from the greatest that serves where it says nothing. */
function factsOf(
  name: string,
  config: ModelConfig | undefined,
  latest: OpenVersion | undefined,
): Omit<ModelFacts, "versions"> {
  if (config === undefined || latest === undefined) return { name, platform: PLATFORM, inputs: [], outputs: [] };
  const { signature } = latest;
  const facts = toFacts.bind(undefined, signature.maxBatchSize);
  return {
    name,
    platform: PLATFORM,
    inputs: signature.inputs.map(facts),
    outputs: signature.outputs.map(facts),
    config: configJson(name, config, signature),
  };
}

/** In Triton's words (table I). */
function notFound(name: string, asked: string | undefined, versions: readonly Version[]): BadInputError {
  const of = `Request for unknown model: '${name}'`;
  if (asked === undefined) return new BadInputError("ERR_NOT_FOUND", `${of} has no available versions`);
  const isKnown = versions.some(({ version }) => version === asked);
  return new BadInputError("ERR_NOT_FOUND", `${of} version ${asked} is not ${isKnown ? "at ready state" : "found"}`);
}
