// The same through the engine: what the two routes take and give is what models take and give.
import { join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Log } from "../../../../src/core/log.ts";
import { createLog } from "../../../../src/log/create.ts";
import { openModel } from "../../../../src/no-code/open-model.ts";
import { missingEngine, modelFolder } from "../../../setup/onnx.ts";

const quiet: Log = createLog(() => {}, "CRITICAL");

async function open(fixture: string, log = quiet, strict = false) {
  const path = join(modelFolder([fixture]), fixture);
  const script = await openModel({ kind: "onnx", path, name: "m" }, log, { strict });
  return async (route: "/score" | "/invocations", body: unknown, type = "application/json"): Promise<string> => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const outcome = await script.run({
      body: Buffer.from(text),
      path: route,
      headers: { "content-type": type },
      signal: () => new AbortController().signal,
    });
    return String(outcome.body);
  };
}

const A = [[1, 2, 3, 4]];
const B = [[1, 1, 1, 1]];

describe.skipIf(missingEngine())("ONNX models", () => {
  test("with two inputs of a matrix each take them by name (table D, table G: named tensors)", async () => {
    const ask = await open("addsub.onnx");
    const text = '{"OUTPUT0": [[2.0, 3.0, 4.0, 5.0]], "OUTPUT1": [[0.0, 1.0, 2.0, 3.0]]}';
    const data = { INPUT1: B, INPUT0: A };
    expect(await ask("/score", { input_data: data })).toBe(text);
    expect(await ask("/score", { input_data: { columns: ["INPUT0", "INPUT1"], data: [[A[0], B[0]]] } })).toBe(text);
    expect(await ask("/score", { input_data: [{ INPUT0: A[0], INPUT1: B[0] }] })).toBe(text);
    expect(await ask("/score", { inputs: data })).toBe(`{"predictions": ${text}}`);
    expect(await ask("/invocations", { inputs: data, extra: 1 })).toBe(`{"predictions": ${text}}`);
    expect(await ask("/invocations", { inputs: { ...data, c: [9] } })).toBe(`{"predictions": ${text}}`);
  });

  test.each([
    [{ INPUT0: A }, "Got input(s) ['INPUT0'], but missing required input(s) ['INPUT1']"],
    [{ INPUT0: A, INPUT1: [[1, 2, 3]] }, "Expected [-1,4], got [1,3]"],
    [{ INPUT0: A, INPUT1: [...B, ...B] }, "'b' is 1 in input 'INPUT0'"],
    [{ INPUT0: A, INPUT1: [1, 2, 3, 4] }, "Expected [-1,4], got [4]"],
  ])("refuse %j as a misfit, and take the next request", async (inputs, message) => {
    const ask = await open("addsub.onnx");
    await expect(ask("/invocations", { inputs })).rejects.toMatchObject({
      code: "ERR_BAD_INPUT",
      message: expect.stringContaining(message),
      report: undefined,
    });
    expect(await ask("/score", { input_data: { INPUT0: A, INPUT1: B } })).toContain("OUTPUT0");
  });

  test("with columns of several types take a table (table A, table C)", async () => {
    const ask = await open("mixed.onnx");
    const columns = ["x", "k", "s", "f"];
    const row = '1.5, 9007199254740993, "é", true';
    const text = '{"X": [1.5], "K": [9007199254740993], "S": [["\\u00e9"]], "F": [true]}';
    expect(await ask("/score", `{"input_data": {"columns": ${JSON.stringify(columns)}, "data": [[${row}]]}}`)).toBe(
      text,
    );
    const wrapped = `{"predictions": ${text}}`;
    const record = '{"x": 1.5, "k": 9007199254740993, "s": "é", "f": true}';
    expect(await ask("/invocations", `{"dataframe_records": [${record}]}`)).toBe(wrapped);
    expect(await ask("/invocations", `{"inputs": ${record}}`)).toBe(wrapped);
    expect(await ask("/invocations", "x,k,s,f\n1.5,9007199254740993,é,True\n", "text/csv")).toBe(wrapped);
    expect(await ask("/invocations", ",x,k,s,f\n0,1.5,9007199254740993,é,True\n", "text/csv")).toBe(wrapped);
  });

  test("of scikit-learn classify rows (table B, MLF-26)", async () => {
    const ask = await open("iris-plain.onnx");
    const rows = [
      [5.1, 3.5, 1.4, 0.2],
      [6, 3, 5, 2],
    ];
    const answer = await ask("/score", { input_data: rows });
    expect(JSON.parse(answer)).toMatchObject({ label: [0, 2] });
    expect(await ask("/invocations", { instances: rows })).toBe(`{"predictions": ${answer}}`);
    expect(await ask("/invocations", "a,b,c,d\n5.1,3.5,1.4,.2\n6,3,5,2\n", "text/csv")).toBe(
      `{"predictions": ${answer}}`,
    );
  });

  test("without a known rank, of a single value, or without input take what there is", async () => {
    const any = await open("no-rank.onnx");
    for (const data of ["1.0", "[1.0]", "[[1.0, 2.0]]"])
      expect(await any("/score", `{"input_data": ${data}}`)).toBe(data);
    const scalar = await open("scalar.onnx");
    expect(await scalar("/score", { input_data: 0.5 })).toBe("0.5");
    const none = await open("no-input.onnx");
    expect(await none("/score", { input_data: {} })).toBe("[7.0]");
  });

  test("give null for NaN and say so once; with --strict they give an error, and the next answer (table F)", async () => {
    let logged = "";
    const log = createLog((text) => {
      logged += text;
    }, "WARNING");
    const ask = await open("type-float32.onnx", log);
    for (let round = 0; round < 2; round++) {
      expect(await ask("/invocations", '{"inputs": [NaN, 1, Infinity, null]}')).toBe(
        '{"predictions": [null, 1.0, null, null]}',
      );
    }
    const what = "The model returned NaN or Infinity; the client gets null, for JSON has neither.";
    expect(logged.split(what)).toHaveLength(2);
    const strict = await open("type-float32.onnx", quiet, true);
    for (let round = 0; round < 2; round++) {
      await expect(strict("/score", '{"input_data": [NaN]}')).rejects.toMatchObject({
        code: "ERR_RESULT",
        message: expect.stringContaining(what),
      });
      expect(await strict("/score", '{"input_data": [2]}')).toBe("[2.0]");
    }
  });

  test("take compressed bodies, and refuse those that are not what they say", async () => {
    const path = join(modelFolder(["type-float32.onnx"]), "type-float32.onnx");
    const script = await openModel({ kind: "onnx", path, name: "m", maxBodyBytes: 1000 }, quiet);
    const ask = async (route: string, body: Uint8Array, encoding: string) =>
      (
        await script.run({
          body,
          path: route,
          headers: { "content-type": "application/json", "content-encoding": encoding },
          signal: () => new AbortController().signal,
        })
      ).body;
    const body = Buffer.from('{"inputs": [1]}');
    for (const route of ["/score", "/invocations"]) {
      for (const [encoding, bytes] of [
        ["gzip", gzipSync(body)],
        ["deflate", deflateSync(body)],
        ["identity", body],
      ] as const) {
        expect(await ask(route, bytes, encoding)).toBe('{"predictions": [1.0]}');
      }
      await expect(ask(route, body, "gzip")).rejects.toMatchObject({ code: "ERR_BAD_INPUT" });
      await expect(ask(route, body, "br")).rejects.toMatchObject({ code: "ERR_BAD_INPUT" });
      await expect(ask(route, gzipSync(Buffer.alloc(1001, " ")), "gzip")).rejects.toMatchObject({
        message: "the body has more than 1000 bytes once it is decompressed",
      });
    }
  });
});
