// POST /score as Azure's script for models without code answers it.
import type { RunOutcome } from "../../core/types.ts";
import type { ScriptInput } from "../../script/input.ts";
import { readMembers } from "../../script/json-body.ts";
import type { Model } from "../types.ts";
import { checkParams, hasTable, tableTensors } from "./invocations.ts";
import { answerTensors, needsExact, type OnNotFinite } from "./table-answer.ts";
import { unreadable } from "./table-faults.ts";
import { valueTensors } from "./table-frame.ts";

/** `{"input_data": ..., "params"?: ...}`, answered bare. What MLflow's server takes is taken, too, and answered as there.
 *  @throws BadInputError for whatever is the client's fault */
export async function answerScore(input: ScriptInput, model: Model, onNotFinite: OnNotFinite): Promise<RunOutcome> {
  const members = readMembers(input.body, needsExact(model));
  if (Object.hasOwn(members, "input_data")) {
    checkParams(members.params);
    return answerTensors(model, valueTensors(model.facts.inputs, members.input_data), "bare", onNotFinite);
  }
  if (hasTable(members))
    return answerTensors(model, tableTensors(model.facts.inputs, members), "predictions", onNotFinite);
  throw unreadable("A value is not provided for the 'input_data' parameter.");
}
