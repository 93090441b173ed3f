// The rows of models.md that mean something without pandas: ONNX inputs have types and shapes, as tensor signatures have.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { invoke, plainModel } from "./plain-model.ts";

const C = ["age", "sex", "bmi"];
const R = [0.1, 0.2, 0.3];
const columns = () =>
  plainModel(
    C.map((name) => `${name} FP64 -1,1`),
    (given) => [given[0]!],
  );
const iris = () => plainModel(["x FP64 -1,4"]);
const pair = () => plainModel(["a FP32 -1,2", "b INT64 -1"]);
const record = { age: 0.1, sex: 0.2, bmi: 0.3 };
const good = { status: 200, text: '{"predictions": [[0.1], [0.1]]}' };
const json = (value: unknown) => JSON.stringify(value);

describe("a model with an input for each column (table A)", () => {
  test.each([
    ["split", { dataframe_split: { columns: C, data: [R, R] } }],
    ["split with index", { dataframe_split: { columns: C, index: [5, 6], data: [R, R] } }],
    [
      "columns reordered",
      {
        dataframe_split: {
          columns: ["bmi", "sex", "age"],
          data: [
            [0.3, 0.2, 0.1],
            [0.3, 0.2, 0.1],
          ],
        },
      },
    ],
    [
      "an extra column",
      {
        dataframe_split: {
          columns: [...C, "zz"],
          data: [
            [...R, "?"],
            [...R, null],
          ],
        },
      },
    ],
    ["an extra top-level key", { dataframe_split: { columns: C, data: [R, R] }, zz: 1 }],
    ["unknown params", { dataframe_split: { columns: C, data: [R, R] }, params: { a: 1 } }],
    ["params null", { dataframe_split: { columns: C, data: [R, R] }, params: null }],
    ["records", { dataframe_records: [record, record] }],
    ["instances list of objects", { instances: [record, record] }],
    ["inputs object of lists", { inputs: { age: [0.1, 0.1], sex: [0.2, 0.2], bmi: [0.3, 0.3] } }],
    ["inputs object of lists of lists", { inputs: { age: [[0.1], [0.1]], sex: [0.2, 0.2], bmi: [0.3, 0.3] } }],
    ["inputs list of objects", { inputs: [record, record] }],
  ])("takes %s", async (_name, body) => {
    const model = columns();
    expect(await invoke(model, json(body))).toEqual(good);
    expect(model.seen().map(({ name, shape, data }) => [name, shape, data[0]])).toEqual([
      ["age", [2, 1], 0.1],
      ["sex", [2, 1], 0.2],
      ["bmi", [2, 1], 0.3],
    ]);
  });

  test("takes an object of single values as one row", async () => {
    expect(await invoke(columns(), json({ inputs: record }))).toEqual({
      status: 200,
      text: '{"predictions": [[0.1]]}',
    });
  });

  test.each(["text/csv", "text/csv; charset=utf-8", "Text/CSV"])("takes CSV as %s", async (type) => {
    expect(await invoke(columns(), "age,sex,bmi\n0.1,0.2,0.3\n0.1,0.2,0.3\n", type)).toEqual(good);
  });

  test.each([
    ["split without columns", { dataframe_split: { data: [R] } }, "Model is missing inputs ['age', 'sex', 'bmi']."],
    [
      "another's columns",
      { dataframe_split: { columns: ["a", "b"], data: [[1, 2]] } },
      "Note that there were extra inputs: ['a', 'b'].",
    ],
    ["column age missing", { dataframe_split: { columns: ["sex", "bmi"], data: [[1, 2]] } }, "input 'age' is missing"],
    ["records without age", { dataframe_records: [{ sex: 1, bmi: 2 }] }, "input 'age' is missing"],
    ["inputs as rows", { inputs: [R] }, "The model has 3 inputs, ['age', 'sex', 'bmi']: send an object"],
    ["instances as rows", { instances: [R] }, "The model has 3 inputs"],
    ["a single value", { inputs: 5 }, "The model has 3 inputs"],
    ["no data", { dataframe_split: { columns: C, data: [] } }, "The table has no rows."],
    ["no records", { dataframe_records: [] }, "There are no records."],
    ["empty lists", { inputs: { age: [], sex: [], bmi: [] } }, "Input 'age' has no data: a list is empty."],
  ])("refuses %s as a misfit", async (_name, body, text) => {
    const answer = await invoke(columns(), json(body));
    expect(answer).toMatchObject({ status: 400, code: "INVALID_PARAMETER_VALUE" });
    expect(answer.text).toContain(text);
  });

  test.each([
    [
      "ragged rows",
      { dataframe_split: { columns: C, data: [R, [0.1, 0.2]] } },
      "Row 1 has 2 values, but there are 3 columns.",
    ],
    ["a row that is none", { dataframe_split: { columns: C, data: [R, 5] } }, "Expected row 1 to be a list, got 5."],
    [
      "a string",
      { dataframe_split: { columns: C, data: [["x", 0.2, 0.3]] } },
      "Input 'age': expected a number (FP64) at [0], got a string.",
    ],
    [
      "a numeric string",
      { dataframe_split: { columns: C, data: [[1, "0.2", 0.3]] } },
      "Input 'sex': expected a number (FP64) at [0], got a string.",
    ],
    [
      "a boolean",
      { dataframe_split: { columns: C, data: [R, [0.1, true, 0.3]] } },
      "Input 'sex': expected a number (FP64) at [1], got true.",
    ],
    [
      "key rows for data",
      { dataframe_split: { columns: C, rows: [R] } },
      "Invalid input. Dataframe split format must have 'data' field and optionally 'columns' and 'index' fields. Got {'columns', 'rows'}.'",
    ],
    ["an extra key in split", { dataframe_split: { columns: C, data: [R], zz: 1 } }, "Got {'columns', 'data', 'zz'}.'"],
    [
      "a list for split",
      { dataframe_split: [R] },
      "Invalid input. Dataframe split format must be a dictionary. Got list.",
    ],
    [
      "a number for split",
      { dataframe_split: 5 },
      "Invalid input. Dataframe split format must be a dictionary. Got type <class 'int'>.",
    ],
    [
      "an object for records",
      { dataframe_records: record },
      "Invalid input. Dataframe records format must be a list of records. Got dictionary.",
    ],
    [
      "text for records",
      { dataframe_records: "x" },
      "Invalid input. Dataframe records format must be a list of records. Got type <class 'str'>.",
    ],
    ["rows for records", { dataframe_records: [R] }, "Expected record 0 to be an object, got a list."],
    [
      "data that is no list",
      { dataframe_split: { columns: C, data: { age: [1] } } },
      "Expected 'data' to be a list of rows, got an object.",
    ],
    [
      "columns that are no list",
      { dataframe_split: { columns: "age", data: [R] } },
      "Expected 'columns' to be a list of names, got a string.",
    ],
    [
      "columns that are no names",
      { dataframe_split: { columns: [["age"]], data: [R] } },
      "Expected 'columns' to be a list of names, got one that is a list.",
    ],
    [
      "a column twice",
      { dataframe_split: { columns: ["age", "sex", "age"], data: [R] } },
      "Column 'age' occurs twice.",
    ],
    [
      "instances with different keys",
      { instances: [record, { age: 1 }] },
      "Invalid input. The length of values for each input/column name are not the same: record 1 has no 'sex'.",
    ],
    [
      "instances with more keys",
      { instances: [record, { ...record, zz: 1 }] },
      "record 1 has 'zz', which record 0 has not.",
    ],
    ["a record that is none", { instances: [record, null] }, "Expected record 1 to be an object, got null."],
    ["a list of params", { inputs: record, params: [1] }, "Parameters must be a dictionary. Got type 'list'."],
  ])("refuses %s as unreadable", async (_name, body, text) => {
    const answer = await invoke(columns(), json(body));
    expect(answer).toMatchObject({ status: 400, code: "BAD_REQUEST" });
    expect(answer.text).toContain(text);
  });
});

