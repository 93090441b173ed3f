import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plainModel, score } from "./plain-model.ts";

const C = ["age", "sex", "bmi"];
const R = [0.1, 0.2, 0.3];
const columns = () =>
  plainModel(
    C.map((name) => `${name} FP64 -1`),
    (given) => [given[0]!],
  );
const matrix = () => plainModel(["x FP64 -1,4"]);
const pair = () => plainModel(["a FP32 -1,2", "b INT64 -1"]);

describe("columns (table G)", () => {
  test.each([
    ["with index", { input_data: { columns: C, index: [0], data: [R] } }],
    ["without index", { input_data: { columns: C, data: [R] } }],
    ["reordered", { input_data: { columns: ["bmi", "sex", "age"], index: [0], data: [[0.3, 0.2, 0.1]] } }],
    ["with an extra column", { input_data: { columns: [...C, "zz"], index: [0], data: [[...R, 1]] } }],
    ["with params null", { input_data: { columns: C, data: [R] }, params: null }],
    ["with unknown params", { input_data: { columns: C, data: [R] }, params: { a: 1 } }],
    ["with an extra key", { input_data: { columns: C, data: [R] }, zz: 1 }],
    ["as records", { input_data: [{ age: 0.1, sex: 0.2, bmi: 0.3 }] }],
    ["as an object of lists", { input_data: { age: [0.1], sex: [0.2], bmi: [0.3] } }],
  ])("are taken %s and answered bare", async (_name, body) => {
    expect(await score(columns(), JSON.stringify(body))).toEqual({ status: 200, text: "[0.1]" });
  });

  test.each([
    ["a missing column", { columns: ["sex", "bmi"], index: [0], data: [[0.2, 0.3]] }, "input 'age' is missing"],
    ["a list of lists", [R], "The model has 3 inputs"],
    ["text", { columns: C, data: [["x", 0.2, 0.3]] }, "Input 'age': expected a number (FP64) at [0], got a string."],
    ["empty data", { columns: C, index: [], data: [] }, "The table has no rows."],
    ["null", null, "got null"],
  ])("are refused with %s, where Azure's script has a blank 500", async (_name, input_data, text) => {
    const answer = await score(columns(), JSON.stringify({ input_data }));
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(text);
  });

  test("a null is a missing number", async () => {
    const body = { input_data: { columns: C, data: [[null, 0.2, 0.3]] } };
    expect(await score(columns(), JSON.stringify(body))).toEqual({ status: 200, text: "[null]" });
  });
});

test.each([
  ['{"foo": 1}', "A value is not provided for the 'input_data' parameter."],
  ["{}", "A value is not provided for the 'input_data' parameter."],
  ['{"input_data":', "POST body could not be decoded as JSON: Expecting value: line 1 column 15 (char 14)"],
  ["", "POST body is empty. Expecting a JSON dictionary."],
  ["[1]", "POST body should be a JSON dictionary."],
  ['{"input_data": [[1,2,3,4]], "params": [1]}', "Parameters must be a dictionary. Got type 'list'."],
])("%s is refused (table G)", async (body, text) => {
  expect(await score(matrix(), body)).toMatchObject({ status: 400, text });
});

test.each([
  ['{"dataframe_split": {"columns": ["a","b","c","d"], "data": [[1,2,3,4]]}}'],
  ['{"dataframe_records": [{"a":1,"b":2,"c":3,"d":4}]}'],
  ['{"inputs": [[1,2,3,4]]}'],
  ['{"instances": [[1,2,3,4]]}'],
])("%s of MLflow is answered as there", async (body) => {
  expect(await score(matrix(), body)).toEqual({ status: 200, text: '{"predictions": [[1.0, 2.0, 3.0, 4.0]]}' });
});

test.each([
  [
    [
      [5.1, 3.5, 1.4, 0.2],
      [6, 3, 5, 2],
    ],
    "[[5.1, 3.5, 1.4, 0.2], [6.0, 3.0, 5.0, 2.0]]",
  ],
  [{ columns: ["a", "b", "c", "d"], index: [0], data: [[5.1, 3.5, 1.4, 0.2]] }, "[[5.1, 3.5, 1.4, 0.2]]"],
  [{ columns: ["a", "b", "c", "d"], data: [[5.1, 3.5, 1.4, 0.2]] }, "[[5.1, 3.5, 1.4, 0.2]]"],
  [{ data: [[5.1, 3.5, 1.4, 0.2]] }, "[[5.1, 3.5, 1.4, 0.2]]"],
])("one matrix takes %j (table G: tensor model, no signature)", async (input_data, text) => {
  expect(await score(matrix(), JSON.stringify({ input_data }))).toEqual({ status: 200, text });
});

test.each([
  [[[1, 2, 3]], "expected [-1,4], got [1,3]"],
  [[["x", 1, 1, 1]], "Input 'x': expected a number (FP64) at [0][0], got a string."],
  ["x", "Input 'x': expected a number (FP64), got a string."],
])("one matrix refuses %j (table G: tensor model)", async (input_data, text) => {
  const answer = await score(matrix(), JSON.stringify({ input_data }));
  expect(answer.status).toBe(400);
  expect(answer.text).toContain(text);
});

test("several outputs are an object by name (table G: named tensors)", async () => {
  const body = '{"input_data": {"a":[[1,2],[3,4]],"b":[5,6],"c":0}}';
  expect(await score(pair(), body)).toEqual({ status: 200, text: '{"a": [[1.0, 2.0], [3.0, 4.0]], "b": [5, 6]}' });
});

