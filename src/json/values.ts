/** What Python's `json.loads` gives, without loss: integers beyond the safe range are bigints, floats are `PyFloat`,
 *  objects are Maps because a plain object would reorder keys that look like integers. */
export type PyValue = null | boolean | string | number | bigint | PyFloat | PyValue[] | Map<string, PyValue>;

/** A number that was written with a fraction or an exponent and is to be written so again. */
export class PyFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** The text is not JSON to Python; `message` is Python 3.11's own, `Expecting value: line 1 column 8 (char 7)`. Also
 *  thrown for values that cannot be rendered. */
export class PythonJsonError extends Error {
  override readonly name = "PythonJsonError";
}

/** Levels of arrays and objects that are read and rendered; about where Python's recursion limit lies, too. */
export const MAX_JSON_DEPTH = 1000;
