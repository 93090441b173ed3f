import type { RunOutcome } from "../../core/types.ts";
import type { ScriptInput } from "../../script/input.ts";
import type { Model } from "../types.ts";

/** @throws BadInputError for whatever is the client's fault */
export async function answerScore(input: ScriptInput, model: Model): Promise<RunOutcome> {
  throw new Error(`not yet: ${input.path} ${model.facts.name}`);
}
