import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { RunContext } from "scorefn";

// Azure ML says where the model is, and so does --model_dir; else it is beside this file.
const MODEL_DIR = process.env.AZUREML_MODEL_DIR || join(import.meta.dirname, "model");
const FEATURES = 10;
let session: InferenceSession;

/** Loads the model, once in each worker. */
export async function init(): Promise<void> {
  session = await InferenceSession.create(join(MODEL_DIR, "diabetes.onnx"));
}

/** Answers one request: gets its body as text, returns what becomes JSON. */
export async function run(data: string, context: RunContext): Promise<number[]> {
  const rows = readRows(data);
  const input = new Tensor("float32", Float32Array.from(rows.flat()), [rows.length, FEATURES]);
  const { predictions } = await session.run({ rows: input });
  context.logger.info(`scored ${rows.length} rows`);
  return Array.from(predictions?.data as Float32Array);
}

function readRows(data: string): number[][] {
  const rows = (JSON.parse(data) as { data?: unknown } | null)?.data;
  if (!Array.isArray(rows) || !rows.every(isRow)) {
    throw new TypeError(`the request body needs a member "data" with a list of rows of ${FEATURES} numbers`);
  }
  return rows;
}

function isRow(row: unknown): row is number[] {
  return Array.isArray(row) && row.length === FEATURES && row.every(Number.isFinite);
}
