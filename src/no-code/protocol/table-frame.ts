// Tables, and values by name, as the inputs of a model.
import type { TensorFacts } from "../../core/types.ts";
import type { Datatype, Tensor } from "../types.ts";
import { kindOf, listNames, misfit, quoteName, unreadable } from "./table-faults.ts";
import { toTensor } from "./table-tensor.ts";

/** Rows and the names of their columns. */
export interface Frame {
  readonly columns: readonly string[];
  /** Each as long as `columns`. */
  readonly rows: readonly (readonly unknown[])[];
  /** Reads a cell that is text, as in CSV, for an input of that type. Default: cells are as they are. */
  readonly readCell?: ((text: string, datatype: Datatype) => unknown) | undefined;
}

/** Whatever stands for the inputs of a model: a value or nested lists for its only input, records, a split table, or an object
 *  of values by name.
 *  @throws BadInputError */
export function valueTensors(inputs: readonly TensorFacts[], value: unknown): Tensor[] {
  if (Array.isArray(value)) {
    if (isObject(value[0])) return frameTensors(inputs, recordsFrame(value));
    return [toTensor(onlyInput(inputs), value)];
  }
  if (!isObject(value)) {
    if (value === null) throw misfit(`Expected data for ${describeInputs(inputs)}, got null.`);
    return [toTensor(onlyInput(inputs), value)];
  }
  return isSplit(inputs, value) ? splitTensors(inputs, value) : namedTensors(inputs, value);
}

/** `{columns, index?, data}`; without columns the data is the only input's. The index changes nothing.
 *  @throws BadInputError */
export function splitTensors(inputs: readonly TensorFacts[], split: Record<string, unknown>): Tensor[] {
  const { columns, data } = split;
  if (!Array.isArray(data)) throw unreadable(`Expected 'data' to be a list of rows, got ${kindOf(data)}.`);
  if (data.length === 0) throw misfit("The table has no rows.");
  if (columns === undefined || columns === null) {
    if (inputs.length !== 1) throw missing(inputs, []);
    return [toTensor(inputs[0]!, data)];
  }
  if (!Array.isArray(columns)) throw unreadable(`Expected 'columns' to be a list of names, got ${kindOf(columns)}.`);
  const names = columns.map((name: unknown) => {
    if (typeof name !== "string" && typeof name !== "number") {
      throw unreadable(`Expected 'columns' to be a list of names, got one that is ${kindOf(name)}.`);
    }
    return String(name);
  });
  return frameTensors(inputs, { columns: names, rows: rowsOf(data, names) });
}

function rowsOf(data: readonly unknown[], columns: readonly string[]): (readonly unknown[])[] {
  return data.map((row, index) => {
    // One column needs no lists.
    const cells: unknown = columns.length === 1 && !Array.isArray(row) ? [row] : row;
    if (!Array.isArray(cells)) throw unreadable(`Expected row ${index} to be a list, got ${kindOf(row)}.`);
    if (cells.length !== columns.length) {
      throw unreadable(`Row ${index} has ${cells.length} values, but there are ${columns.length} columns.`);
    }
    return cells;
  });
}

/** Objects with the same members, in any order. @throws BadInputError */
export function recordsFrame(records: readonly unknown[]): Frame {
  const [first] = records;
  if (records.length === 0) throw misfit("There are no records.");
  const columns = isObject(first) ? Object.keys(first) : [];
  const rows = records.map((record, index) => {
    if (!isObject(record)) throw unreadable(`Expected record ${index} to be an object, got ${kindOf(record)}.`);
    const row = columns.map((name) => {
      if (!Object.hasOwn(record, name)) throw uneven(index, `no ${quoteName(name)}`);
      return record[name];
    });
    const names = Object.keys(record);
    const extra = names.length > columns.length ? names.find((name) => !columns.includes(name)) : undefined;
    if (extra !== undefined) throw uneven(index, `${quoteName(extra)}, which record 0 has not`);
    return row;
  });
  return { columns, rows };
}

function uneven(index: number, what: string): Error {
  return unreadable(
    `Invalid input. The length of values for each input/column name are not the same: record ${index} has ${what}.`,
  );
}

/** Columns that are named like inputs are these; otherwise they are, in their order, the columns of the only input.
 *  @throws BadInputError */