const ONE_OF =
  "The input must be a JSON dictionary with exactly one of the input fields {'instances', 'inputs', 'dataframe_records', 'dataframe_split'}.";

test.each([
  ['{"foo":1}', `${ONE_OF} Received dictionary with input fields: [].`],
  ["{}", `${ONE_OF} Received dictionary with input fields: [].`],
  ['{"input_data":{"columns":["age"],"data":[[1]]}}', `${ONE_OF} Received dictionary with input fields: [].`],
  ['{"columns":["age"],"data":[[1]]}', `${ONE_OF} Received dictionary with input fields: [].`],
  ['{"messages":[]}', `${ONE_OF} Received dictionary with input fields: [].`],
  ['{"inputs":[[1]],"instances":[[1]]}', `${ONE_OF} Received dictionary with input fields: ['inputs', 'instances'].`],
  ["[1,2]", `Invalid input. ${ONE_OF} Received a list.`],
  ["5", `Invalid input. ${ONE_OF} Received unexpected input type '<class 'int'>.`],
  ["5.5", `Invalid input. ${ONE_OF} Received unexpected input type '<class 'float'>.`],
  ["null", `Invalid input. ${ONE_OF} Received unexpected input type '<class 'NoneType'>.`],
  ['"x"', `Invalid input. ${ONE_OF} Received unexpected input type '<class 'str'>.`],
  ["true", `Invalid input. ${ONE_OF} Received unexpected input type '<class 'bool'>.`],
  [
    '{"inputs": [1,',
    "Invalid input. Ensure that input is a valid JSON formatted string. Error: 'JSONDecodeError('Expecting value: line 1 column 15 (char 14)')'",
  ],
  [
    "",
    "Invalid input. Ensure that input is a valid JSON formatted string. Error: 'JSONDecodeError('Expecting value: line 1 column 1 (char 0)')'",
  ],
])("refuses %s in MLflow's words, without the data (table A)", async (body, text) => {
  expect(await invoke(columns(), body)).toEqual({ status: 400, text, code: "BAD_REQUEST" });
});

