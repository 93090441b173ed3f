import { join } from "node:path";
import { expect, test } from "vitest";
import { buildAzure } from "../../../packaging/azure-functions/build.ts";
import { freePort, startServer } from "../../setup/server.ts";
import { SCRIPTS, temporaryFolder } from "../../setup/service.ts";

/** Core Tools bring the real host and its language worker; they cannot be had from a package registry. */
const FUNC = process.env.SCOREFN_TEST_FUNC;

test("the real host and language worker serve a build", async ({ skip, onTestFinished }) => {
  skip(FUNC === undefined, "set SCOREFN_TEST_FUNC to the path of Core Tools' func to run this");
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const out = folder.file("app");
  await buildAzure({ entryScript: join(SCRIPTS, "streams.ts"), out });
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, FUNCTIONS_CORE_TOOLS_TELEMETRY_OPTOUT: "1" };
  const server = startServer({ command: FUNC!, args: ["start", "--port", String(port)], cwd: out, env, port });
  await server.waitReady("/");
  const post = async (target: string, body: string) => {
    const answer = await fetch(server.url + target, { method: "POST", body });
    return { status: answer.status, text: await answer.text() };
  };
  expect(await post("/score", "text")).toEqual({ status: 200, text: "onetwo" });
  expect(await post("/score?headers=x", "text")).toEqual({ status: 200, text: "onetwo" });
  expect(await post("/score", "fails later")).toEqual({ status: 200, text: "first" });
  expect((await post("/score", "fails")).status).toBe(500);
  expect((await fetch(`${server.url}/swagger.json`)).status).toBe(200);
  expect((await fetch(`${server.url}/ready`)).status).toBe(200);
});
