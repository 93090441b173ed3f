// Models whose answers are known without an engine: those that Triton served when its answers were recorded.
import type { RunOutcome } from "../../../../src/core/types.ts";
import { answerInfer } from "../../../../src/no-code/protocol/infer.ts";
import type { Datatype, Model, Tensor } from "../../../../src/no-code/types.ts";

/** What bodies may have in tests, in bytes. */
export const MAX_BODY_BYTES = 1_048_576;

/** Answers with its input `x` as `y`. */
export function identity(name: string, datatype: Datatype, shape: readonly number[]): Model {
  return {
    facts: {
      name,
      platform: "test",
      versions: [{ version: "1" }],
      inputs: [{ name: "x", datatype, shape }],
      outputs: [{ name: "y", datatype, shape }],
    },
    async infer(_version, inputs) {
      return { version: "1", outputs: inputs.map((input) => ({ ...input, name: "y" })) };
    },
  };
}

/** OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1. */
export const addsub: Model = {
  facts: {
    name: "addsub",
    platform: "test",
    versions: [{ version: "1" }, { version: "3" }],
    inputs: ["INPUT0", "INPUT1"].map((name) => ({ name, datatype: "FP32", shape: [-1, 4] })),
    outputs: ["OUTPUT0", "OUTPUT1"].map((name) => ({ name, datatype: "FP32", shape: [-1, 4] })),
  },
  async infer(version = "3", inputs, wanted) {
    const [a, b] = ["INPUT0", "INPUT1"].map((name) => inputs.find((input) => input.name === name)!);
    const left = a!.data as Float32Array;
    const right = b!.data as Float32Array;
    const outputs: Tensor[] = [
      { name: "OUTPUT0", datatype: "FP32", shape: a!.shape, data: left.map((value, index) => value + right[index]!) },
      { name: "OUTPUT1", datatype: "FP32", shape: a!.shape, data: left.map((value, index) => value - right[index]!) },
    ];
    return { version, outputs: outputs.filter(({ name }) => wanted?.includes(name) ?? true) };
  },
};

const MODELS = [
  addsub,
  identity("idf32", "FP32", [-1, 2]),
  identity("idf64", "FP64", [-1]),
  identity("idint64", "INT64", [-1, 2]),
  identity("idu8", "UINT8", [-1]),
  identity("idbool", "BOOL", [-1]),
  identity("idstr", "BYTES", [-1]),
  identity("idfp16", "FP16", [-1, 2]),
];
const BY_NAME: ReadonlyMap<string, Model> = new Map(MODELS.map((model) => [model.facts.name, model]));

/** Asks for an inference as the worker does. */
export function ask(
  path: string,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
  models: ReadonlyMap<string, Model> = BY_NAME,
): Promise<RunOutcome> {
  const signal = () => new AbortController().signal;
  return answerInfer({ path, body: Buffer.from(body as string), headers, signal }, models, MAX_BODY_BYTES);
}

/** Asks the model of that name for its answer to one input `x`. */
export function askIdentity(model: string, input: object, more: object = {}): Promise<RunOutcome> {
  return ask(`/v2/models/${model}/infer`, JSON.stringify({ inputs: [{ name: "x", ...input }], ...more }));
}

/** The text of the only error that there is for a caller's fault. */
export async function refusal(answer: Promise<RunOutcome>): Promise<string> {
  const error = await answer.then(
    () => new Error("it was answered"),
    (reason: Error) => reason,
  );
  if ((error as { code?: string }).code !== "ERR_BAD_INPUT") throw error;
  return error.message;
}

/** Body and headers of an answer, whichever kind it is; their names in lower case. */
export function read(outcome: RunOutcome): { headers: Record<string, string>; body: Buffer } {
  const body = Buffer.from(outcome.body as Uint8Array);
  if (outcome.kind === "json") return { headers: { "content-type": "application/json" }, body };
  return { headers: Object.fromEntries(outcome.headers.map(([name, value]) => [name.toLowerCase(), value])), body };
}
