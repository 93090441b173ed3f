// What JSON data becomes, and what answers become as JSON (OIP-4, OIP-10, OIP-11; models.md, table I).
import { describe, expect, test } from "vitest";
import type { Datatype } from "../../../../src/no-code/types.ts";
import { ask, askIdentity, identity, read, refusal } from "./models.ts";

function echo(datatype: Datatype, data: string, shape: string) {
  const models = new Map([["m", identity("m", datatype, [-1])]]);
  const body = `{"inputs":[{"name":"x","datatype":"${datatype}","shape":${shape},"data":${data}}]}`;
  return ask("/v2/models/m/infer", body, {}, models);
}

/** What stands between the brackets of the answer's `data`. */
async function echoed(datatype: Datatype, data: string, shape: string): Promise<string | undefined> {
  return /"data":\[(.*)\]\}\]\}$/s.exec(read(await echo(datatype, data, shape)).body.toString())?.[1];
}

describe("gives numbers back as they came", () => {
  test.each<[Datatype, string, string]>([
    ["INT8", "-128,127", "-128,127"],
    ["INT16", "-32768,32767", "-32768,32767"],
    ["INT32", "-2147483648,2147483647", "-2147483648,2147483647"],
    ["UINT8", "0,255", "0,255"],
    ["UINT16", "0,65535", "0,65535"],
    ["UINT32", "0,4294967295", "0,4294967295"],
    ["INT64", "-9223372036854775808,9223372036854775807", "-9223372036854775808,9223372036854775807"],
    ["INT64", "-9007199254740991,9007199254740991", "-9007199254740991,9007199254740991"],
    ["INT64", "-9007199254740993,9007199254740993", "-9007199254740993,9007199254740993"],
    ["INT64", "-4294967296,-1,0,4294967295,4294967296", "-4294967296,-1,0,4294967295,4294967296"],
    ["UINT64", "0,18446744073709551615", "0,18446744073709551615"],
    ["UINT64", "9007199254740993,4294967296", "9007199254740993,4294967296"],
    // A fraction of nothing is none: clients in JavaScript write 2.0 as 2, others the other way round.
    ["INT32", "2.0,1e2", "2,100"],
    ["INT64", "2.0,1e2", "2,100"],
    ["FP32", "1,2.5,-0.0", "1.0,2.5,-0.0"],
    ["FP32", "0.1,1e39,-1e39,1e-50", "0.10000000149011612,Infinity,-Infinity,0.0"],
    ["FP64", "0.1,1e20,1e21,1.5e300,1e-6,1e-7", "0.1,100000000000000000000.0,1e21,1.5e300,0.000001,1e-7"],
    ["FP64", "NaN,Infinity,-Infinity", "NaN,Infinity,-Infinity"],
    ["FP64", "9007199254740993,18446744073709551616,NaN", "9007199254740992.0,18446744073709552000.0,NaN"],
    ["BOOL", "true,false", "true,false"],
    ["BYTES", '"","a\\u0000b","\\u00e9","\\ud83d\\ude00","\\""', '"","a\\u0000b","é","😀","\\""'],
  ])("%s %s", async (datatype, data, expected) => {
    const count = JSON.parse(`[${data.replace(/NaN|-?Infinity/g, "0")}]`).length;
    expect(await echoed(datatype, `[${data}]`, `[${count}]`)).toBe(expected);
  });
});

describe("refuses what a type cannot hold, and names the place", () => {
  const integers: Datatype[] = ["INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"];
  const beyond: [Datatype, string][] = [
    ["INT8", "128"],
    ["INT8", "-129"],
    ["INT16", "32768"],
    ["INT32", "2147483648"],
    ["INT64", "9223372036854775808"],
    ["INT64", "-9223372036854775809"],
    ["INT64", "1e30"],
    ["UINT8", "256"],
    ["UINT8", "-1"],
    ["UINT16", "65536"],
    ["UINT32", "4294967296"],
    ["UINT64", "-1"],
    ["UINT64", "18446744073709551616"],
  ];
  test.each(beyond)("%s %s", async (datatype, value) => {
    expect(await refusal(echo(datatype, `[0,${value}]`, "[2]"))).toBe(
      `Unable to parse 'data' of input 'x': the value at index 1 is out of range for ${datatype}`,
    );
  });

  const wrong: [string, string][] = [
    ["1.5", "a number with a fraction"],
    ['"1"', "a string"],
    ["null", "null"],
    ["true", "a boolean"],
    ["[1]", "a list"],
    ["{}", "an object"],
    ["NaN", "a number with a fraction"],
  ];
  test.each(integers.flatMap((datatype) => wrong.map(([value, got]) => [datatype, value, got] as const)))(
    "%s %s",
    async (datatype, value, got) => {
      expect(await refusal(echo(datatype, `[0,${value}]`, "[2]"))).toBe(
        `Unable to parse 'data' of input 'x': ${datatype} takes integers, got ${got} at index 1`,
      );
    },
  );

  test.each<[Datatype, string, string]>([
    ["FP32", '"1"', "numbers, got a string"],
    ["FP64", "null", "numbers, got null"],
    ["FP64", "true", "numbers, got a boolean"],
    ["BOOL", "1", "true and false, got a number"],
    ["BOOL", '"true"', "true and false, got a string"],
    ["BYTES", "5", "strings, got a number"],
    ["BYTES", "null", "strings, got null"],
    ["BYTES", "9007199254740993", "strings, got a number"],
  ])("%s %s", async (datatype, value, text) => {
    const first = { BOOL: "true", BYTES: '"a"' }[datatype as string] ?? "1";
    expect(await refusal(echo(datatype, `[${first},${value}]`, "[2]"))).toBe(
      `Unable to parse 'data' of input 'x': ${datatype} takes ${text} at index 1`,
    );
  });
});

