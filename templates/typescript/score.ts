import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunContext } from "scorefn";

// Azure ML says where the model is, and so does --model_dir; else it is beside this file.
const MODEL_DIR = process.env.AZUREML_MODEL_DIR || join(import.meta.dirname, "model");

interface Model {
  readonly coefficients: Readonly<Record<string, number>>;
  readonly intercept: number;
}

let features: readonly string[];
let weights: readonly number[];
let intercept: number;

/** Loads the model, once in each worker. */
export async function init(): Promise<void> {
  const model: Model = JSON.parse(await readFile(join(MODEL_DIR, "diabetes.json"), "utf8"));
  features = Object.keys(model.coefficients);
  weights = Object.values(model.coefficients);
  intercept = model.intercept;
}

/** Answers one request: gets its body as text, returns what becomes JSON. */
export function run(data: string, context: RunContext): number[] {
  const rows = readRows(data);
  context.logger.info(`scores ${rows.length} rows`);
  return rows.map(predict);
}

function predict(row: readonly number[]): number {
  return row.reduce((sum, value, index) => sum + value * (weights[index] ?? 0), intercept);
}

function readRows(data: string): number[][] {
  const rows = (JSON.parse(data) as { data?: unknown } | null)?.data;
  if (!Array.isArray(rows) || !rows.every(isRow)) {
    throw new TypeError(`the request body needs a member "data" with a list of rows of ${features.length} numbers`);
  }
  return rows;
}

function isRow(row: unknown): row is number[] {
  return Array.isArray(row) && row.length === features.length && row.every(Number.isFinite);
}
