// Nested lists as tensors.
import type { TensorFacts } from "../../core/types.ts";
import type { Datatype, Tensor, TensorData } from "../types.ts";
import { countElements, MAX_RANK } from "./oip-shape.ts";
import { ELEMENTS } from "./table-elements.ts";
import { kindOf, misfit, quoteName, unreadable } from "./table-faults.ts";

/** One input's value: a list, lists of lists, or a single value.
 *  @throws BadInputError that names the input and the place */
export function toTensor(input: TensorFacts, value: unknown): Tensor {
  const datatype = input.datatype as Datatype;
  const shape = outline(input, value);
  const data = ELEMENTS[datatype].create(countElements(shape));
  if (shape.length === 0) fillRow(input, [value], data, 0, undefined);
  else fill(input, value as readonly unknown[], { data, shape, depth: 0, at: 0, path: [] });
  return { name: input.name, datatype, shape: adapted(shape, input.shape), data };
}

/** The lengths of the first list at each depth, which all lists at that depth must have: before any memory is asked for. */
function outline(input: TensorFacts, value: unknown): number[] {
  const shape: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0]) {
    shape.push(inner.length);
    if (shape.length > MAX_RANK)
      throw unreadable(`Input ${quoteName(input.name)} is nested deeper than ${MAX_RANK} lists.`);
  }
  if (shape.includes(0)) throw misfit(`Input ${quoteName(input.name)} has no data: a list is empty.`);
  for (let depth = 1; depth < shape.length; depth++) checkLengths(input, value as unknown[], shape, depth, []);
  return shape;
}

/** Lists of one depth only: those above it have been looked at. */
function checkLengths(
  input: TensorFacts,
  lists: readonly unknown[],
  shape: number[],
  depth: number,
  path: number[],
): void {
  const expected = shape[depth]!;
  for (let index = 0; index < lists.length; index++) {
    const list = lists[index] as readonly unknown[];
    if (path.length + 1 < depth) {
      path.push(index);
      checkLengths(input, list, shape, depth, path);
      path.pop();
    } else if (!Array.isArray(list) || list.length !== expected) {
      const got = Array.isArray(list) ? `a list of ${list.length}` : kindOf(list);
      const place = placeOf([...path, index]);
      throw unreadable(
        `Input ${quoteName(input.name)} is ragged: expected a list of ${expected} at ${place}, got ${got}.`,
      );
    }
  }
}

interface Filling {
  readonly data: TensorData;
  readonly shape: readonly number[];
  depth: number;
  /** Where the next element goes. */
  at: number;
  readonly path: number[];
}

function fill(input: TensorFacts, list: readonly unknown[], filling: Filling): void {
  if (filling.depth === filling.shape.length - 1) {
    fillRow(input, list, filling.data, filling.at, filling.path);
    filling.at += list.length;
    return;
  }
  filling.depth++;
  for (let index = 0; index < list.length; index++) {
    filling.path.push(index);
    fill(input, list[index] as readonly unknown[], filling);
    filling.path.pop();
  }
  filling.depth--;
}

/** @param path undefined: a single value, which has no place */
function fillRow(
  input: TensorFacts,
  row: readonly unknown[],
  data: TensorData,
  at: number,
  path: readonly number[] | undefined,
): void {
  const elements = ELEMENTS[input.datatype as Datatype];
  const wrong = elements.fill(row, data, at);
  if (wrong === -1) return;
  const place = path === undefined ? "" : ` at ${placeOf([...path, wrong])}`;
  const got = kindOf(row[wrong]);
  throw unreadable(`Input ${quoteName(input.name)}: expected ${elements.expected}${place}, got ${got}.`);
}

/** `[0][3]` */
function placeOf(path: readonly number[]): string {
  return path.map((index) => `[${index}]`).join("");
}

/** `[n]` where `[n, 1]` is expected, and the reverse; a single value where one is expected in any number of dimensions. What
 *  fits in no way the model refuses. */
function adapted(shape: readonly number[], expected: readonly number[]): readonly number[] {
  // Of a scalar, or of a model that does not tell its rank.
  if (expected.length === 0) return shape;
  if (shape.length === 0) return expected.every((size) => size === 1 || size === -1) ? expected.map(() => 1) : shape;
  if (shape.length === expected.length - 1 && expected.at(-1) === 1) return [...shape, 1];
  if (shape.length === expected.length + 1 && shape.at(-1) === 1) return shape.slice(0, -1);
  return shape;
}