describe("takes data nested as the shape says, or flat", () => {
  test.each([
    ["[2,2]", "[[1,2],[3,4]]"],
    ["[2,2]", "[1,2,3,4]"],
    ["[1,2,2]", "[[[1,2],[3,4]]]"],
    ["[4,1]", "[[1],[2],[3],[4]]"],
  ])("%s %s", async (shape, data) => {
    expect(await echoed("FP32", data, shape)).toBe("1.0,2.0,3.0,4.0");
  });

  test.each([
    ["[]", "[7]", "7.0"],
    ["[0,2]", "[]", ""],
    ["[2,0]", "[[],[]]", ""],
    ["[2,0]", "[]", ""],
    ["[0]", "[]", ""],
  ])("%s %s", async (shape, data, expected) => {
    expect(await echoed("FP32", data, shape)).toBe(expected);
  });

  const lie = "Unable to parse 'data' of input 'x': Shape does not match true shape of 'data' field: ";
  test.each([
    ["[2,2]", "[[1,2,3],[4]]", "[2,2] takes lists of 2 at depth 1, got one of 3"],
    ["[2,2]", "[[1],[2,3,4]]", "[2,2] takes lists of 2 at depth 1, got one of 1"],
    ["[2,2]", "[[1,2],3]", "[2,2] takes lists at depth 1, got a number"],
    ["[2,2]", "[[1,2]]", "[2,2] takes lists of 2 at depth 0, got one of 1"],
    ["[1,2,2]", "[[1,2,3,4]]", "[1,2,2] takes lists of 2 at depth 1, got one of 4"],
    ["[]", "[[7]]", "[] takes no lists at depth 0, got one of 1"],
    ["[2]", "[]", "[2] takes 2 values, got 0"],
    // Announces four gigabytes, and has one number.
    ["[1,1000000000]", "[[1]]", "[1,1000000000] takes lists of 1000000000 at depth 1, got one of 1"],
    ["[1000000000]", "[1]", "[1000000000] takes 1000000000 values, got 1"],
  ])("refuses %s %s", async (shape, data, text) => {
    expect(await refusal(echo("FP32", data, shape))).toBe(lie + text);
  });

  test("refuses lists below the shape's", async () => {
    expect(await refusal(echo("FP32", "[[[1]],[[2]]]", "[2,1]"))).toContain(
      "FP32 takes numbers, got a list at index 0",
    );
    expect(await refusal(echo("FP32", "[1,[2]]", "[2]"))).toContain("FP32 takes numbers, got a list at index 1");
  });
});

describe("refuses shapes that are none", () => {
  test.each([
    ["[-1,4]", "expected unsigned integers, got -1 at index 0"],
    ["[1,1.5]", "expected unsigned integers, got 1.5 at index 1"],
    ['["1"]', "expected unsigned integers, got a string at index 0"],
    ["[null]", "expected unsigned integers, got null at index 0"],
    ["[[1]]", "expected unsigned integers, got a list at index 0"],
    ["[1e300]", "expected unsigned integers, got 1e+300 at index 0"],
    ["[9007199254740993]", "expected unsigned integers, got 9007199254740992 at index 0"],
    ["[NaN]", "expected unsigned integers, got NaN at index 0"],
    ["4", "expected a list of integers, got a number"],
    ["null", "expected a list of integers, got null"],
    ["[4294967296,4294967296]", "[4294967296,4294967296] has more elements than can be counted"],
    ["[0,4294967296,4294967296]", "[0,4294967296,4294967296] has more elements than can be counted"],
    [`[${Array(65).fill(1)}]`, "it has 65 dimensions, and 64 is the most"],
  ])("%s", async (shape, text) => {
    expect(await refusal(echo("FP32", "[1]", shape))).toBe(`Unable to parse 'shape' of input 'x': ${text}`);
  });
});

