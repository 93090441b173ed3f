// Runs a model for a table, and writes what it gives as `json.dumps` would.
import { ResultError } from "../../core/errors.ts";
import type { RunOutcome } from "../../core/types.ts";
import { quote, renderFloat } from "../../json/renderer.ts";
import type { Datatype, Model, Tensor, TensorData } from "../types.ts";
import { fromHalf } from "./half.ts";
import { asAnswer, inPieces } from "./long-text.ts";

/** How the outputs are handed over: bare, as Azure's script does, or as MLflow's server does. */
export type Wrapping = "bare" | "predictions";

/** Called for each NaN or infinity of an answer. JSON has no words for them, so they are null: what stands for a missing number
 *  in requests, too. MLflow's server writes them as Python does, which few clients can read. /v2 has them in binary tensors. */
export type OnNotFinite = () => void;

/** As with results of scripts: a warning of the first, or where it is strict an error each time. */
export function guardNotFinite(strict: boolean, warn: (message: string) => void): OnNotFinite {
  const what = "The model returned NaN or Infinity; the client gets null, for JSON has neither.";
  const cure = "Have the model return other values there, or ask for binary tensors.";
  let isKnown = false;
  return () => {
    if (strict) throw new ResultError("ERR_RESULT", `${what} ${cure}`);
    if (isKnown) return;
    isKnown = true;
    warn(`${what} ${cure} With --strict it would be a 500.`);
  };
}

/** @throws BadInputError, whatever the engine or `onNotFinite` throws */
export async function answerTensors(
  model: Model,
  inputs: readonly Tensor[],
  wrapping: Wrapping,
  onNotFinite: OnNotFinite,
): Promise<RunOutcome> {
  const startedAt = performance.now();
  const { outputs } = await model.infer(undefined, inputs, undefined);
  const execMs = performance.now() - startedAt;
  const body = asAnswer(() => {
    const text = renderOutputs(outputs, onNotFinite);
    return wrapping === "bare" ? text : `{"predictions": ${text}}`;
  });
  return { kind: "json", body, execMs };
}

/** True where an integer that is too long for a number would lose digits. */
export function needsExact(model: Model): boolean {
  return model.facts.inputs.some(({ datatype }) => datatype === "INT64" || datatype === "UINT64");
}

/** One output is nested lists; several are an object of them by name (MLF-26). */
function renderOutputs(outputs: readonly Tensor[], onNotFinite: OnNotFinite): string {
  if (outputs.length === 1) return renderTensor(outputs[0]!, onNotFinite);
  return `{${outputs.map((output) => `${quote(output.name)}: ${renderTensor(output, onNotFinite)}`).join(", ")}}`;
}

function renderTensor({ datatype, shape, data }: Tensor, onNotFinite: OnNotFinite): string {
  const write = WRITERS[datatype];
  if (shape.length === 0) return write(data, 0, 1, onNotFinite);
  const row = shape.at(-1)!;
  let at = 0;
  const renderLists = (depth: number): string => {
    if (depth === shape.length - 1) {
      at += row;
      return `[${inPieces(at - row, at, ", ", (from, to) => write(data, from, to, onNotFinite))}]`;
    }
    const lists = inPieces(0, shape[depth]!, ", ", (from, to) => {
      let some = "";
      for (let index = from; index < to; index++) some += (index > from ? ", " : "") + renderLists(depth + 1);
      return some;
    });
    return `[${lists}]`;
  };
  return renderLists(0);
}

type Write = (data: TensorData, from: number, to: number, onNotFinite: OnNotFinite) => string;

const NOT_FINITE = "null";

/** From here on numbers with a fraction, all of which are below 2^53, are spelled alike in JavaScript and in Python. */
const MIN_ALIKE = 1e-4;

function areAlike(numbers: Float64Array, from: number, to: number): boolean {
  for (let index = from; index < to; index++) {
    const value = numbers[index]!;
    if (!(Math.abs(value) >= MIN_ALIKE) || Number.isInteger(value) || !Number.isFinite(value)) return false;
  }
  return true;
}

const writeFloats: Write = (data, from, to, onNotFinite) => {
  const numbers = data as Float64Array;
  // In one go it takes half of the time.
  if (areAlike(numbers, from, to)) return numbers.subarray(from, to).join(", ");
  let text = "";
  for (let index = from; index < to; index++) {
    const value = numbers[index]!;
    if (index > from) text += ", ";
    if (Number.isFinite(value)) text += renderFloat(value);
    else {
      onNotFinite();
      text += NOT_FINITE;
    }
  }
  return text;
};

const writeIntegers: Write = (data, from, to) => {
  let text = "";
  for (let index = from; index < to; index++) text += (index === from ? "" : ", ") + String(data[index]);
  return text;
};

const writeHalves: Write = (data, from, to, onNotFinite) =>
  writeFloats(Float64Array.from((data as Uint16Array).subarray(from, to), fromHalf), 0, to - from, onNotFinite);

const writeBooleans: Write = (data, from, to) => {
  let text = "";
  for (let index = from; index < to; index++) {
    text += (index === from ? "" : ", ") + (data[index] === 0 ? "false" : "true");
  }
  return text;
};

const writeTexts: Write = (data, from, to) => (data as readonly string[]).slice(from, to).map(quote).join(", ");

const WRITERS: Readonly<Record<Datatype, Write>> = {
  BOOL: writeBooleans,
  UINT8: writeIntegers,
  UINT16: writeIntegers,
  UINT32: writeIntegers,
  UINT64: writeIntegers,
  INT8: writeIntegers,
  INT16: writeIntegers,
  INT32: writeIntegers,
  INT64: writeIntegers,
  FP16: writeHalves,
  FP32: writeFloats,
  FP64: writeFloats,
  BYTES: writeTexts,
};
