import { expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { startApp, type TestApp } from "./host.ts";

/** An app that was built into this folder. */
async function built(folder: string): Promise<TestApp> {
  const appRoot = packageFile(`test/fixtures/${folder}`);
  const script = packageFile("test/fixtures/scripts/echo.ts");
  const app = await startApp(
    "buffered",
    script,
    { AML_APP_ROOT: appRoot },
    {
      built: { appRoot, entryScript: "echo.ts" },
    },
  );
  onTestFinished(app.terminate);
  return app;
}

test("CFG-1, CFG-9: config.json of the app's folder counts; other keys of it are warned about", async () => {
  const app = await built("configured");
  expect(app.service.config).toMatchObject({ serviceName: "from the file", scoringTimeoutMs: 12_345 });
  expect(app.text()).toContain("Extra keys = ['UNKNOWN']");
  const { status, body } = await app.send({ target: "/swagger.json?version=3" });
  expect([status, body.toString()]).toEqual([200, '{"mine": 1.0}']);
});

test.each([
  ["config", "Invalid config file!: "],
  ["swagger", "The swagger file "],
])("CFG-10, SW-8: a broken %s.json is what every request is answered with", async (kind, prefix) => {
  const app = await built(`misconfigured/${kind}`);
  expect(app.text()).toContain(prefix);
  for (const target of ["/score", "/swagger.json", "/ready"]) {
    expect((await app.send({ target, ...(target === "/score" && { body: "" }) })).status).toBe(503);
  }
  expect((await app.send({ target: "/" })).status).toBe(200);
});
