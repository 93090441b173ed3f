import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { DeploymentSpec } from "../../../endpoint/types.ts";
import { DeadlineError } from "../../../src/host.ts";
import { isAlive, SCRIPTS, temporaryFolder, until } from "../../setup/service.ts";
import { assetsOf, create, deploy, gates, PROBE, specOf } from "./deploy.ts";

const QUICK = { ...PROBE, initialDelay: 1, period: 1, timeout: 1, failureThreshold: 1 };

/** A code folder of this test's own. */
async function codeFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  for (const [name, text] of Object.entries(files)) {
    const path = folder.file(name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
  }
  return folder.file("");
}

describe("what a script finds (contract ENV-1, ENV-2, ENV-9)", () => {
  test("Azure's variables, those of the file over them, and its own swagger documents", async () => {
    const folder = await codeFolder({
      "onlinescoring/score.py": "import os\ndef init(): pass\ndef run(name): return os.environ.get(name)\n",
      "onlinescoring/swagger2.json": '{"mine": true}',
    });
    const code = { folder, scoringScript: "onlinescoring/score.py" };
    const blue = await deploy(specOf("", { code, maxConcurrentRequestsPerInstance: 2 }), {
      ...assetsOf({ MINE: "blue's", PATH: `${process.env.PATH}:/mine` }),
      modelDir: "/models/one",
    });
    const ask = async (name: string): Promise<unknown> => JSON.parse((await blue.post(name)).text);
    expect(await ask("AML_APP_ROOT")).toBe(join(folder, "onlinescoring"));
    expect(await ask("AZUREML_ENTRY_SCRIPT")).toBe("score.py");
    expect(await ask("AZUREML_MODEL_DIR")).toBe("/models/one");
    expect(await ask("MINE")).toBe("blue's");
    expect(await ask("PATH")).toMatch(/:\/mine$/);
    expect(await ask("HOME")).toBe(process.env.HOME);
    expect(await ask("WORKER_COUNT")).toBe("2");
    expect(blue.workers).toMatchObject({ idle: 2 });
    expect(JSON.parse((await blue.get("/swagger.json")).text)).toEqual({ mine: true });

    await blue.update(
      blue.spec,
      assetsOf({ AZUREML_MODEL_DIR: "/elsewhere", AML_APP_ROOT: SCRIPTS, AZUREML_ENTRY_SCRIPT: "environment.ts" }),
    );
    expect(await ask("AZUREML_MODEL_DIR")).toBe("/elsewhere");
  });

  test("no variable of another deployment, nor has this process", async () => {
    const secret = "s3cr3t";
    const blue = await deploy(
      specOf("environment.ts"),
      assetsOf({ SECRET: secret, SCOREFN_SCRIPT_HOST: "in-process" }),
    );
    const green = await deploy(specOf("environment.ts", { name: "green" }), assetsOf());
    expect(JSON.parse((await blue.post("SECRET")).text)).toBe(secret);
    // Nothing.
    expect((await green.post("SECRET")).text).toBe("{}");
    expect((await green.post("AZUREML_MODEL_DIR")).text).toBe("{}");
    expect(process.env.SECRET).toBeUndefined();
    expect(Object.values(process.env)).not.toContain(secret);
    expect(blue.written() + green.written()).not.toContain(secret);
  });

  test("WORKER_COUNT that disagrees warns and does not count; a variable that cannot be used stops the start", async () => {
    const blue = await deploy(specOf("echo.ts", { instanceCount: 2 }), assetsOf({ WORKER_COUNT: "4" }));
    expect(blue.workers).toMatchObject({ idle: 2 });
    expect(blue.written()).toContain("WORKER_COUNT is 4, but max_concurrent_requests_per_instance 1");
    const bad = create(specOf("echo.ts"), assetsOf({ SCOREFN_READY_PATH: "nowhere" }));
    await expect(bad.start()).rejects.toMatchObject({ code: "ERR_CONFIG" });
    expect(bad.state).toBe("Failed");
  });

  test("the values of secrets stand in no warning and no problem", async () => {
    const secret = 's3c"r3t';
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in files
    const reference = "${{azureml://connections/mine}}";
    const written = (name: string) => specOf("echo.ts", { environmentVariables: { [name]: reference } });
    const blue = await deploy(written("WORKER_COUNT"), assetsOf({ WORKER_COUNT: "1234567" }));
    expect(blue.written()).toContain(`WORKER_COUNT is ${reference}, but`);
    expect(blue.written()).not.toContain("1234567");
    for (const name of ["SCOREFN_READY_PATH", "SCOREFN_WORKER_CONCURRENCY", "SCOREFN_LOG_FORMAT"]) {
      const bad = create(written(name), assetsOf({ [name]: secret }));
      const why = await bad.start().then(
        () => bad.written(),
        (error: Error) => error.message,
      );
      expect(why).not.toContain("s3c");
    }
  });
});

