import { join } from "node:path";
import { expect, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { freePort, startServer } from "../../setup/server.ts";
import { SCRIPTS } from "../../setup/service.ts";

/** Runs a command for one request. @returns its access records */
async function accessRecords(command: string, env: Record<string, string>): Promise<readonly string[]> {
  const port = await freePort();
  const file = packageFile(`dist/adapters/cli/${command}.js`);
  const args = [file, ...(command === "scorefn" ? ["serve"] : []), "--entry_script", join(SCRIPTS, "echo.py")];
  const server = startServer({
    command: process.execPath,
    args: [...args, "--port", String(port)],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    port,
  });
  await server.waitReady();
  const signal = AbortSignal.timeout(DEADLINE_MS);
  expect((await fetch(`${server.url}/score`, { method: "POST", body: "1", signal })).status).toBe(200);
  await server.stop();
  return server
    .stdout()
    .split("\n")
    .filter((line) => line.includes(" gunicorn.access - ") && line.includes("POST /score"));
}

test("access records follow AZUREML_LOG_LEVEL under scorefn serve", async () => {
  expect(await accessRecords("scorefn", {})).toHaveLength(1);
  expect(await accessRecords("scorefn", { AZUREML_LOG_LEVEL: "warning" })).toEqual([]);
  const own = { AZUREML_LOG_LEVEL: "warning", SCOREFN_ACCESS_LOG_LEVEL: "INFO" };
  expect(await accessRecords("scorefn", own)).toHaveLength(1);
});

test("the drop-in command writes them whatever AZUREML_LOG_LEVEL is, as the reference does (ENV-15, LOG-10)", async () => {
  expect(await accessRecords("azmlinfsrv", { AZUREML_LOG_LEVEL: "CRITICAL" })).toHaveLength(1);
  expect(await accessRecords("azmlinfsrv", { SCOREFN_ACCESS_LOG_LEVEL: "WARNING" })).toEqual([]);
});