export function frameTensors(inputs: readonly TensorFacts[], { columns, rows, readCell }: Frame): Tensor[] {
  const cell = (row: readonly unknown[], column: number, { datatype }: TensorFacts): unknown =>
    readCell === undefined ? row[column] : readCell(row[column] as string, datatype as Datatype);
  const [only] = inputs;
  const isMatrix =
    inputs.length === 1 &&
    fitsWidth(only!, columns) &&
    !Array.isArray(rows[0]?.[Math.max(columns.indexOf(only!.name), 0)]);
  if (!isMatrix) {
    const named = inputs.filter(({ name }) => columns.includes(name));
    if (named.length > 0) {
      return named.map((input) => {
        const column = columns.indexOf(input.name);
        if (columns.lastIndexOf(input.name) !== column)
          throw unreadable(`Column ${quoteName(input.name)} occurs twice.`);
        return toTensor(
          input,
          rows.map((row) => cell(row, column, input)),
        );
      });
    }
    // One column, whatever its name, that holds the lists of the only input.
    if (inputs.length !== 1 || columns.length !== 1 || !Array.isArray(rows[0]?.[0])) throw missing(inputs, columns);
    return [
      toTensor(
        only!,
        rows.map((row) => row[0]),
      ),
    ];
  }
  const matrix = readCell === undefined ? rows : rows.map((row) => row.map((_, column) => cell(row, column, only!)));
  return [toTensor(only!, matrix)];
}

/** True: so many columns are the columns of that input, by their number. Where any number will do, a column of its name is more. */
function fitsWidth({ name, shape }: TensorFacts, columns: readonly string[]): boolean {
  if (columns.length === 1 && columns[0] === name) return false;
  if (shape.length === 1) return columns.length === 1;
  // No shape: nothing is known of it.
  const width = shape.length === 0 ? -1 : shape[1];
  if (shape.length > 2) return false;
  return width === -1 ? !columns.includes(name) : width === columns.length;
}

/** Values by the names of inputs, or of the columns of the only input. */
function namedTensors(inputs: readonly TensorFacts[], values: Record<string, unknown>): Tensor[] {
  const names = Object.keys(values);
  const named = inputs.filter(({ name }) => Object.hasOwn(values, name));
  if (inputs.length === 1 && isColumns(inputs[0]!, names, values)) {
    return frameTensors(inputs, { columns: names, rows: columnsToRows(names, values) });
  }
  if (named.length === 0 && inputs.length > 0) throw missing(inputs, names);
  return named.map((input) => toTensor(input, values[input.name]));
}

/** True for flat lists, or single values, as many as the input has columns. */
function isColumns(input: TensorFacts, names: readonly string[], values: Record<string, unknown>): boolean {
  const isFlat = (value: unknown): boolean => !isObject(value) && !(Array.isArray(value) && Array.isArray(value[0]));
  return names.length > 0 && fitsWidth(input, names) && names.every((name) => isFlat(values[name]));
}

function columnsToRows(names: readonly string[], values: Record<string, unknown>): unknown[][] {
  const columns = names.map((name) => {
    const value = values[name];
    return Array.isArray(value) ? (value as unknown[]) : [value];
  });
  const { length } = columns[0]!;
  const odd = columns.findIndex((column) => column.length !== length);
  if (odd !== -1) {
    throw unreadable(
      `Invalid input. The length of values for each input/column name are not the same: ${quoteName(names[0]!)} has ${length}, ${quoteName(names[odd]!)} has ${columns[odd]!.length}.`,
    );
  }
  if (length === 0) throw misfit("The table has no rows.");
  return Array.from({ length }, (_, row) => columns.map((column) => column[row]));
}

/** `data` beside nothing but `columns` and `index`; alone it may be an input's name. */
function isSplit(inputs: readonly TensorFacts[], value: Record<string, unknown>): boolean {
  if (!Object.hasOwn(value, "data")) return false;
  if (Object.keys(value).some((name) => name !== "data" && name !== "columns" && name !== "index")) return false;
  return Object.hasOwn(value, "columns") || !inputs.some(({ name }) => name === "data");
}

function onlyInput(inputs: readonly TensorFacts[]): TensorFacts {
  if (inputs.length !== 1) {
    throw misfit(
      `The model has ${describeInputs(inputs)}: send an object with the data of each by its name, or a table.`,
    );
  }
  return inputs[0]!;
}

/** `input 'x' (FP32 [-1,4])` */
function describeInputs(inputs: readonly TensorFacts[]): string {
  if (inputs.length === 1) {
    const { name, datatype, shape } = inputs[0]!;
    return `input ${quoteName(name)} (${datatype} [${shape.join(",")}])`;
  }
  return `${inputs.length} inputs, ${listNames(inputs.map(({ name }) => name))}`;
}

function missing(inputs: readonly TensorFacts[], got: readonly string[]): Error {
  const names = inputs.map(({ name }) => name);
  const extra = got.filter((name) => !names.includes(name));
  const note = extra.length === 0 ? "" : ` Note that there were extra inputs: ${listNames(extra)}.`;
  return misfit(`Model is missing inputs ${listNames(names)}.${note} The model has ${describeInputs(inputs)}.`);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
