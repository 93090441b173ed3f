// MLflow models through the real pool: what holds for scripts holds for them (MLF-20, DESIGN 20).
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { mlflowModels } from "../../setup/mlflow.ts";
import { createService, type Service } from "../../setup/service.ts";

const models = mlflowModels();
const JSON_TYPE = { headers: { "content-type": "application/json" } };

/** For a request that never ends: others must not take as long on a busy machine, where a first one takes seconds. */
const DEADLINE_MS = 5_000;
/** Windows cannot fork. */
const PRELOADS = process.platform === "win32" ? ["False"] : ["False", "True"];

function prepare(name: string, env: Readonly<Record<string, string>> = {}): Service {
  if (typeof models === "string") throw new Error(models);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(() => void vi.restoreAllMocks());
  const service = createService("", {
    SCOREFN_MODEL: models.folderOf(name),
    SCOREFN_PYTHON: models.python,
    ...env,
  });
  onTestFinished(service.close);
  return service;
}

async function start(name: string, env?: Readonly<Record<string, string>>): Promise<Service> {
  const service = prepare(name, env);
  await service.runtime.start();
  return service;
}

describe.skipIf(typeof models === "string")("an MLflow model", () => {
  test("answers by every protocol, tells its facts, and says what is wrong (MLF-20, OIP-20)", async () => {
    const { post, get, runtime, scorer } = await start("iris", { SCOREFN_MODEL_NAME: "flowers" });
    const data = [
      [5.1, 3.5, 1.4, 0.2],
      [6, 3, 5, 2],
    ];
    expect(await post(JSON.stringify({ input_data: data }), JSON_TYPE)).toMatchObject({ status: 200, text: "[0, 2]" });
    const wrapped = await post(JSON.stringify({ inputs: data }), JSON_TYPE);
    expect(wrapped).toMatchObject({ status: 200, text: '{"predictions": [0, 2]}' });
    const wide = await post('{"input_data": [[1, 2, 3]]}', JSON_TYPE);
    expect(wide.status).toBe(400);
    expect(JSON.parse(wide.text).message).toContain("Shape of input (1, 3) does not match expected shape (-1, 4).");

    expect(runtime.facts?.models).toEqual([
      {
        name: "flowers",
        platform: "mlflow",
        engineVersion: expect.stringMatching(/^\d+\.\d+\.\d+/),
        versions: [{ version: "1" }],
        inputs: [{ name: "input-0", datatype: "FP64", shape: [-1, 4] }],
        outputs: [{ name: "output-0", datatype: "INT64", shape: [-1] }],
      },
    ]);
    // Clients of MLflow's server look for the version of MLflow (MLF-14).
    expect((await get("/version")).text).toBe(runtime.facts?.models?.[0]?.engineVersion);
    for (const [version, path] of Object.entries({
      2: "definitions.ServiceInput",
      3: "components.schemas.ServiceInput",
      3.1: "components.schemas.ServiceInput",
    })) {
      const page = await get("/swagger.json", { query: `version=${version}` });
      expect(page.status).toBe(200);
      let schema = JSON.parse(page.text);
      for (const name of path.split(".")) schema = schema[name];
      // (table H)
      expect(schema.properties.input_data.format).toBe("numpy.ndarray");
    }

    // The other protocols, with errors in the words of each (MLF-13, OIP-20).
    const ask = async (path: string, body: string) => {
      const answer = await scorer.handle({ ...JSON_TYPE, method: "POST", path, query: "", body: Buffer.from(body) });
      return [answer.status, String(answer.body)];
    };
    expect(await ask("/invocations", '{"inputs": [[6, 3, 5, 2]]}')).toEqual([200, '{"predictions": [2]}']);
    const [status, refused] = await ask("/invocations", '{"inputs": [[6, 3, 5]]}');
    expect(status).toBe(400);
    expect(JSON.parse(refused as string)).toEqual({
      error_code: "INVALID_PARAMETER_VALUE",
      message: expect.stringContaining("Shape of input (1, 3) does not match expected shape (-1, 4)."),
    });
    const [, unreadable] = await ask("/invocations", '{"inputs": ');
    expect(JSON.parse(unreadable as string).error_code).toBe("BAD_REQUEST");
    const input = { name: "input-0", datatype: "FP64", shape: [1, 4], data: [6, 3, 5, 2] };
    const [, inferred] = await ask("/v2/models/flowers/infer", JSON.stringify({ inputs: [input] }));
    expect(JSON.parse(inferred as string).outputs[0]).toMatchObject({ name: "output-0", datatype: "INT64", data: [2] });
    const wrong = { ...input, shape: [1, 5], data: [6, 3, 5, 2, 1] };
    const [, unfit] = await ask("/v2/models/flowers/infer", JSON.stringify({ inputs: [wrong] }));
    expect(Object.keys(JSON.parse(unfit as string))).toEqual(["error"]);
  });

  test.each(PRELOADS)(
    "that does not end is interrupted, one that ends its process costs this request alone (preload: %s)",
    async (preload) => {
      const env = { SCORING_TIMEOUT_MS: String(DEADLINE_MS), SCOREFN_ERROR_DETAIL: "full", WORKER_PRELOAD: preload };
      const { post, scorer } = await start("acts", env);
      const ask = async (what: string) => {
        const { status, text } = await post(JSON.stringify({ input_data: [what] }), JSON_TYPE);
        return { status, body: JSON.parse(text) };
      };
      // The process that answers, and the one that has loaded the model.
      const first = await ask("");
      const [pid, loadedBy] = first.body;
      expect(pid === loadedBy).toBe(preload === "False");
      expect((await ask("loop")).status).toBe(500);
      expect((await ask("")).body).toEqual([pid, loadedBy]);
      expect((await ask("die")).body.error.message).toContain("exited with code 9");
      // The next one is forked off the same process, and knows all protocols (PROC-2).
      const input = { name: "x", datatype: "BYTES", shape: [1], data: [""] };
      const request = { ...JSON_TYPE, method: "POST", path: "/v2/models/acts/infer", query: "" } as const;
      const answer = await scorer.handle({ ...request, body: Buffer.from(JSON.stringify({ inputs: [input] })) });
      const [nextPid, nextLoadedBy] = JSON.parse(String(answer.body)).outputs[0].data;
      expect(nextPid).not.toBe(pid);
      expect(nextLoadedBy).toBe(preload === "False" ? nextPid : loadedBy);
    },
  );

  // Without preload it is a worker that says so, as in test/python/test_mlflow_life.py.
  test("that cannot be loaded in the preload process is reported with its cause and what to do", async () => {
    const { runtime, logged } = prepare("broken-flavour", { WORKER_PRELOAD: PRELOADS.at(-1)! });
    const report = { hint: expect.stringContaining("Its flavours are: sklearn.") };
    await expect(runtime.start()).rejects.toMatchObject({ code: "ERR_MODEL_LOAD", report });
    expect(logged()).toContain('does not have the "python_function" flavor');
  });
});
