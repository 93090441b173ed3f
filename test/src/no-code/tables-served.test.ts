// /score and /invocations of an ONNX model as clients see them, from a worker and from this process.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CreateRuntime } from "../../../src/host.ts";
import { createRuntime } from "../../../src/host.ts";
import { inProcess } from "../../../src/in-process.ts";
import { layOutModels, missingEngine } from "../../setup/onnx.ts";
import { createService, headerOf, type Service, type TemporaryFolder, temporaryFolder } from "../../setup/service.ts";

const JSON_TYPE = { "content-type": "application/json" };
const GOOD = '{"inputs": {"INPUT0": [[1, 2, 3, 4]], "INPUT1": [[1, 1, 1, 1]]}}';
const ANSWER = '{"predictions": {"OUTPUT0": [[2.0, 3.0, 4.0, 5.0]], "OUTPUT1": [[0.0, 1.0, 2.0, 3.0]]}}';

const RUNTIMES: readonly (readonly [string, CreateRuntime])[] = [
  ["a worker", createRuntime],
  ["this process", inProcess()],
];

describe.skipIf(missingEngine()).each(RUNTIMES)("a model in %s", (_where, runtimeOf) => {
  let folder: TemporaryFolder;
  let service: Service;

  beforeAll(async () => {
    folder = await temporaryFolder();
    layOutModels(folder.file("."), ["addsub.onnx"]);
    const env = { AZUREML_ENTRY_SCRIPT: "", SCOREFN_MODEL: join(folder.file("."), "addsub.onnx") };
    service = createService("", env, runtimeOf);
    await service.runtime.start();
  });

  afterAll(async () => {
    await service.close();
    await folder.remove();
  });

  async function invoke(body: string, type = "application/json") {
    const { status, text } = await service.post(body, { path: "/invocations", headers: { "content-type": type } });
    return { status, text };
  }

  test.each([
    ['{"inputs": [', 400, "BAD_REQUEST", "Invalid input. Ensure that input is a valid JSON formatted string."],
    ['{"foo": 1}', 400, "BAD_REQUEST", "The input must be a JSON dictionary with exactly one of the input fields"],
    ['{"inputs": {"INPUT0": [["x"]]}}', 400, "BAD_REQUEST", "Input 'INPUT0': expected a number (FP32) at [0][0]"],
    ['{"inputs": {"INPUT0": [[1, 2, 3, 4]]}}', 400, "INVALID_PARAMETER_VALUE", "missing required input(s) ['INPUT1']"],
    [GOOD.replace("4]", "4, 5]"), 400, "INVALID_PARAMETER_VALUE", "Expected [-1,4], got [1,5]"],
  ])("refuses %s on /invocations, and answers the next (tables A, D; MLF-13)", async (body, status, code, message) => {
    const refused = await invoke(body);
    expect([refused.status, JSON.parse(refused.text)]).toEqual([
      status,
      { error_code: code, message: expect.stringContaining(message) },
    ]);
    expect(await invoke(GOOD)).toEqual({ status: 200, text: ANSWER });
  });

  test("takes CSV, and not Parquet (MLF-11)", async () => {
    const csv = await invoke("a\n1\n", "text/csv");
    expect([csv.status, csv.text]).toEqual([
      400,
      expect.stringContaining("Model is missing inputs ['INPUT0', 'INPUT1']"),
    ]);
    expect((await invoke("PAR1", "application/vnd.apache.parquet")).status).toBe(415);
  });

  test("answers /score bare, also to a GET (table G)", async () => {
    const input = '{"INPUT0": [[1, 2, 3, 4]], "INPUT1": [[1, 1, 1, 1]]}';
    const bare = ANSWER.slice('{"predictions": '.length, -1);
    const posted = await service.post(`{"input_data": ${input}}`, { headers: JSON_TYPE });
    expect([posted.status, posted.text]).toEqual([200, bare]);
    expect(headerOf(posted.headers, "content-type")).toBe("application/json");
    expect(headerOf(posted.headers, "x-ms-run-function-failed")).toBe("False");
    const got = await service.get("/score", { query: `input_data=${encodeURIComponent(input)}` });
    expect([got.status, got.text]).toEqual([200, bare]);
    const none = await service.get("/score");
    expect([none.status, none.text]).toEqual([
      400,
      `{"message": "A value is not provided for the 'input_data' parameter."}`,
    ]);
    const typeless = await service.post(`{"input_data": ${input}}`);
    expect([typeless.status, typeless.text]).toEqual([
      415,
      '{"message": "Expects Content-Type to be application/json"}',
    ]);
  });

  test("describes /score, with an example that is answered (MLF-25)", async () => {
    for (const version of ["2", "3", "3.1"]) {
      const document = JSON.parse((await service.get("/swagger.json", { query: `version=${version}` })).text);
      const { example } = (document.definitions ?? document.components.schemas).ServiceInput;
      const answer = await service.post(JSON.stringify(example), { headers: JSON_TYPE });
      expect([answer.status, answer.text]).toEqual([
        200,
        '{"OUTPUT0": [[0.0, 0.0, 0.0, 0.0]], "OUTPUT1": [[0.0, 0.0, 0.0, 0.0]]}',
      ]);
    }
  });
});
