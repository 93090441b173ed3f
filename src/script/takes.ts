import { isRawHttp } from "../authoring/authoring.ts";
import { markerOf } from "../authoring/marker.ts";
import type { ScriptTakes } from "../core/types.ts";

/** Finds out what run() wants to be handed, so that nothing else is framed and built for it. When in doubt, more. */
export function scriptTakes(run: (...args: never[]) => unknown): ScriptTakes {
  if (isRawHttp(run)) return "request";
  const declared = markerOf(run);
  if (declared !== undefined) return scriptTakes(declared.run);
  if (run.length > 1) return "headers";
  const source = Function.prototype.toString.call(run);
  const onlyData = ONE_PLAIN_PARAMETER.test(source) && !/\barguments\b/.test(source);
  return onlyData ? "body" : "headers";
}

// function run(data) {…}, async (data) => …, data => …, run(data) {…}, async* run(data) {…}, ({ data, k = 1 }) => …; a
// default or a rest parameter hides further ones from `run.length` and does not match.
const ONE_PLAIN_PARAMETER =
  /^(?:async\b\s*)?(?:function\b\s*\*?\s*[\w$]*|\*?\s*[\w$]+)?\s*(?:\(\s*(?:[\w$]*|\{[^{}()"'`/]*\}\s*,?)\s*\)|[\w$]+\s*=>)/;
