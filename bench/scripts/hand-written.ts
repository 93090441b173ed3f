// What one would write to serve a model over the Open Inference Protocol's JSON: for one input, without any checks.
import { createRequire } from "node:module";

interface Tensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}

interface Session {
  run(feeds: object): Promise<Readonly<Record<string, Tensor>>>;
}

interface Engine {
  readonly env: { logLevel: string };
  readonly InferenceSession: { create(model: string, options: object): Promise<Session> };
  readonly Tensor: new (type: string, data: Float32Array, dims: readonly number[]) => Tensor;
}

interface Body {
  readonly inputs: readonly [{ readonly name: string; readonly shape: readonly number[]; readonly data: number[] }];
}

const { BENCH_ENGINE = "", BENCH_MODEL = "" } = process.env;
const engine: Engine = createRequire(BENCH_ENGINE)("onnxruntime-node");
engine.env.logLevel = "error";
let session: Session;

export async function init(): Promise<void> {
  session = await engine.InferenceSession.create(BENCH_MODEL, { intraOpNumThreads: 1 });
}

export async function run(body: string): Promise<unknown> {
  const [{ name, shape, data }] = (JSON.parse(body) as Body).inputs;
  const outputs = await session.run({ [name]: new engine.Tensor("float32", Float32Array.from(data), shape) });
  return {
    model_name: "model",
    model_version: "1",
    outputs: Object.entries(outputs).map(([output, { type, dims, data: values }]) => ({
      name: output,
      datatype: type === "int64" ? "INT64" : "FP32",
      shape: dims,
      data: Array.from(values, Number),
    })),
  };
}
