// MLflow models through the real pool: what holds for scripts holds for them (MLF-20, DESIGN 20).
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { mlflowModels } from "../../setup/mlflow.ts";
import { createService, type Service } from "../../setup/service.ts";

const models = mlflowModels();
const JSON_TYPE = { headers: { "content-type": "application/json" } };

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
  test("answers on /score as Azure's script does, tells its facts, and says what is wrong (MLF-20, OIP-20)", async () => {
    const { post, get, runtime } = await start("iris", { SCOREFN_MODEL_NAME: "flowers" });
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
        versions: [{ version: "1" }],
        inputs: [{ name: "input-0", datatype: "FP64", shape: [-1, 4] }],
        outputs: [{ name: "output-0", datatype: "INT64", shape: [-1] }],
      },
    ]);
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
  });

  test("that does not end is interrupted at the deadline, one that ends its process costs this request alone", async () => {
    const { post, workerPids } = await start("acts", { SCORING_TIMEOUT_MS: "2000", SCOREFN_ERROR_DETAIL: "full" });
    const ask = (what: string) => post(JSON.stringify({ input_data: [what] }), JSON_TYPE);
    const late = await ask("loop");
    expect(late.status).toBe(500);
    const [pid] = JSON.parse((await ask("")).text);
    expect(pid).toBe(workerPids()[0]);
    const dead = await ask("die");
    expect(JSON.parse(dead.text).error.message).toContain("exited with code 9");
    const [next] = JSON.parse((await ask("")).text);
    expect(next).not.toBe(pid);
  });

  test.skipIf(process.platform === "win32")(
    "is loaded once with WORKER_PRELOAD, and workers are forked off that process (PROC-2)",
    async () => {
      const { post } = await start("acts", { WORKER_PRELOAD: "True", WORKER_COUNT: "2" });
      const ask = async (what: string) =>
        JSON.parse((await post(JSON.stringify({ input_data: [what] }), JSON_TYPE)).text);
      const answers = await Promise.all(Array.from({ length: 12 }, () => ask("")));
      const loadedBy = new Set(answers.map(([, loaded]) => loaded));
      expect(loadedBy.size).toBe(1);
      for (const [pid, loaded] of answers) expect(pid).not.toBe(loaded);
      // A worker that dies is forked anew, off the same process.
      await ask("die");
      expect(loadedBy).toContain((await ask(""))[1]);
    },
  );

  test("that cannot be loaded is reported with its cause and what to do", async () => {
    const { runtime, logged } = prepare("broken-flavour");
    await expect(runtime.start()).rejects.toMatchObject({ code: "ERR_MODEL_LOAD" });
    expect(logged()).toContain('does not have the "python_function" flavor');
  });
});