describe("start()", () => {
  test("fails with the script's own reason, and the deployment is closed", async () => {
    const blue = create(specOf("broken/init_throws.py"));
    expect(blue).toMatchObject({ isReady: false, whyNotReady: "Deployment blue is starting.", state: "Creating" });
    const waits = blue.start();
    await expect(waits).rejects.toMatchObject({
      code: "ERR_SCRIPT_INIT",
      report: { location: { file: "init_throws.py" } },
    });
    const { message } = (await waits.catch((error: unknown) => error)) as Error;
    expect(blue).toMatchObject({ state: "Failed", isReady: false, whyNotReady: message });
    expect(await blue.post("")).toMatchObject({ status: 503, text: JSON.stringify({ message }) });
    expect(blue.written()).toContain("Traceback");
    await expect(blue.update(specOf("echo.py"), assetsOf())).rejects.toMatchObject({ message });
  });

  test("of an init() that does not end gives up when the first probe would (contract DP-21)", async () => {
    const [gate] = await gates(1);
    const livenessProbe = { ...QUICK, failureThreshold: 2 };
    const blue = create(specOf("init_waits_for_file.py", { livenessProbe }), assetsOf({ TEST_GATE: gate!.path }));
    await expect(blue.start()).rejects.toThrow(
      /was not ready after 3 s, when its liveness_probe \(initial_delay 1, .* gives up/,
    );
    expect(blue.state).toBe("Failed");
  });

  test("that is still under way lets requests wait", async () => {
    const [gate] = await gates(1);
    const blue = create(specOf("init_waits_for_file.py"), assetsOf({ TEST_GATE: gate!.path }));
    const started = blue.start();
    const answer = blue.post("early");
    expect(blue.inFlight).toBe(1);
    await gate!.open();
    await started;
    expect(await answer).toMatchObject({ status: 200, text: '"early"' });
    expect(blue).toMatchObject({
      state: "Succeeded",
      isReady: true,
      whyNotReady: null,
      inFlight: 0,
      instances: 1,
      capacity: 2,
    });
  });
});

describe("limits", () => {
  test("a request whose time is over ends with its run(), and its place is free", async () => {
    const [gate, next] = await gates(2);
    const blue = await deploy(specOf("swallows_interrupts.py"));
    const abort = new AbortController();
    const answer = blue.post(gate!.path, { signal: abort.signal });
    await gate!.begun();
    const waits = blue.post(next!.path);
    abort.abort(new DeadlineError(5_000));
    expect((await answer).errorCode).toBe("ERR_DEADLINE");
    await next!.begun();
    await next!.open();
    expect((await waits).status).toBe(200);
  });

  test("on Kubernetes a request waits for max_queue_wait_ms at most (contract K8S-2)", async () => {
    const [gate] = await gates(1);
    const kubernetes: Partial<DeploymentSpec> = { kind: "kubernetes", maxQueueWaitMs: 50 };
    const blue = await deploy(specOf("waits_for_file.ts", kubernetes));
    const first = blue.post(gate!.path);
    await gate!.begun();
    expect(await blue.post("")).toMatchObject({ status: 503, errorCode: "ERR_OVERLOAD" });
    await gate!.open();
    expect((await first).status).toBe(200);
  });

  test("all that the gateway may let in finds room", async () => {
    const [gate] = await gates(1);
    const blue = await deploy(specOf("waits_for_file.ts", { maxConcurrentRequestsPerInstance: 2 }));
    expect(blue.capacity).toBe(4);
    const answers = Array.from({ length: 2 * blue.capacity }, () => blue.post(gate!.path));
    await until(() => blue.waiting === 6, "six wait");
    await gate!.open();
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
  });
});

describe("probes", () => {
  test("a worker that has nothing to do and does not react is replaced; one that is busy is not asked", async () => {
    const [gate] = await gates(1);
    const spec = specOf("waits_for_file.py", { livenessProbe: { ...QUICK, failureThreshold: 2 }, instanceCount: 2 });
    const blue = await deploy(spec);
    // The first place takes what comes first.
    const busy = blue.post(gate!.path);
    await gate!.begun();
    const idle = Number((await blue.post("")).text);
    process.kill(idle, "SIGSTOP");
    await until(
      () => blue.written().includes(`Worker process ${idle} was killed by SIGKILL because`),
      "it is replaced",
    );
    expect(blue.written()).toContain("it has not answered liveness_probe 2 times");
    await until(() => blue.workers?.idle === 1, "another is there");
    await gate!.open();
    expect((await busy).status).toBe(200);
  });

  test("a replacement whose init() hangs is started anew", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const file = folder.file("what");
    const spec = specOf("init_fails_while_file.py", { livenessProbe: QUICK });
    const blue = await deploy(spec, assetsOf({ TEST_FILE: file }));
    const pid = Number((await blue.post("")).text);
    writeFileSync(file, "hang");
    process.kill(pid, "SIGKILL");
    await until(() => blue.workers?.starting === 1, "another is starting");
    const waits = blue.post("");
    await until(() => blue.written().includes("it has not answered liveness_probe 1 times"), "it is given up");
    await folder.remove();
    await until(async () => (await blue.post("")).status === 200, "it has come up");
    // It has heard of the failure, or waited for the next one.
    expect([200, 503]).toContain((await waits).status);
  });

  test("readiness that gives up says why, and comes back", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const file = folder.file("what");
    const blue = await deploy(
      specOf("init_fails_while_file.py", { readinessProbe: QUICK }),
      assetsOf({ TEST_FILE: file }),
    );
    const pid = Number((await blue.post("")).text);
    writeFileSync(file, "raise");
    process.kill(pid, "SIGKILL");
    await until(() => !blue.isReady, "it is not ready");
    await until(() => blue.written().includes("readiness_probe has failed 1 times"), "the probe has noticed");
    await until(() => blue.whyNotReady?.includes("the model store is down"), "it says why");
    writeFileSync(file, "");
    const { rmSync } = await import("node:fs");
    rmSync(file);
    await until(() => blue.isReady, "it is ready again");
    expect((await blue.post("")).status).toBe(200);
  });
});

