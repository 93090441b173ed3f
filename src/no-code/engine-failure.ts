import { ScoreError, ScriptRunError } from "../core/errors.ts";
import { messageOf, stackOf, typeOf } from "../core/thrown.ts";
import type { LoadedScript } from "../script/javascript.ts";

/** The model in this process: what its engine throws is a run that failed, as it is where a worker says so. */
export function withRunErrors(model: LoadedScript): LoadedScript {
  return {
    ...model,
    async run(input) {
      try {
        return await model.run(input);
      } catch (error) {
        throw error instanceof ScoreError ? error : runError(error);
      }
    },
  };
}

function runError(error: unknown): ScriptRunError {
  const message = messageOf(error);
  const report = { type: typeOf(error), message, traceback: stackOf(error), location: null };
  return new ScriptRunError("ERR_SCRIPT_RUN", message, { cause: error, report });
}