describe("a model with one matrix (table B)", () => {
  const rows = [
    [5.1, 3.5, 1.4, 0.2],
    [6, 3, 5, 2],
  ];
  const asRecord = ([a, b, c, d]: number[]) => ({ a, b, c, d });
  test.each([
    ["inputs", { inputs: rows }],
    ["instances", { instances: rows }],
    ["split with any 4 columns", { dataframe_split: { columns: ["a", "b", "c", "d"], data: rows } }],
    ["split with columns that are numbers", { dataframe_split: { columns: [0, 1, 2, 3], data: rows } }],
    ["split with a column named like the input", { dataframe_split: { columns: ["w", "x", "y", "z"], data: rows } }],
    ["split without columns", { dataframe_split: { data: rows } }],
    ["split with columns null", { dataframe_split: { columns: null, data: rows } }],
    ["records", { dataframe_records: rows.map(asRecord) }],
    ["records in another order", { dataframe_records: [asRecord(rows[0]!), { d: 2, c: 5, b: 3, a: 6 }] }],
    ["one column holding lists", { dataframe_split: { columns: ["q"], data: rows.map((row) => [row]) } }],
    ["records of lists by the input's name", { instances: rows.map((x) => ({ x })) }],
    ["the input by name", { inputs: { x: rows } }],
    ["columns by name", { inputs: { a: [5.1, 6], b: [3.5, 3], c: [1.4, 5], d: [0.2, 2] } }],
    ["columns by name, one like the input", { inputs: { x: [5.1, 6], b: [3.5, 3], c: [1.4, 5], d: [0.2, 2] } }],
  ])("takes %s", async (_name, body) => {
    expect(await invoke(iris(), json(body))).toEqual({
      status: 200,
      text: '{"predictions": [[5.1, 3.5, 1.4, 0.2], [6.0, 3.0, 5.0, 2.0]]}',
    });
  });

  test.each([
    ["a flat list", { inputs: [5.1, 3.5, 1.4, 0.2] }, "expected [-1,4], got [4]"],
    ["a wrong width", { inputs: [[1, 2, 3]] }, "expected [-1,4], got [1,3]"],
    [
      "split with too few columns",
      { dataframe_split: { columns: ["a", "b"], data: [[1, 2]] } },
      "Model is missing inputs ['x']. Note that there were extra inputs: ['a', 'b']. The model has input 'x' (FP64 [-1,4]).",
    ],
    ["a scalar", { inputs: 5 }, "expected [-1,4], got []"],
    ["an empty list", { inputs: [] }, "Input 'x' has no data: a list is empty."],
    ["an empty row", { inputs: [[]] }, "Input 'x' has no data: a list is empty."],
    [
      "another name",
      { inputs: { a: [[1, 2, 3, 4]] } },
      "Model is missing inputs ['x']. Note that there were extra inputs: ['a'].",
    ],
    ["no name", { inputs: {} }, "Model is missing inputs ['x']."],
    ["null", { inputs: null }, "Expected data for input 'x' (FP64 [-1,4]), got null."],
  ])("refuses %s as a misfit", async (_name, body, text) => {
    const answer = await invoke(iris(), json(body));
    expect(answer).toMatchObject({ status: 400, code: "INVALID_PARAMETER_VALUE" });
    expect(answer.text).toContain(text);
  });

  test.each([
    ["text", { inputs: [["x", 3, 1, 0]] }, "Input 'x': expected a number (FP64) at [0][0], got a string."],
    ["numeric strings", { inputs: [[1, "5", 1, 0]] }, "Input 'x': expected a number (FP64) at [0][1], got a string."],
    [
      "ragged rows",
      { inputs: [[1, 2, 3, 4], [1]] },
      "Input 'x' is ragged: expected a list of 4 at [1], got a list of 1.",
    ],
    ["a row that is none", { inputs: [[1, 2, 3, 4], 5] }, "Input 'x' is ragged: expected a list of 4 at [1], got 5."],
    ["rows of two depths", { inputs: [[1, [2], 3, 4]] }, "Input 'x': expected a number (FP64) at [0][1], got a list."],
    [
      "columns of two lengths",
      { inputs: { a: [1, 2], b: [1], c: [1], d: [1] } },
      "Invalid input. The length of values for each input/column name are not the same: 'a' has 2, 'b' has 1.",
    ],
  ])("refuses %s as unreadable", async (_name, body, text) => {
    expect(await invoke(iris(), json(body))).toEqual({ status: 400, text, code: "BAD_REQUEST" });
  });

  test("takes CSV, whose first line is the header, as the rows of a frame do (table B: csv)", async () => {
    expect(await invoke(iris(), "5.1,3.5,1.4,.2\n6,3,5,2\n", "text/csv")).toEqual({
      status: 200,
      text: '{"predictions": [[6.0, 3.0, 5.0, 2.0]]}',
    });
  });
});