describe("lines", () => {
  test.for(["false", "true"])(
    "all that it writes goes to the sink, and the last are kept (WORKER_PRELOAD %s)",
    async (preload) => {
      const folder = await codeFolder({
        "score.py":
          "import os, sys\ndef init(): print('from init')\ndef run(text):\n    print('printed')\n    os.write(1, text.encode())\n    os.write(2, b'on stderr\\n')\n",
      });
      const lines: [string, string][] = [];
      const onLine = (deployment: string, line: string): void => void lines.push([deployment, line]);
      const spec = specOf("", { code: { folder, scoringScript: "score.py" } });
      const blue = await deploy(spec, assetsOf({ SCOREFN_LOG_FORMAT: "json", WORKER_PRELOAD: preload }), { onLine });
      await blue.post("straight to stdout: \u00e9\nno line end");
      await blue.close(5_000);
      // The last line has no end.
      expect(lines.map(([, line]) => line)).toContain("no line end");
      expect(lines.map(([name]) => name)).toEqual(lines.map(() => "blue"));
      const all = lines.map(([, line]) => line);
      expect(all).toEqual(expect.arrayContaining(["straight to stdout: \u00e9", "on stderr"]));
      expect(blue.logs(2)).toEqual(all.slice(-2));
      const records = all.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
      expect(records.length).toBeGreaterThan(3);
      for (const record of records) expect(record).toMatchObject({ deployment: "blue", time: expect.any(String) });
      const messages = records.map(({ message }) => message);
      expect(messages).toEqual(expect.arrayContaining(["from init", "printed"]));
      expect(messages).toContainEqual(expect.stringMatching(/^POST \/score 200/));
    },
  );

  test("what a logging.json sends to stderr goes there, too", async () => {
    const handlers = { mine: { class: "logging.StreamHandler", formatter: "mine" } };
    const formatters = { mine: { format: "MINE %(name)s %(message)s" } };
    const loggers = { azmlinfsrv: { handlers: ["mine"], level: "INFO" } };
    const folder = await codeFolder({
      "score.py": "def init(): print('from init')\ndef run(text): return text\n",
      "logging.json": JSON.stringify({ version: 1, formatters, handlers, loggers }),
    });
    const blue = await deploy(specOf("", { code: { folder, scoringScript: "score.py" } }));
    await blue.close(5_000);
    expect(blue.written()).toContain("MINE azmlinfsrv Scoring timeout is set to 61000");
    expect(blue.written()).toMatch(/MINE azmlinfsrv\.print .*from init/);
  });

  test("a script that prints without end is not held up, and costs no memory", async () => {
    const folder = await codeFolder({
      "score.py":
        "import os\ndef init(): pass\ndef run(n):\n    for _ in range(int(n)): os.write(1, b'x' * 65535 + b'\\n' + b'y' * 200000)\n    return os.getpid()\n",
    });
    const blue = await deploy(specOf("", { code: { folder, scoringScript: "score.py" } }));
    expect((await blue.post("100")).status).toBe(200);
    const kept = blue.logs(5_000);
    expect(Math.max(...kept.map(({ length }) => length))).toBeLessThanOrEqual(65_536);
  });
});

