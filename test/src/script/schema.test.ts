import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, headerOf, type Service, startService } from "../../setup/service.ts";

const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };
const WORKERS = {};
const IN_PROCESS = { SCOREFN_SCRIPT_HOST: "in-process" };

describe.each([
  ["in a worker", WORKERS],
  ["in this process", IN_PROCESS],
])("a TypeScript script with a schema, %s", (_, env) => {
  let service: Service;
  beforeAll(async () => {
    service = await startService("schema.ts", env);
  });
  afterAll(() => service.close());

  const post = (body: string | Uint8Array, headers: Record<string, string> = JSON_TYPE): Promise<Answer> =>
    service.post("", { body: Buffer.from(body), headers });
  const message = async (body: string | Uint8Array): Promise<unknown> => {
    const { status, text, headers } = await post(body);
    expect(status).toBe(400);
    expect(headerOf(headers, "x-ms-run-function-failed")).toBe("False");
    return JSON.parse(text).message;
  };

  test("run() gets converted values, and defaults for members that are missing (IN-13)", async () => {
    expect(await post('{"data": [[1, 2], [3]], "ignored": 1}')).toMatchObject({ status: 200, text: "[6,6,0]" });
    expect((await post('{"data": [[1]], "k": 0.5, "since": "2021-05-06T00:00:00Z"}')).text).toBe("[1.5,2021]");
  });

  test.each([
    ["no type", {}],
    ["text/json", { "content-type": "text/json" }],
    ["plain text", { "content-type": "text/plain" }],
  ])("a POST with %s is answered 415 before its body is looked at (IN-9)", async (_type, headers) => {
    const answer = await post("", headers as Record<string, string>);
    expect(answer).toMatchObject({ status: 415, text: '{"message": "Expects Content-Type to be application/json"}' });
  });

  test.each([
    ["IN-10", "", "POST body is empty. Expecting a JSON dictionary."],
    [
      "IN-11",
      "{",
      "POST body could not be decoded as JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ],
    ["IN-11", '{"data":1} x', "POST body could not be decoded as JSON: Extra data: line 1 column 12 (char 11)"],
    ["IN-11", "   ", "POST body could not be decoded as JSON: Expecting value: line 1 column 4 (char 3)"],
    ["IN-12", "[]", "POST body should be a JSON dictionary."],
    ["IN-12", "null", "POST body should be a JSON dictionary."],
    ["IN-13", "{}", "A value is not provided for the 'data' parameter."],
    ["IN-13", '{"k": "x"}', "A value is not provided for the 'data' parameter."],
    [
      "IN-7",
      Buffer.from([0x22, 0xff]),
      "Input cannot be decoded as UTF-8: 'utf-8' codec can't decode byte 0xff in position 1: invalid start byte",
    ],
    [
      "IN-16",
      `{"data":${"[".repeat(100_000)}`,
      "POST body could not be decoded as JSON: Nested deeper than 1000 levels: line 1 column 1008 (char 1007)",
    ],
  ])("%s: %j is refused with the reason", async (_id, body, expected) => {
    expect(await message(body)).toBe(expected);
  });

  test.each([
    ['{"data": [[1, "x"]]}', "Invalid input: data[0][1]: expected number, received string"],
    ['{"data": null}', "Invalid input: data: expected array, received null"],
    ['{"data": [[NaN]]}', "Invalid input: data[0][0]: expected number, received NaN"],
    [
      '{"data": [], "k": "x", "mode": 3}',
      'Invalid input: k: expected number, received string; mode: does not match any of ["sum","mirror"]',
    ],
    [
      '{"data": [["a", "b"], "c", "d"]}',
      "Invalid input: data[0][0]: expected number, received string; data[0][1]: expected number, received string; data[1]: expected array, received string; and 1 more",
    ],
    ['{"data": [], "since": "soon"}', "Invalid input: since: expected date and time as text, received string"],
  ])("%s is refused with the place and what was expected", async (body, expected) => {
    expect(await message(body)).toBe(expected);
  });

  test("UTF-16, UTF-32 and a byte order mark are read (IN-15)", async () => {
    const text = '{"data": []}';
    const utf32 = Buffer.from(new Uint32Array([...text].map((letter) => letter.charCodeAt(0))).buffer);
    for (const body of [
      `\ufeff${text}`,
      Buffer.from(text, "utf16le"),
      Buffer.from(`\ufeff${text}`, "utf16le"),
      utf32,
    ]) {
      expect(await post(body)).toMatchObject({ status: 200, text: "[0]" });
    }
  });

  test("a GET's query is the object (IN-14)", async () => {
    const answer = await service.scorer.handle({
      method: "GET",
      path: "/score",
      query: "data=[[1]]&k=1",
      headers: {},
      body: Buffer.alloc(0),
    });
    expect([answer.status, String(answer.body)]).toEqual([200, "[2,0]"]);
  });

  test("a result that does not fit its schema is answered as it is (IS-8)", async () => {
    expect(await post('{"data": [[1]], "mode": "mirror"}')).toMatchObject({ status: 200, text: "[[1]]" });
    expect(await post('{"data": [[1]], "mode": "mirror"}')).toMatchObject({ status: 200, text: "[[1]]" });
  });

  test("the documents describe it, members in their order (IS-15, SW-12)", async () => {
    const { text } = await service.get("/swagger.json");
    expect(text).toContain(
      '"ServiceInput": {"type": "object", "properties": {"data": {"type": "array", "items": {"type": "array", "items": {"type": "number", "format": "double"}}}, "k": {"type": "number", "format": "double", "default": 3}, "mode": {"enum": ["sum", "mirror"], "default": "sum"}, "since": {"type": "string", "format": "date-time"}}, "example": {"data": [[0]], "k": 3, "mode": "sum", "since": "2020-01-02 03:04:05.006000 +0000"}}',
    );
    expect(text).toContain(
      '"ServiceOutput": {"type": "array", "items": {"type": "number", "format": "double"}, "example": [0]}',
    );
  });
});

test("the log says how run() is called (SIG-5), and once what does not fit the output's schema", async () => {
  const service = await startService("schema.ts", IN_PROCESS);
  const body = Buffer.from('{"data": [[1]], "mode": "mirror"}');
  for (let count = 0; count < 3; count++) await service.post("", { body, headers: JSON_TYPE });
  const logged = service.logged();
  expect(logged).toContain(
    "run() is decorated with schema. Server will invoke it with the following arguments: data, k, mode, since.",
  );
  const warning = "run() returned what its output schema does not allow: [0]: expected number, received array";
  expect(logged.split(warning)).toHaveLength(2);
  await service.close();
});

test.each([WORKERS, IN_PROCESS])("strict, a result that does not fit is an error", async (env) => {
  const service = await startService("schema.ts", { ...env, SCOREFN_STRICT: "true", SCOREFN_ERROR_DETAIL: "location" });
  const body = Buffer.from('{"data": [[1]], "mode": "mirror"}');
  for (let count = 0; count < 2; count++) {
    const { status, text } = await service.post("", { body, headers: JSON_TYPE });
    expect(status).toBe(500);
    expect(text).toContain("what its output schema does not allow: [0]: expected number, received array");
  }
  await service.close();
});
