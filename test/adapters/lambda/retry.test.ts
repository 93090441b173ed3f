// An init() that fails for the moment: the next request has it called again.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { createHandler, inProcess, startService } from "../../../adapters/lambda/index.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import type { Language } from "../../setup/service.ts";
import { startScript } from "./driver.ts";
import { contextWith, fromResult, toEvent } from "./front-door.ts";

const folder = mkdtempSync(join(tmpdir(), "scorefn-retry-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

const count = (log: string, pattern: RegExp): number => log.match(pattern)?.length ?? 0;
const REASON = /the model store is down/g;

describe.each(["typescript", "python"] as const)("%s", (language: Language) => {
  const extension = language === "python" ? "py" : "ts";
  const ATTEMPT = language === "python" ? /Initializing logger/g : /Invoking user's init function/g;

  async function serve() {
    const file = join(folder, `file-${files++}`);
    writeFileSync(file, "raise");
    const service = await startScript(`init_fails_while_file.${extension}`, language, { TEST_FILE: file });
    onTestFinished(() => service.runtime.close(0));
    const handler = createHandler(service);
    const send = async (target: string, body?: string, ms = DEADLINE_MS) =>
      fromResult(await handler(toEvent("url", { target, ...(body !== undefined && { body }) }), contextWith(ms)));
    return { file, send, logged: service.logged, service };
  }

  test("each request has init() called again until it succeeds, and the log tells each reason", async () => {
    const { file, send, logged, service } = await serve();
    expect(count(logged(), REASON)).toBeGreaterThan(0);
    for (let round = 0; round < 5; round++) {
      const before = logged().length;
      expect((await send("/score", "x")).status).toBe(503);
      expect(count(logged().slice(before), REASON)).toBeGreaterThan(0);
    }
    expect(count(logged(), ATTEMPT)).toBe(6);
    expect((await send("/ready")).status).toBe(503);
    rmSync(file);
    expect((await send("/score", "x")).status).toBe(200);
    expect((await send("/ready")).status).toBe(200);
    expect(service.runtime.state).toBe("ready");
  });

  test.each(["/swagger.json", "/score?a=1"])("GET %s does so, too", async (target) => {
    const { file, send } = await serve();
    expect((await send(target)).status).toBe(503);
    rmSync(file);
    expect((await send(target)).status).toBe(200);
  });

  test("requests that come together wait for one attempt", async () => {
    const { file, send, logged } = await serve();
    const answers = await Promise.all(Array.from({ length: 5 }, () => send("/score", "x")));
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
    expect(count(logged(), ATTEMPT)).toBe(2);
    rmSync(file);
    const later = await Promise.all(Array.from({ length: 5 }, () => send("/score", "x")));
    expect(later.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(count(logged(), ATTEMPT)).toBe(3);
  });
});

test("a Python worker that dies in init() without a word is started again by the next request", async () => {
  const file = join(folder, `file-${files++}`);
  writeFileSync(file, "die");
  const service = await startScript("init_fails_while_file.py", "python", { TEST_FILE: file });
  onTestFinished(() => service.runtime.close(0));
  const handler = createHandler(service);
  const event = toEvent("url", { target: "/score", body: "x" });
  for (let round = 0; round < 3; round++) {
    expect(fromResult(await handler(event, contextWith(DEADLINE_MS))).status).toBe(503);
  }
  rmSync(file);
  expect(fromResult(await handler(event, contextWith(DEADLINE_MS))).status).toBe(200);
  expect(service.logged()).toMatch(/\b9\b/);
});

test("a Python script whose import fails is imported again: each attempt is a process of its own", async () => {
  const source = mkdtempSync(join(folder, "source-"));
  const file = join(source, "down");
  writeFileSync(file, "");
  const script = `import os\nif os.path.exists(${JSON.stringify(file)}):\n    raise OSError("down")\ndef init(): pass\ndef run(raw_data): return raw_data\n`;
  writeFileSync(join(source, "score.py"), script);
  const service = await startScript(join(source, "score.py"), "python");
  onTestFinished(() => service.runtime.close(0));
  const handler = createHandler(service);
  const send = async () =>
    fromResult(await handler(toEvent("url", { target: "/score", body: "x" }), contextWith(DEADLINE_MS))).status;
  expect(await send()).toBe(503);
  rmSync(file);
  expect(await send()).toBe(200);
});

test("an attempt goes on behind a request whose time is up, and serves the next", async () => {
  let calls = 0;
  let go = (): void => {};
  const service = await startService(
    inProcess(async () => ({
      init() {
        calls++;
        if (calls === 1) throw new Error("not yet");
        return new Promise<void>((resolve) => {
          go = resolve;
        });
      },
      run: () => 1,
    })),
    { entryScript: "score.ts", env: {}, write: () => {} },
  );
  const handler = createHandler(service);
  const send = async (ms: number) =>
    fromResult(await handler(toEvent("url", { target: "/score", body: "" }), contextWith(ms))).status;
  expect(await send(200)).toBe(504);
  const next = send(DEADLINE_MS);
  go();
  expect(await next).toBe(200);
  expect(calls).toBe(2);
});

test("a module that failed is not imported again: Node would give it half made", async () => {
  let imports = 0;
  const service = await startService(
    inProcess(async () => {
      imports++;
      throw new RangeError("no such model");
    }),
    { entryScript: "score.ts", env: {}, write: () => {} },
  );
  const handler = createHandler(service);
  for (let round = 0; round < 3; round++) {
    expect(fromResult(await handler(toEvent("url", { target: "/score", body: "" }))).status).toBe(503);
  }
  expect(imports).toBe(1);
  expect(service.runtime.state).toBe("failed");
});
