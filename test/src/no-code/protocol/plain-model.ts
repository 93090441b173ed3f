// A model without an engine, for what is made of requests and of results.
import { BadInputError } from "../../../../src/core/errors.ts";
import type { TensorFacts } from "../../../../src/core/types.ts";
import { answerInvocations } from "../../../../src/no-code/protocol/invocations.ts";
import { answerScore } from "../../../../src/no-code/protocol/score.ts";
import type { Model, Tensor } from "../../../../src/no-code/types.ts";

export interface PlainModel extends Model {
  /** The tensors of the last request. */
  readonly seen: () => readonly Tensor[];
}

/** `a FP32 -1,4`: name, datatype, and shape unless it is a scalar. */
export function facts(text: string): TensorFacts {
  const [name, datatype, shape] = text.split(" ") as [string, string, string?];
  return { name, datatype, shape: shape === undefined ? [] : shape.split(",").map(Number) };
}

/** @param compute default: gives the inputs back */
export function plainModel(
  inputs: readonly string[],
  compute: (given: readonly Tensor[]) => readonly Tensor[] = (given) => given,
): PlainModel {
  const expected = inputs.map(facts);
  let seen: readonly Tensor[] = [];
  return {
    facts: {
      name: "m",
      platform: "onnxruntime_onnx",
      versions: [{ version: "1" }],
      inputs: expected,
      outputs: expected,
    },
    seen: () => seen,
    async infer(_version, given) {
      for (const { name, shape } of expected) {
        const tensor = given.find((each) => each.name === name);
        if (tensor === undefined) throw new BadInputError("ERR_BAD_INPUT", `input '${name}' is missing`);
        const isSame =
          tensor.shape.length === shape.length && shape.every((size, at) => [-1, tensor.shape[at]].includes(size));
        if (shape.length > 0 && !isSame) {
          throw new BadInputError("ERR_BAD_INPUT", `input '${name}': expected [${shape}], got [${tensor.shape}]`);
        }
      }
      seen = given;
      return { version: "1", outputs: compute(given) };
    },
  };
}

const request = (body: string | Uint8Array, headers: Record<string, string>) => ({
  body: typeof body === "string" ? Buffer.from(body) : body,
  headers,
  signal: () => new AbortController().signal,
});

/** What the client gets, or the message of the refusal. */
export interface Answer {
  readonly status: 200 | 400;
  readonly text: string;
  /** MLflow's word for the refusal. */
  readonly code?: string;
}

async function told(outcome: ReturnType<typeof answerScore>): Promise<Answer> {
  try {
    const { kind, body } = await outcome;
    if (kind !== "json") throw new Error(`a model's answer is ${kind}`);
    return { status: 200, text: String(body) };
  } catch (error) {
    if (!(error instanceof BadInputError) || error.code !== "ERR_BAD_INPUT") throw error;
    return { status: 400, text: error.message, code: error.report?.type ?? "INVALID_PARAMETER_VALUE" };
  }
}

const ignore = () => {};

export function score(model: Model, body: string | Uint8Array): Promise<Answer> {
  return told(answerScore({ ...request(body, { "content-type": "application/json" }), path: "/score" }, model, ignore));
}

export function invoke(model: Model, body: string | Uint8Array, type = "application/json"): Promise<Answer> {
  return told(answerInvocations({ ...request(body, { "content-type": type }), path: "/invocations" }, model, ignore));
}