describe("refuses what is no request", () => {
  const input = '{"name":"x","datatype":"FP32","shape":[1],"data":[1]}';
  test.each([
    ["null", "Unable to parse request: expected an object, got null"],
    ["1", "Unable to parse request: expected an object, got a number"],
    ['{"inputs":{}}', "Unable to parse 'inputs': expected a list, got an object"],
    ['{"inputs":[1]}', "Unable to parse inputs[0]: expected an object, got a number"],
    ['{"inputs":[{"name":5}]}', "Unable to parse 'name' of inputs[0]: expected a string, got a number"],
    [`{"inputs":[${input},${input}]}`, "input 'x' already exists in request"],
    [`{"inputs":[${input}],"outputs":5}`, "Unable to parse 'outputs': expected a list, got a number"],
    [`{"inputs":[${input}],"outputs":["y"]}`, "Unable to parse outputs[0]: expected an object, got a string"],
    [`{"inputs":[${input}],"outputs":[{}]}`, "Unable to parse 'name' of outputs[0]: there is no such member"],
    [
      `{"inputs":[${input}],"parameters":5}`,
      "Unable to parse 'parameters' of request: expected an object, got a number",
    ],
    [
      `{"inputs":[${input}],"parameters":{"binary_data_output":1}}`,
      "Unable to parse 'binary_data_output' of request: expected true or false, got a number",
    ],
    [
      `{"inputs":[${input}],"outputs":[{"name":"y","parameters":{"binary_data":"yes"}}]}`,
      "Unable to parse 'binary_data' of output 'y': expected true or false, got a string",
    ],
    [
      `{"inputs":[${input}],"outputs":[{"name":"y","parameters":{"shared_memory_region":"r"}}]}`,
      "'shared_memory_region' of output 'y' is not supported: send and take tensors in the body",
    ],
    [
      '{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"parameters":{"shared_memory_region":"r","shared_memory_byte_size":4}}]}',
      "'shared_memory_region' of input 'x' is not supported: send and take tensors in the body",
    ],
    [
      '{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1],"parameters":{"binary_data_size":4}}]}',
      "Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters'. But for input 'x' more than one field is set",
    ],
    [
      '{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":5}]}',
      "Unable to parse 'data' of input 'x': expected a list, got a number",
    ],
    ['{"inputs":[{"name":"x","datatype":"constructor","shape":[1],"data":[5]}]}', "invalid datatype for input x"],
    ['{"inputs":[{"name":"x","datatype":["FP32"],"shape":[1],"data":[5]}]}', "invalid datatype for input x"],
    [`{"inputs":[${input}]} x`, "failed to parse the request JSON buffer: Extra data: line 1 column 68 (char 67)"],
    [`\ufeff{"inputs":[${input}]}`, /^failed to parse the request JSON buffer: Unexpected UTF-8 BOM/],
    [`{"id":"${"1".repeat(3000)}","inputs":[${input}],"x":NaN,"y":${"1".repeat(3000)}}`, /more than 2000 digits$/],
    ["[".repeat(100_000), /^failed to parse the request JSON buffer: Nested deeper than 1000 levels/],
  ])("%.80s", async (body, text) => {
    expect(await refusal(ask("/v2/models/idf32/infer", body))).toMatch(text);
  });
});

test("names of any length do not fill a message", async () => {
  const name = "n".repeat(100_000);
  expect((await refusal(askIdentity("idf32", { name, datatype: "FP32", shape: [-1], data: [] }))).length).toBeLessThan(
    400,
  );
});

test("takes null for what may be left out, as clients in Python write it", async () => {
  const input = { datatype: "FP32", shape: [1], data: [1], parameters: null };
  const answer = await askIdentity("idf32", input, { id: null, parameters: null, outputs: null });
  expect(read(answer).body.toString()).toBe(
    '{"model_name":"idf32","model_version":"1","outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[1.0]}]}',
  );
});

test("an id comes back as it is; an empty one does not (OIP-5)", async () => {
  const input = { datatype: "FP32", shape: [0], data: [] };
  expect(read(await askIdentity("idf32", input, { id: 'é"\u0001' })).body.toString()).toMatch(/^\{"id":"é\\"\\u0001",/);
  expect(read(await askIdentity("idf32", input, { id: "" })).body.toString()).toMatch(/^\{"model_name"/);
});

test("a text may have as many digits as it likes, also where a number is not JSON", async () => {
  const digits = "1".repeat(5000);
  const body = `{"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"data":["${digits}"]}],"parameters":{"p":NaN}}`;
  expect(read(await ask("/v2/models/idstr/infer", body)).body.toString()).toContain(digits);
});
