// Shapes that callers announce. Nothing is allocated by what they say: only by what has come.
import { badInput, shown } from "./oip-types.ts";

/** Dimensions a tensor may have: as many as numpy takes. Lists are nested no deeper. */
export const MAX_RANK = 64;

/** @throws BadInputError that names the input */
export function readShape(value: unknown, input: string): readonly number[] {
  const fault = (reason: string) => badInput(`Unable to parse 'shape' of input ${shown(input)}: ${reason}`);
  if (value === undefined) throw fault("there is no such member");
  if (!Array.isArray(value)) throw fault(`expected a list of integers, got ${kindOf(value)}`);
  if (value.length > MAX_RANK) throw fault(`it has ${value.length} dimensions, and ${MAX_RANK} is the most`);
  let elements = 1;
  for (let index = 0; index < value.length; index++) {
    const size: unknown = value[index];
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
      throw fault(`expected unsigned integers, got ${numberOrKind(size)} at index ${index}`);
    }
    // An empty dimension does not make up for the others: engines multiply them in an order of their own.
    elements *= size === 0 ? 1 : size;
  }
  if (!Number.isSafeInteger(elements)) throw fault(`[${value}] has more elements than can be counted`);
  return value;
}

export function countElements(shape: readonly number[]): number {
  let elements = 1;
  for (const size of shape) elements *= size;
  return elements;
}

/** Whether data comes in lists of lists, as the shape says; false: it is flat.
 *  @throws BadInputError when its lists are not as long as the shape says */
export function isNested(data: readonly unknown[], shape: readonly number[], input: string): boolean {
  if (!Array.isArray(data[0])) {
    const elements = countElements(shape);
    if (data.length !== elements) {
      throw mismatch(input, `[${shape}] takes ${elements} values, got ${data.length}`);
    }
    return false;
  }
  checkLists(data, shape, 0, input);
  return true;
}

function checkLists(list: readonly unknown[], shape: readonly number[], depth: number, input: string): void {
  if (list.length !== shape[depth]) {
    const takes = shape[depth] === undefined ? "no lists" : `lists of ${shape[depth]}`;
    throw mismatch(input, `[${shape}] takes ${takes} at depth ${depth}, got one of ${list.length}`);
  }
  if (depth === shape.length - 1) return;
  for (const item of list) {
    if (!Array.isArray(item))
      throw mismatch(input, `[${shape}] takes lists at depth ${depth + 1}, got ${kindOf(item)}`);
    checkLists(item, shape, depth + 1, input);
  }
}

/** Calls with each list of elements, in order, and the place of its first element.
 *  @param data nested as `isNested` has found */
export function eachRow(
  data: readonly unknown[],
  rank: number,
  visit: (row: readonly unknown[], at: number) => void,
): void {
  let at = 0;
  const walk = (list: readonly unknown[], depth: number): void => {
    if (depth === rank) {
      visit(list, at);
      at += list.length;
      return;
    }
    for (const item of list) walk(item as readonly unknown[], depth + 1);
  };
  walk(data, 1);
}

/** A number as it is, of anything else what it is. */
export function numberOrKind(value: unknown): string {
  return typeof value === "number" || typeof value === "bigint" ? String(Number(value)) : kindOf(value);
}

/** What a value is in JSON, for messages: what the caller sent stays out of them. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  switch (typeof value) {
    case "object":
      return "an object";
    case "bigint":
      return "a number";
    case "undefined":
      return "nothing";
    default:
      return `a ${typeof value}`;
  }
}

function mismatch(input: string, reason: string) {
  return badInput(
    `Unable to parse 'data' of input ${shown(input)}: Shape does not match true shape of 'data' field: ${reason}`,
  );
}
