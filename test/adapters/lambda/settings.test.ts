import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createHandler, inProcess, startService } from "../../../adapters/lambda/index.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { contextWith, fromResult, toEvent } from "./front-door.ts";

/** A function that was deployed to this folder. */
async function deployed(folder: string, env: Readonly<Record<string, string>> = {}) {
  let logged = "";
  const service = await startService(
    inProcess(async () => ({ init() {}, run: () => 1 })),
    {
      entryScript: "score.ts",
      env: { LAMBDA_TASK_ROOT: packageFile(`test/fixtures/${folder}`), ...env },
      write: (lines) => {
        logged += lines;
      },
    },
  );
  onTestFinished(() => service.runtime.close(0));
  const handler = createHandler(service);
  const send = async (target: string) =>
    fromResult(
      await handler(toEvent("url", { target, ...(target === "/score" && { body: "" }) }), contextWith(DEADLINE_MS)),
    );
  return { config: service.config, send, logged: () => logged };
}

test("CFG-1, CFG-9: config.json of the function's folder counts; other keys of it are warned about", async () => {
  const { config, send, logged } = await deployed("configured", { SERVICE_NAME: "from a variable" });
  expect(config).toMatchObject({ serviceName: "from a variable", scoringTimeoutMs: 12_345 });
  expect(logged()).toContain("W [");
  expect(logged()).toContain("Extra keys = ['UNKNOWN']");
  expect((await send("/swagger.json?version=3")).body.toString()).toBe('{"mine": 1.0}');
});

test.each([
  ["config", "Invalid config file!: ", "config.json"],
  ["swagger", "The swagger file ", "swagger.json"],
])("CFG-10, SW-8: a broken %s.json is what every request is answered with", async (kind, prefix, file) => {
  const folder = `misconfigured/${kind}`;
  const { send, logged } = await deployed(folder, { SCOREFN_ERROR_DETAIL: "location" });
  expect(logged()).toContain(prefix + join(packageFile(`test/fixtures/${folder}`), file));
  for (const target of ["/score", "/swagger.json", "/ready"]) expect((await send(target)).status).toBe(503);
  expect((await send("/")).status).toBe(200);
});
