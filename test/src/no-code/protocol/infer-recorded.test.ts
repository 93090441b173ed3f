// What a real tritonserver 2.51.0 has answered, request by request (models.md, table I; OIP-5 to OIP-15).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ask, read, refusal } from "./models.ts";

interface Recorded {
  readonly name: string;
  readonly path: string;
  readonly req_headers: Readonly<Record<string, string>>;
  readonly req: string;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

const FILE = join(import.meta.dirname, "../../../fixtures/open-inference/triton-infer.jsonl");
const RECORDED: readonly Recorded[] = readFileSync(FILE, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

/** Decided by the model: its names, types and shapes, its versions, and what it throws. */
const BY_THE_MODEL = [
  "infer bad version",
  "infer unknown output",
  "infer batch too big",
  "missing input",
  "unknown input",
  "wrong datatype",
  "wrong shape",
  "wrong rank",
  "inputs empty",
  "model throws",
];

/** Texts where Triton's does not say which input is meant or what to do, and what it takes that we do not. Every caller's
 *  fault has the status 400, where Triton answers many by 500. */
const OURS: Readonly<Record<string, string>> = {
  "duplicate input": "input 'INPUT0' already exists in request",
  "negative shape": "Unable to parse 'shape' of input 'INPUT0': expected unsigned integers, got -1 at index 0",
  "too few data":
    "Unable to parse 'data' of input 'INPUT0': Shape does not match true shape of 'data' field: [1,4] takes 4 values, got 3",
  "too many data":
    "Unable to parse 'data' of input 'INPUT0': Shape does not match true shape of 'data' field: [1,4] takes 4 values, got 5",
  "string in fp32": "Unable to parse 'data' of input 'INPUT0': FP32 takes numbers, got a string at index 0",
  "null in fp32": "Unable to parse 'data' of input 'INPUT0': FP32 takes numbers, got null at index 0",
  "float in int64":
    "Unable to parse 'data' of input 'x': INT64 takes integers, got a number with a fraction at index 0",
  // Triton keeps the lowest 8 bits: 44.
  "uint8 overflow": "Unable to parse 'data' of input 'x': the value at index 0 is out of range for UINT8",
  "bool 0/1": "Unable to parse 'data' of input 'x': BOOL takes true and false, got a number at index 0",
  "bytes number": "Unable to parse 'data' of input 'x': BYTES takes strings, got a number at index 0",
  "fp16 bin in json out": "sending FP16 data via JSON is not supported. Please use the binary data format for output y",
  "malformed json": "failed to parse the request JSON buffer: Expecting value: line 1 column 12 (char 11)",
  // Triton takes it for the bytes of a tensor.
  "empty body": "failed to parse the request JSON buffer: Expecting value: line 1 column 1 (char 0)",
  "json array": "Unable to parse request: expected an object, got a list",
  "no inputs": "Unable to parse 'inputs': there is no such member",
  "no name": "Unable to parse 'name' of inputs[0]: there is no such member",
  "no shape": "Unable to parse 'shape' of input 'INPUT0': there is no such member",
  "no datatype": "Unable to parse 'datatype' of input 'INPUT0': there is no such member",
  "no data":
    "Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters'. But for input 'INPUT0' no field is set",
  "id number": "Unable to parse 'id': expected a string, got a number",
  // Triton reads the JSON up to its end, and then misses the bytes.
  "bin no header":
    "Input cannot be decoded as UTF-8: 'utf-8' codec can't decode byte 0x80 in position 252: invalid start byte. A body with binary tensors needs the header Inference-Header-Content-Length",
  // Triton takes it for 0.
  "bin header NaN": "inference header size should be in range (0, 282), got: abc",
  // What makes texts of numbers is the client.
  classification: "'classification' of output 'y' is not supported: ask for its tensor and sort it",
  "gzip unsupported enc": "Unsupported compression type: br; gzip and deflate are known",
};

function askAgain({ path, req, req_headers }: Recorded) {
  const headers = Object.fromEntries(Object.entries(req_headers).map(([name, value]) => [name.toLowerCase(), value]));
  return ask(path, Buffer.from(req, "latin1"), headers);
}

const asked = RECORDED.filter(({ name }) => !BY_THE_MODEL.includes(name));

describe("answers byte by byte as Triton does (table I)", () => {
  const good = asked.filter(({ status, name }) => status === 200 && OURS[name] === undefined);
  test.each(good.map((recorded) => [recorded.name, recorded] as const))("%s", async (_, recorded) => {
    const { headers, body } = read(await askAgain(recorded));
    const expected = Object.fromEntries(recorded.headers.map(([name, value]) => [name.toLowerCase(), value]));
    // It is not known before the answer is sent.
    delete expected["content-length"];
    expect(headers).toEqual(expected);
    const text = (bytes: Buffer) =>
      (headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString("latin1");
    expect(text(body)).toBe(text(Buffer.from(recorded.body, "latin1")));
  });
});

describe("says what is wrong in Triton's words (table I)", () => {
  const same = asked.filter(({ status, name }) => status !== 200 && OURS[name] === undefined);
  test.each(same.map((recorded) => [recorded.name, recorded] as const))("%s", async (_, recorded) => {
    const { error } = JSON.parse(recorded.body) as { error: string };
    expect(await refusal(askAgain(recorded))).toBe(error.replace("[request id: <id_unknown>] ", ""));
  });
});

describe("says it in words of its own, on purpose (table I)", () => {
  const names = Object.keys(OURS);
  test.each(names)("%s", async (name) => {
    const recorded = RECORDED.find((row) => row.name === name);
    expect(await refusal(askAgain(recorded!))).toBe(OURS[name]);
  });
});

test("each recorded request has its place", () => {
  const names = RECORDED.map(({ name }) => name);
  expect(names.length).toBe(65);
  expect([...Object.keys(OURS), ...BY_THE_MODEL].filter((name) => !names.includes(name))).toEqual([]);
});