test("close() lets what runs end, takes nothing more, and leaves no process", async () => {
  const [gate] = await gates(1);
  const blue = await deploy(specOf("waits_for_file.ts"));
  const pid = Number((await blue.post("")).text);
  const runs = blue.post(gate!.path);
  await gate!.begun();
  const closed = blue.close(60_000);
  expect(blue).toMatchObject({ state: "Deleting", isReady: false, whyNotReady: "Deployment blue is being deleted." });
  expect((await blue.post("")).status).toBe(503);
  await gate!.open();
  expect((await runs).status).toBe(200);
  await closed;
  expect(isAlive(pid)).toBe(false);
});

test("close(0) ends what close() waits for", async () => {
  const [gate] = await gates(1);
  const blue = await deploy(specOf("swallows_interrupts.py"));
  const pid = Number((await blue.post("")).text);
  const runs = blue.post(gate!.path);
  await gate!.begun();
  const closed = blue.close(3_600_000);
  void blue.close(0);
  expect((await runs).status).toBe(500);
  await closed;
  expect(isAlive(pid)).toBe(false);
  await expect(blue.start()).resolves.toBeUndefined();
});

test("close() during a start, and before one", async () => {
  const [gate] = await gates(1);
  const blue = create(specOf("init_waits_for_file.py"), assetsOf({ TEST_GATE: gate!.path }));
  const started = blue.start();
  const waits = blue.post("");
  const rejected = expect(started).rejects.toMatchObject({ code: "ERR_STOPPING" });
  await blue.close(3_600_000);
  await rejected;
  expect((await waits).status).toBe(503);
  expect(blue.state).toBe("Deleting");

  const green = create(specOf("echo.ts"));
  await green.close(0);
  await expect(green.start()).rejects.toMatchObject({ code: "ERR_STOPPING" });
  expect((await green.post("")).status).toBe(503);
});