describe("types (table C)", () => {
  const one = (type: string) => plainModel([`i ${type} -1`]);
  const record = (type: string, value: string) => invoke(one(type), `{"dataframe_records": [{"i": ${value}}]}`);
  test.each([
    ["INT32", "1.0", "[1]"],
    ["INT32", "-2147483648", "[-2147483648]"],
    ["UINT8", "255", "[255]"],
    ["INT64", "1099511627776", "[1099511627776]"],
    ["INT64", "4611686018427387905", "[4611686018427387905]"],
    ["INT64", "-9223372036854775808", "[-9223372036854775808]"],
    ["UINT64", "18446744073709551615", "[18446744073709551615]"],
    ["INT64", "1e18", "[1000000000000000000]"],
    ["FP64", "1", "[1.0]"],
    ["FP64", "1e22", "[1e+22]"],
    ["FP64", "1e-7", "[1e-07]"],
    ["FP64", "12345678901234567890", "[1.2345678901234567e+19]"],
    ["FP32", "0.1", "[0.10000000149011612]"],
    ["FP16", "0.1", "[0.0999755859375]"],
    ["FP64", "null", "[null]"],
    ["FP32", "NaN", "[null]"],
    ["FP32", "1e39", "[null]"],
    ["FP64", "-Infinity", "[null]"],
    ["FP16", "null", "[null]"],
    ["BOOL", "true", "[true]"],
    ["BOOL", "false", "[false]"],
    ["BOOL", "1", "[true]"],
    ["BOOL", "0", "[false]"],
    ["BYTES", '"é\\n\u{1f600}"', '["\\u00e9\\n\\ud83d\\ude00"]'],
    ["BYTES", '""', '[""]'],
  ])("%s takes %s", async (type, value, text) => {
    expect(await record(type, value)).toEqual({ status: 200, text: `{"predictions": ${text}}` });
  });

  test.each([
    ["INT32", "1.5", "an integer from -2147483648 to 2147483647 (INT32) at [0], got 1.5"],
    ["INT32", "1099511627776", "got 1099511627776"],
    ["INT32", "null", "got null"],
    ["INT32", '"1"', "got a string"],
    ["INT32", "NaN", "got NaN"],
    ["INT8", "128", "an integer from -128 to 127 (INT8) at [0], got 128"],
    ["UINT16", "-1", "an integer from 0 to 65535 (UINT16) at [0], got -1"],
    ["INT64", "9223372036854775808", "got 9223372036854775808"],
    ["UINT64", "18446744073709551616", "got 18446744073709551616"],
    ["UINT64", "-1", "got -1"],
    ["INT64", "1.5", "got 1.5"],
    ["INT64", "Infinity", "got Infinity"],
    ["INT64", "true", "got true"],
    ["FP64", "true", "a number (FP64) at [0], got true"],
    ["FP64", '{"a": 1}', "got an object"],
    ["BOOL", "2", "true or false (BOOL) at [0], got 2"],
    ["BOOL", '"true"', "got a string"],
    ["BYTES", "5", "a string (BYTES) at [0], got 5"],
    ["BYTES", "null", "got null"],
  ])("%s refuses %s", async (type, value, text) => {
    const answer = await record(type, value);
    expect(answer).toMatchObject({ status: 400, code: "BAD_REQUEST" });
    expect(answer.text).toContain(text);
  });
});

