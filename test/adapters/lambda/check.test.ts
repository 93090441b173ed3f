// The function that tries a new version before it gets requests, with the real AWS SDK, against a stand-in for the two
// services it calls.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { buildLambda } from "../../../packaging/aws-lambda/build.ts";
import { startFunction } from "../../../packaging/aws-lambda/invoke.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { preparedAwsSdk } from "../../setup/runtimes.ts";
import { SCRIPTS } from "../../setup/service.ts";

const SETUP_MS = 5 * 60_000;

/** Builds a function and has its check try it. @returns what CodeDeploy was told */
async function check(entryScript: string): Promise<unknown> {
  // Below the folder of the SDK, so that it is found.
  const folder = mkdtempSync(join(await preparedAwsSdk(), "check-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const out = join(folder, "out");
  await buildLambda({ entryScript, out });
  const local = await startFunction({ directory: out, onOutput: () => {} });
  onTestFinished(async () => void (await local.stop()));

  let told: unknown;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = "";
    for await (const chunk of request) body += chunk;
    if (request.url?.endsWith("/invocations")) {
      expect(decodeURIComponent(request.url)).toBe("/2015-03-31/functions/score:7/invocations");
      response.end((await local.invoke(JSON.parse(body))).body);
    } else {
      told = JSON.parse(body);
      response.end("{}");
    }
  };
  const services = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => services.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void services.close());
  const url = `http://127.0.0.1:${(services.address() as AddressInfo).port}`;
  const event = { DeploymentId: "d-1", LifecycleEventHookExecutionId: "hook-1" };
  const call = `import { handler } from "./index.mjs"; await handler(${JSON.stringify(event)});`;
  await promisify(execFile)(process.execPath, ["--input-type=module", "-e", call], {
    cwd: join(out, "check"),
    env: {
      PATH: process.env.PATH,
      NEW_VERSION: "score:7",
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "id",
      AWS_SECRET_ACCESS_KEY: "key",
      AWS_ENDPOINT_URL: url,
    },
  });
  return told;
}

test(
  "a version that answers its own example gets requests",
  async () => {
    expect(await check(packageFile("test/adapters/lambda/scripts/behaves.ts"))).toEqual({
      deploymentId: "d-1",
      lifecycleEventHookExecutionId: "hook-1",
      status: "Succeeded",
    });
  },
  SETUP_MS,
);

test(
  "a version that does not start gets none",
  async () => {
    expect(await check(join(SCRIPTS, "broken/init_throws.ts"))).toMatchObject({ status: "Failed" });
  },
  SETUP_MS,
);
