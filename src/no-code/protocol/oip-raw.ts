// A request that is the bytes of its one input and nothing else: the header says that its JSON has 0 bytes.
import type { ModelFacts } from "../../core/types.ts";
import type { Tensor } from "../types.ts";
import { readBinary } from "./oip-binary.ts";
import type { InferRequest } from "./oip-request.ts";
import { badInput, isDatatype, numericType, shown } from "./oip-types.ts";

/** @throws BadInputError when the model does not say what the bytes are */
export function readRawRequest(body: Uint8Array, { name: model, inputs }: ModelFacts): InferRequest {
  const [input] = inputs;
  if (input === undefined || inputs.length !== 1) {
    throw badInput(
      `Raw request must only have 1 input (found 1) to be deduced but got ${inputs.length} inputs in '${model}' model configuration`,
    );
  }
  return { id: undefined, inputs: [deduce(body, input, model)], outputs: undefined, isBinary: () => true };
}

function deduce(body: Uint8Array, { name, datatype, shape }: ModelFacts["inputs"][number], model: string): Tensor {
  const fault = (reason: string) =>
    badInput(`Raw request for model '${model}': the shape of input ${shown(name)}, [${shape}], ${reason}`);
  if (!isDatatype(datatype)) throw fault("has elements of an unknown type");
  if (datatype === "BYTES") {
    // The body is the one text, without its length.
    const ones = shape.map((size) => (size === -1 ? 1 : size));
    if (ones.some((size) => size !== 1)) throw fault("takes more than one text");
    const length = Buffer.alloc(4);
    length.writeUInt32LE(body.length);
    const data = readBinary(Buffer.concat([length, body]), datatype, ones, { input: name, model });
    return { name, datatype, shape: ones, data };
  }
  const open = shape.filter((size) => size === -1).length;
  // The first is then that of a batch.
  const batched = open === 2 && shape[0] === -1;
  if (open > 1 && !batched) throw fault("has more than one dimension of variable size");
  const known = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const bytes = known * numericType(datatype).bytes;
  if (open > 0 && (bytes === 0 || body.length % bytes !== 0)) {
    throw fault(`takes multiples of ${bytes} bytes, got ${body.length}`);
  }
  const deduced = shape.map((size, index) => {
    if (size !== -1) return size;
    return batched && index === 0 ? 1 : body.length / bytes;
  });
  return { name, datatype, shape: deduced, data: readBinary(body, datatype, deduced, { input: name, model }) };
}