describe("named tensors (table D)", () => {
  const text = '{"predictions": {"a": [[1.0, 2.0], [3.0, 4.0]], "b": [5, 6]}}';
  test.each([
    [
      "inputs",
      {
        inputs: {
          a: [
            [1, 2],
            [3, 4],
          ],
          b: [5, 6],
        },
      },
    ],
    [
      "b as [n, 1]",
      {
        inputs: {
          a: [
            [1, 2],
            [3, 4],
          ],
          b: [[5], [6]],
        },
      },
    ],
    [
      "instances",
      {
        instances: [
          { a: [1, 2], b: 5 },
          { b: 6, a: [3, 4] },
        ],
      },
    ],
    [
      "split with list cells",
      {
        dataframe_split: {
          columns: ["b", "a"],
          data: [
            [5, [1, 2]],
            [6, [3, 4]],
          ],
        },
      },
    ],
    [
      "extra c",
      {
        inputs: {
          c: "?",
          a: [
            [1, 2],
            [3, 4],
          ],
          b: [5, 6],
        },
      },
    ],
  ])("takes %s", async (_name, body) => {
    expect(await invoke(pair(), json(body))).toEqual({ status: 200, text });
  });

  test("takes lengths that differ: whether they fit is the model's to say", async () => {
    expect(await invoke(pair(), '{"inputs": {"a": [[1, 2]], "b": [5, 6]}}')).toMatchObject({ status: 200 });
  });

  test.each([
    ["b missing", { inputs: { a: [[1, 2]] } }, "input 'b' is missing"],
    ["a wrong width", { inputs: { a: [[1, 2, 3]], b: [1] } }, "expected [-1,2], got [1,3]"],
    ["scalars", { inputs: { a: 1, b: 2 } }, "expected [-1,2], got []"],
    ["a list", { inputs: [[1, 2]] }, "The model has 2 inputs, ['a', 'b']: send an object"],
    ["b 1.7", { inputs: { a: [[1, 2]], b: [1.7] } }, "Input 'b': expected an integer"],
  ])("refuses %s", async (_name, body, message) => {
    const answer = await invoke(pair(), json(body));
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(message);
  });
});

