// POST /invocations as MLflow's server answers it.
import type { RunOutcome, TensorFacts } from "../../core/types.ts";
import { PythonJsonError } from "../../json/python-json.ts";
import { decodeUtf8 } from "../../json/utf8-fault.ts";
import type { ScriptInput } from "../../script/input.ts";
import { readJson } from "../../script/json-body.ts";
import type { Model, Tensor } from "../types.ts";
import { answerTensors, needsExact, type OnNotFinite } from "./table-answer.ts";
import { readCsv } from "./table-csv.ts";
import { listNames, unreadable } from "./table-faults.ts";
import { frameTensors, isObject, recordsFrame, splitTensors, valueTensors } from "./table-frame.ts";

/** @throws BadInputError for whatever is the client's fault */
export async function answerInvocations(
  input: ScriptInput,
  model: Model,
  onNotFinite: OnNotFinite,
): Promise<RunOutcome> {
  return answerTensors(model, readInputs(input, model), "predictions", onNotFinite);
}

function readInputs({ headers, body }: ScriptInput, model: Model): Tensor[] {
  const { inputs } = model.facts;
  // No other type than this and JSON gets here.
  if (isType(headers?.["content-type"] ?? "", "text/csv")) return frameTensors(inputs, readCsv(decodeUtf8(body)));
  const members = parse(body, needsExact(model));
  if (isObject(members)) return tableTensors(inputs, members);
  const what = Array.isArray(members) ? "a list" : `unexpected input type '<class '${pythonTypeOf(members)}'>`;
  throw unreadable(`Invalid input. ${ONE_OF} Received ${what}.`);
}

function isType(header: string, type: string): boolean {
  return header.split(";", 1)[0]!.trim().toLowerCase() === type;
}

function parse(body: Uint8Array, exact: boolean): unknown {
  try {
    return readJson(body, exact);
  } catch (error) {
    if (!(error instanceof PythonJsonError)) throw error;
    const why = `'JSONDecodeError('${error.message}')'`;
    throw unreadable(`Invalid input. Ensure that input is a valid JSON formatted string. Error: ${why}`);
  }
}

const FIELDS = ["instances", "inputs", "dataframe_records", "dataframe_split"] as const;
const ONE_OF = `The input must be a JSON dictionary with exactly one of the input fields {${FIELDS.map((field) => `'${field}'`).join(", ")}}.`;

type Members = Readonly<Record<string, unknown>>;

export function hasTable(members: Members): boolean {
  return FIELDS.some((field) => Object.hasOwn(members, field));
}

/** Of exactly one of MLflow's members; others mean nothing (MLF-10). @throws BadInputError */
export function tableTensors(inputs: readonly TensorFacts[], members: Members): Tensor[] {
  const given = Object.keys(members).filter((name) => (FIELDS as readonly string[]).includes(name));
  if (given.length !== 1) throw unreadable(`${ONE_OF} Received dictionary with input fields: ${listNames(given)}.`);
  checkParams(members.params);
  const value = members[given[0]!];
  switch (given[0]) {
    case "dataframe_split":
      return splitTensors(inputs, checkedSplit(value));
    case "dataframe_records":
      if (Array.isArray(value)) return frameTensors(inputs, recordsFrame(value));
      throw unreadable(`Invalid input. Dataframe records format must be a list of records. Got ${gotOf(value)}.`);
    default:
      return valueTensors(inputs, value);
  }
}

function checkedSplit(value: unknown): Record<string, unknown> {
  if (!isObject(value)) {
    throw unreadable(`Invalid input. Dataframe split format must be a dictionary. Got ${gotOf(value)}.`);
  }
  const names = Object.keys(value);
  if (Object.hasOwn(value, "data") && names.every((name) => SPLIT.has(name))) return value;
  const got = `{${listNames(names).slice(1, -1)}}`;
  throw unreadable(
    `Invalid input. Dataframe split format must have 'data' field and optionally 'columns' and 'index' fields. Got ${got}.'`,
  );
}

const SPLIT: ReadonlySet<string> = new Set(["columns", "index", "data"]);

/** A model of this kind has no parameters, and unknown ones mean nothing (MLF-5). @throws BadInputError */
export function checkParams(params: unknown): void {
  if (params === undefined || params === null || isObject(params)) return;
  throw unreadable(`Parameters must be a dictionary. Got type '${pythonTypeOf(params)}'.`);
}

function gotOf(value: unknown): string {
  if (Array.isArray(value)) return "list";
  return isObject(value) ? "dictionary" : `type <class '${pythonTypeOf(value)}'>`;
}

function pythonTypeOf(value: unknown): string {
  if (value === null) return "NoneType";
  if (Array.isArray(value)) return "list";
  switch (typeof value) {
    case "string":
      return "str";
    case "boolean":
      return "bool";
    case "object":
      return "dict";
    default:
      return typeof value === "bigint" || Number.isInteger(value) ? "int" : "float";
  }
}