test("inputs named data and columns are inputs", async () => {
  const data = plainModel(["data FP32 -1"]);
  expect(await score(data, '{"input_data": {"data": [1, 2]}}')).toEqual({ status: 200, text: "[1.0, 2.0]" });
  const both = plainModel(["data FP32 -1", "more FP32 -1"]);
  expect(await score(both, '{"input_data": {"data": [1], "more": [2]}}')).toEqual({
    status: 200,
    text: '{"data": [1.0], "more": [2.0]}',
  });
});

test("members of objects' own are no inputs", async () => {
  const model = plainModel(["constructor FP32 -1", "__proto__ FP32 -1"]);
  expect((await score(model, '{"input_data": {}}')).status).toBe(400);
  expect(await score(model, '{"input_data": {"constructor": [1], "__proto__": [2]}}')).toEqual({
    status: 200,
    text: '{"constructor": [1.0], "__proto__": [2.0]}',
  });
});

test("a message has few and short names of the caller's, and no data", async () => {
  const names = Array.from({ length: 5000 }, (_, index) => `secret${"x".repeat(500)}${index}`);
  const body = { input_data: Object.fromEntries(names.map((name) => [name, [["hidden"]]])) };
  const { status, text } = await score(matrix(), JSON.stringify(body));
  expect(status).toBe(400);
  expect(text.length).toBeLessThan(1000);
  expect(text).not.toContain("hidden");
});

test.each([
  ["lists of a million levels", `{"input_data": ${"[".repeat(1e6)}${"]".repeat(1e6)}}`],
  ["lists of a thousand levels", `{"input_data": ${"[".repeat(1000)}1${"]".repeat(1000)}}`],
  ["objects of many levels", `{"input_data": ${'{"x":'.repeat(1e5)}1${"}".repeat(1e5)}}`],
  // Its outline is 40 GB.
  ["one long row and many empty ones", `{"input_data": [[${"0,".repeat(1e5)}0]${",[]".repeat(1e5)}]}`],
  ["levels that end at once", `{"input_data": [${"[".repeat(64)}1${"]".repeat(64)}]}`],
])("%s are refused at no cost", async (_name, body) => {
  expect((await score(matrix(), body)).status).toBe(400);
});

test("an integer of many digits is refused at no cost, and not repeated", async () => {
  const ids = plainModel(["i INT64 -1"]);
  const long = await score(ids, `{"input_data": [${"9".repeat(100)}]}`);
  expect([long.status, long.text]).toEqual([400, expect.stringContaining("got an integer of 100 digits.")]);
  const huge = await score(ids, `{"input_data": [${"9".repeat(5e6)}]}`);
  expect([huge.status, huge.text]).toEqual([
    400,
    "POST body could not be decoded as JSON: Exceeds the limit (4300 digits) for integer string conversion: value has 5000000 digits",
  ]);
  // A text may have as many digits as it likes, and does not make others lose theirs.
  const two = plainModel(["i INT64 -1", "s BYTES -1"]);
  const text = "9".repeat(10_000);
  expect(await score(two, `{"input_data": {"i": [9007199254740993], "s": ["${text}"]}}`)).toEqual({
    status: 200,
    text: `{"i": [9007199254740993], "s": ["${text}"]}`,
  });
});

const number = fc.double({ noNaN: true, noDefaultInfinity: true });

test("records, split, lists and columns by name give equal tensors", async () => {
  const rows = fc.array(fc.tuple(number, number, number, number), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(rows, async (data) => {
      const names = ["a", "b", "c", "d"];
      const forms = [
        { input_data: data },
        { input_data: { columns: names, data } },
        { input_data: data.map((row) => Object.fromEntries(row.map((value, at) => [names[at], value]))) },
        { input_data: Object.fromEntries(names.map((name, at) => [name, data.map((row) => row[at])])) },
        { input_data: { x: data } },
        { dataframe_split: { columns: ["x"], data: data.map((row) => [row]) } },
      ];
      const seen = [];
      for (const form of forms) {
        const model = matrix();
        expect((await score(model, JSON.stringify(form))).status).toBe(200);
        seen.push(model.seen());
      }
      // -0 is 0 in JSON.
      const expected = Float64Array.from(data.flat(), (value) => value + 0);
      for (const [tensor] of seen) expect([tensor?.shape, tensor?.data]).toEqual([[data.length, 4], expected]);
    }),
  );
});

test("an answer's numbers are the model's, whatever their size", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(number, { minLength: 1 }), async (values) => {
      const { text } = await score(plainModel(["x FP64 -1"]), JSON.stringify({ input_data: values }));
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(values)));
    }),
  );
});

test("whatever the body, there is an answer or a refusal", async () => {
  const models = [
    matrix(),
    pair(),
    columns(),
    plainModel(["s BYTES"]),
    plainModel(["i INT8 -1,-1,-1"]),
    plainModel([]),
  ];
  const key = fc.constantFrom("x", "a", "b", "age", "sex", "bmi", "columns", "index", "data", "__proto__", "s");
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(fc.constant(null), fc.boolean(), fc.integer(), number, fc.string(), fc.bigInt().map(Number)),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(key, tie("value"), { maxKeys: 4 }),
    ),
  }));
  const member = fc.constantFrom("input_data", "inputs", "instances", "dataframe_split", "dataframe_records", "params");
  const body = fc.oneof(
    { weight: 5, arbitrary: fc.dictionary(member, value, { maxKeys: 2 }).map((object) => JSON.stringify(object)) },
    { weight: 1, arbitrary: fc.uint8Array() },
    { weight: 1, arbitrary: fc.string() },
  );
  await fc.assert(
    fc.asyncProperty(body, fc.constantFrom(...models), async (text, model) => {
      const { status } = await score(model, text);
      expect([200, 400]).toContain(status);
    }),
    { numRuns: 1000 },
  );
});