describe("answers (table F)", () => {
  const gives = (datatype: string, shape: number[], data: unknown) =>
    invoke(
      plainModel(["x FP32"], () => [{ name: "y", datatype, shape, data } as never]),
      '{"inputs": 1}',
    );
  test.each([
    ["FP32", [2], Float32Array.of(0.1, 0.2), "[0.10000000149011612, 0.20000000298023224]"],
    ["FP64", [3], Float64Array.of(1, Number.NaN, Number.POSITIVE_INFINITY), "[1.0, null, null]"],
    ["FP64", [2], Float64Array.of(-0, 123456789012345680000), "[-0.0, 1.2345678901234568e+20]"],
    ["INT64", [1], BigInt64Array.of(2n ** 60n + 1n), "[1152921504606846977]"],
    ["FP16", [1, 2], Uint16Array.of(0x3c00, 0x7e00), "[[1.0, null]]"],
    ["BOOL", [2], Uint8Array.of(0, 1), "[false, true]"],
    ["UINT8", [], Uint8Array.of(200), "200"],
    ["BYTES", [1, 2], ["a", 'é"'], '[["a", "\\u00e9\\""]]'],
    ["FP32", [0], new Float32Array(0), "[]"],
    ["FP32", [0, 2], new Float32Array(0), "[]"],
    ["FP32", [2, 0], new Float32Array(0), "[[], []]"],
    ["INT8", [2, 1, 2], Int8Array.of(1, 2, 3, 4), "[[[1, 2]], [[3, 4]]]"],
  ])("%s of %j", async (datatype, shape, data, text) => {
    expect(await gives(datatype, shape as number[], data)).toEqual({ status: 200, text: `{"predictions": ${text}}` });
  });

  test("what the engine throws is no fault of the client", async () => {
    const broken = plainModel(["x FP32"], () => {
      throw new Error("boom");
    });
    await expect(invoke(broken, '{"inputs": 1}')).rejects.toThrow("boom");
  });
});

test("a model without inputs needs no data", async () => {
  const model = plainModel([], () => [{ name: "y", datatype: "INT32", shape: [], data: Int32Array.of(7) }]);
  expect(await invoke(model, '{"inputs": {}}')).toEqual({ status: 200, text: '{"predictions": 7}' });
});

test("whatever the table, there is an answer or a refusal", async () => {
  const models = [iris(), pair(), columns(), plainModel(["s BYTES -1"]), plainModel(["f BOOL -1"]), plainModel([])];
  const cell = fc.oneof(
    fc.constantFrom("", "x", "a", "b", "s", "f", '"', '""', "1", "-1.5", "NaN", "true"),
    fc.string(),
  );
  const csv = fc
    .array(fc.array(cell, { maxLength: 5 }), { maxLength: 4 })
    .chain((rows) => fc.constantFrom("\n", "\r\n", "\r").map((newline) => rows.map((row) => row.join()).join(newline)));
  await fc.assert(
    fc.asyncProperty(csv, fc.constantFrom(...models), async (text, model) => {
      expect([200, 400]).toContain((await invoke(model, text, "text/csv")).status);
      expect([200, 400]).toContain((await invoke(model, text)).status);
    }),
    { numRuns: 500 },
  );
});

test("bytes that are no text are refused", async () => {
  const bytes = Uint8Array.of(0x61, 0x0a, 0xff);
  for (const type of ["text/csv", "application/json"]) {
    expect((await invoke(iris(), bytes, type)).status).toBe(400);
  }
});
