import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { buildLambda } from "../../../packaging/aws-lambda/build.ts";
import { readAnswer, scoreEvent, startFunction } from "../../../packaging/aws-lambda/invoke.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { ModelCache } from "../../../src/model/cache.ts";
import { freePort, startServer } from "../../setup/server.ts";
import { createService, type Service, until } from "../../setup/service.ts";

const root = mkdtempSync(join(tmpdir(), "scorefn-with-model-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const SCRIPTS = {
  "score.py": `import os
def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.txt")) as file:
        model = file.read()
def run(data):
    return [model, "SCOREFN_MODEL_URI" in os.environ]
`,
  "score.ts": `import { readFileSync } from "node:fs";
let model: string;
export function init(): void { model = readFileSync(process.env.AZUREML_MODEL_DIR + "/model.txt", "utf8"); }
export const run = (_data: string): unknown => [model, "SCOREFN_MODEL_URI" in process.env];
`,
};

interface Setup {
  readonly app: string;
  readonly model: string;
  readonly env: Record<string, string>;
}

function layOut(): Setup {
  const app = mkdtempSync(join(root, "app-"));
  const model = join(app, "far-away");
  mkdirSync(model);
  writeFileSync(join(model, "model.txt"), "the model");
  for (const [name, text] of Object.entries(SCRIPTS)) writeFileSync(join(app, name), text);
  const env = { AML_APP_ROOT: app, SCOREFN_MODEL_URI: `file://${model}`, SCOREFN_MODEL_CACHE: join(app, "cache") };
  return { app, model, env };
}

/** Another process that fetches, as far as this one can tell. */
function holdLock({ app, env }: Setup): () => void {
  const { folder, lockFile } = new ModelCache(join(app, "cache"), env.SCOREFN_MODEL_URI!);
  mkdirSync(folder, { recursive: true });
  writeFileSync(lockFile, "another");
  const touch = setInterval(() => utimesSync(lockFile, new Date(), new Date()), 1_000);
  const release = (): void => {
    clearInterval(touch);
    rmSync(lockFile, { force: true });
  };
  onTestFinished(release);
  return release;
}

function service(script: string, env: Record<string, string>): Service {
  const made = createService(script, env);
  onTestFinished(made.close);
  return made;
}

describe.each([
  ["score.py", "workers"],
  ["score.ts", "workers"],
  ["score.ts", "in-process"],
])("%s in %s", (script, host) => {
  const inProcess = { SCOREFN_SCRIPT_HOST: host };
  test("finds the model that was fetched for it", async () => {
    const saved = { ...process.env };
    onTestFinished(() => {
      for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name];
    });
    const { env } = layOut();
    const made = service(script, { ...env, ...inProcess });
    await made.runtime.start();
    // A process that the script shares with the server keeps its environment.
    expect(JSON.parse((await made.post("{}")).text)).toEqual(["the model", false]);
    expect(made.runtime.state).toBe("ready");
  });
});

describe("while the model is fetched", () => {
  test("requests wait, as many as there is room for", async () => {
    const setup = layOut();
    const release = holdLock(setup);
    const made = service("score.ts", { ...setup.env, SCOREFN_MAX_QUEUE: "1" });
    const started = made.runtime.start();
    const first = made.post("{}");
    await until(() => made.logged().includes("Waiting for another process"), "the fetch waits");
    expect(made.runtime.state).toBe("loading");
    expect((await made.get("/ready")).status).toBe(503);
    expect((await made.get("/")).status).toBe(200);
    expect(made.runtime.refusal?.(2)?.message).toContain("1 requests are waiting already");
    expect((await made.post("{}")).status).toBe(503);
    release();
    await started;
    expect(JSON.parse((await first).text)[0]).toBe("the model");
  });

  test("a client that leaves gives its place up", async () => {
    const setup = layOut();
    const release = holdLock(setup);
    const made = service("score.ts", { ...setup.env, SCOREFN_MAX_QUEUE: "1" });
    const started = made.runtime.start();
    const client = new AbortController();
    const left = made.post("{}", { signal: client.signal });
    await until(() => made.runtime.refusal?.(2) !== undefined, "it waits");
    client.abort();
    expect((await left).status).toBe(499);
    const next = made.post("{}");
    release();
    await started;
    expect((await next).status).toBe(200);
  });

  test("the server can be stopped, and requests are told", async () => {
    const setup = layOut();
    const release = holdLock(setup);
    const made = service("score.ts", setup.env);
    const started = made.runtime.start().catch((error) => error);
    const waiting = made.post("{}");
    await until(() => made.logged().includes("Waiting for another process"), "the fetch waits");
    await made.runtime.close(30_000);
    expect(await started).toMatchObject({ code: "ERR_STOPPING" });
    expect((await waiting).status).toBe(503);
    expect((await made.post("{}")).status).toBe(503);
    expect(made.runtime.state).toBe("stopping");
    release();
  });
});

describe("a model that cannot be fetched", () => {
  test("is the answer to requests, until a later one finds it", async () => {
    const { model, env } = layOut();
    rmSync(model, { recursive: true });
    const made = service("score.ts", { ...env, SCOREFN_ERROR_DETAIL: "location" });
    await expect(made.runtime.start()).rejects.toMatchObject({ code: "ERR_MODEL_NOT_FOUND", status: 503 });
    expect(made.runtime.state).toBe("failed");
    expect((await made.post("{}")).status).toBe(503);
    expect((await made.get("/ready")).text).toContain(`There is no ${model}`);
    expect(made.logged()).toContain(`There is no ${model}`);
    mkdirSync(model);
    writeFileSync(join(model, "model.txt"), "come late");
    await until(async () => (await made.post("{}")).status === 200, "a later request finds it");
    expect(JSON.parse((await made.post("{}")).text)[0]).toBe("come late");
  });

  test("ends the command, which says why", async () => {
    const { app, env } = layOut();
    const port = await freePort();
    const cli = packageFile("dist/adapters/cli/scorefn.js");
    const flags = ["--entry_script", "score.py", "--port", String(port), "--model_uri", `file://${app}/nowhere`];
    const server = startServer({
      command: process.execPath,
      args: [cli, "serve", ...flags],
      cwd: app,
      port,
      env: { ...process.env, ...env },
    });
    expect(await server.waitExit()).toBe(3);
    expect(server.stderr()).toMatch(
      /the score script cannot be served: There is no \S+nowhere \(ENOENT\): check the address\./,
    );
  });
});

test("a built function fetches its model, and says why it cannot", async () => {
  const { app, model, env } = layOut();
  const out = join(app, "build");
  await buildLambda({ entryScript: join(app, "score.ts"), out });
  const { AML_APP_ROOT: _, ...variables } = env;
  for (const expected of [200, 503]) {
    let log = "";
    const onOutput = (text: string): void => {
      log += text;
    };
    const local = await startFunction({ directory: out, onOutput, env: variables });
    onTestFinished(async () => void (await local.stop()));
    const { status, text } = readAnswer(await local.invoke(scoreEvent(Buffer.from("{}")), 30_000));
    expect({ status, log }).toMatchObject({ status: expected });
    if (expected === 200) expect(JSON.parse(text)[0]).toBe("the model");
    else expect(log).toContain(`There is no ${model}`);
    rmSync(model, { recursive: true, force: true });
  }
  expect(readdirSync(join(out, "function/scorefn"))).toContain("fetch-model.mjs");
  expect(readFileSync(join(out, "function/scorefn/host.mjs"), "utf8")).not.toContain("ListObjectsV2Command");
});
