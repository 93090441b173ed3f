// Classifiers of scikit-learn as its converters write them: the last operator, ZipMap, makes of each row of probabilities a
// map from class to probability, which the engine does not hand over (ONNX-11). It is taken out before the model is opened
// (ONNX-13): the output becomes a tensor with a row per sample and a column per class.
import { type Field, fieldsOf, intsOf, LENGTH, lengthField, textOf, varintField } from "./wire.ts";

/** A model without ZipMap. */
export interface Rewritten {
  readonly bytes: Uint8Array;
  /** What became tensors. */
  readonly outputs: readonly ZippedOutput[];
}

export interface ZippedOutput {
  readonly name: string;
  /** In the order of the columns. */
  readonly classes: readonly (bigint | string)[];
}

// Numbers of fields in onnx.proto.
const MODEL = { graph: 7, opsetImport: 8 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const GRAPH = { node: 1, output: 12 } as const;
const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, ints: 8, strings: 9 } as const;
const VALUE = { name: 1, type: 2 } as const;
const TYPE = { tensor: 1 } as const;
const TENSOR = { elementType: 1, shape: 2 } as const;
const SHAPE = { dim: 1 } as const;
const DIM = { value: 1 } as const;
const FLOAT = 1;

/** Of the standard operators, where a model has none: any that knows Identity. */
const STANDARD_OPSET = 13;

/** @returns undefined: there is no ZipMap that makes an output   @throws WireError when the bytes are no message */
export function withoutZipMaps(model: Uint8Array): Rewritten | undefined {
  const fields = [...fieldsOf(model)];
  const graph = fields.find((field) => field.number === MODEL.graph && field.wireType === LENGTH);
  if (graph === undefined) return undefined;
  const rewritten = rewriteGraph(model, graph);
  if (rewritten === undefined) return undefined;
  const parts = fields.flatMap((field) =>
    field === graph ? lengthField(MODEL.graph, rewritten.parts) : [whole(model, field)],
  );
  const hasStandard = fields.some((field) => field.number === MODEL.opsetImport && isStandard(model, field));
  if (!hasStandard) parts.push(...lengthField(MODEL.opsetImport, varintField(OPSET.version, STANDARD_OPSET)));
  return { bytes: Buffer.concat(parts), outputs: rewritten.outputs };
}

function rewriteGraph(model: Uint8Array, graph: Field): { parts: Uint8Array[]; outputs: ZippedOutput[] } | undefined {
  const fields = [...fieldsOf(model, graph)];
  const outputs = new Set(of(fields, GRAPH.output).map((field) => valueName(model, field)));
  const nodes = of(fields, GRAPH.node).map((field) => ({ field, ...readNode(model, field) }));
  // No operator reads what a ZipMap makes.
  const zipMaps = nodes.filter(({ opType, output }) => opType === "ZipMap" && outputs.has(output));
  if (zipMaps.length === 0) return undefined;
  const byField = new Map(zipMaps.map((node) => [node.field, node]));
  const byOutput = new Map(zipMaps.map((node) => [node.output, node]));
  const parts = fields.flatMap((field) => {
    const node = byField.get(field);
    if (node !== undefined) return lengthField(GRAPH.node, identity(node));
    const made = field.number === GRAPH.output ? byOutput.get(valueName(model, field)) : undefined;
    if (made === undefined) return [whole(model, field)];
    return lengthField(GRAPH.output, floatMatrix(made.output, made.classes.length));
  });
  return { parts, outputs: zipMaps.map(({ output, classes }) => ({ name: output, classes })) };
}

interface Node {
  readonly input: string;
  readonly output: string;
  readonly name: string;
  readonly opType: string;
  readonly classes: readonly (bigint | string)[];
}

function readNode(model: Uint8Array, node: Field): Node {
  const fields = [...fieldsOf(model, node)];
  const texts = (number: number): string[] => of(fields, number).map((field) => textOf(model, field));
  const opType = texts(NODE.opType)[0] ?? "";
  const attributes = opType === "ZipMap" ? of(fields, NODE.attribute) : [];
  return {
    input: texts(NODE.input)[0] ?? "",
    output: texts(NODE.output)[0] ?? "",
    name: texts(NODE.name)[0] ?? "",
    opType,
    classes: attributes.flatMap((attribute) => readClasses(model, attribute)),
  };
}

/** Of the attribute `classlabels_int64s` or `classlabels_strings`. */
function readClasses(model: Uint8Array, attribute: Field): (bigint | string)[] {
  const fields = [...fieldsOf(model, attribute)];
  const name = of(fields, ATTRIBUTE.name).map((field) => textOf(model, field))[0] ?? "";
  if (!name.startsWith("classlabels_")) return [];
  return fields.flatMap((field): (bigint | string)[] => {
    if (field.number === ATTRIBUTE.ints) return intsOf(model, field);
    return field.number === ATTRIBUTE.strings ? [textOf(model, field)] : [];
  });
}

function identity({ input, output, name }: Node): Uint8Array[] {
  return [
    ...lengthField(NODE.input, input),
    ...lengthField(NODE.output, output),
    ...lengthField(NODE.name, name),
    ...lengthField(NODE.opType, "Identity"),
  ];
}

/** An output of any number of rows. */
function floatMatrix(name: string, columns: number): Uint8Array[] {
  const shape = [...lengthField(SHAPE.dim, []), ...lengthField(SHAPE.dim, varintField(DIM.value, columns))];
  const tensor = [...varintField(TENSOR.elementType, FLOAT), ...lengthField(TENSOR.shape, shape)];
  return [...lengthField(VALUE.name, name), ...lengthField(VALUE.type, lengthField(TYPE.tensor, tensor))];
}

function valueName(model: Uint8Array, value: Field): string {
  for (const field of fieldsOf(model, value)) {
    if (field.number === VALUE.name) return textOf(model, field);
  }
  return "";
}

function isStandard(model: Uint8Array, opset: Field): boolean {
  const domain = [...fieldsOf(model, opset)].find((field) => field.number === OPSET.domain);
  return domain === undefined || ["", "ai.onnx"].includes(textOf(model, domain));
}

function of(fields: readonly Field[], number: number): Field[] {
  return fields.filter((field) => field.number === number && field.wireType === LENGTH);
}

function whole(bytes: Uint8Array, { from, end }: Field): Uint8Array {
  return bytes.subarray(from, end);
}
