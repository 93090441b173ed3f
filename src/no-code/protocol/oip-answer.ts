// Tensors as the Open Inference Protocol answers them, byte by byte as Triton writes them.
import type { Inferred, Tensor } from "../types.ts";
import { inPieces } from "./long-text.ts";
import { toBinary } from "./oip-binary.ts";
import { badInput, shown } from "./oip-types.ts";

/** @param binary bytes that follow the JSON; empty: it is JSON alone */
export interface InferAnswer {
  readonly json: string;
  readonly binary: readonly Uint8Array[];
}

/** @throws BadInputError for an output that JSON cannot hold */
export function toAnswer(
  model: string,
  id: string | undefined,
  { version, outputs }: Inferred,
  isBinary: (output: string) => boolean,
): InferAnswer {
  const binary: Uint8Array[] = [];
  let json = "{";
  if (id !== undefined) json += `"id":${JSON.stringify(id)},`;
  json += `"model_name":${JSON.stringify(model)},"model_version":${JSON.stringify(version)},"outputs":[`;
  outputs.forEach((output, index) => {
    const { name, datatype, shape } = output;
    if (index > 0) json += ",";
    json += `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join(",")}],`;
    if (isBinary(name)) {
      const bytes = toBinary(output);
      if (bytes.length > 0) binary.push(bytes);
      json += `"parameters":{"binary_data_size":${bytes.length}}}`;
    } else json += `"data":[${renderData(output)}]}`;
  });
  return { json: `${json}]}`, binary };
}

function renderData({ name, datatype, data }: Tensor): string {
  switch (datatype) {
    case "FP16":
      throw badInput(
        `sending FP16 data via JSON is not supported. Please use the binary data format for output ${shown(name).slice(1, -1)}`,
      );
    case "FP32":
    case "FP64":
      return renderFloats(data as Float64Array);
    case "BOOL":
      return renderBooleans(data as Uint8Array);
    case "BYTES":
      return JSON.stringify(data).slice(1, -1);
    default:
      return (data as Int32Array).join(",");
  }
}

/** As RapidJSON writes them: the shortest digits of a double, whole numbers with a fraction, exponents without a plus, NaN
 *  and Infinity as words, which JSON does not know but most readers do. */
function renderFloats(data: Float32Array | Float64Array): string {
  // Takes half as long, and says the same of all others.
  if (!data.some(Number.isInteger)) return data.join(",");
  return inPieces(0, data.length, ",", (from, to) => {
    let text = "";
    for (let index = from; index < to; index++) {
      const value = data[index]!;
      if (index > from) text += ",";
      if (Number.isInteger(value)) text += renderWhole(value);
      else text += value;
    }
    return text;
  });
}

/** From here on JavaScript writes an exponent. */
const EXPONENT_FROM = 1e21;

function renderWhole(value: number): string {
  if (Math.abs(value) >= EXPONENT_FROM) return String(value).replace("+", "");
  return Object.is(value, -0) ? "-0.0" : `${value}.0`;
}

function renderBooleans(data: Uint8Array): string {
  return inPieces(0, data.length, ",", (from, to) => {
    let text = "";
    for (let index = from; index < to; index++) text += (index > from ? "," : "") + String(data[index] !== 0);
    return text;
  });
}
