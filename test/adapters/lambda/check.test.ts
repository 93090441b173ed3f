// The function that tries a new version before it gets requests, with the real AWS SDK, against a stand-in for the two
// services it calls.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { buildLambda } from "../../../packaging/aws-lambda/build.ts";
import { renderCheck } from "../../../packaging/aws-lambda/check.ts";
import { startFunction } from "../../../packaging/aws-lambda/invoke.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { preparedAwsSdk } from "../../setup/runtimes.ts";
import { SCRIPTS } from "../../setup/service.ts";

const SETUP_MS = 5 * 60_000;

/** What the check of a new version did. */
interface Checked {
  /** What CodeDeploy was told. */
  readonly told: unknown;
  /** The paths that the version was asked for, in that order. */
  readonly asked: readonly string[];
}

interface CheckOptions {
  readonly entryScript: string;
  /** Body of check-request.json. */
  readonly request?: string | undefined;
  readonly streams?: boolean;
  /** After so long Lambda gives up on a call. */
  readonly timeoutSeconds?: number;
  readonly env?: Record<string, string>;
  /** Answers instead of the version, for as long as it gives something; an error is one of the function's. */
  readonly instead?: (() => object | undefined) | undefined;
}

/** Builds a function and has its check try it. */
async function check(options: CheckOptions): Promise<Checked> {
  const { entryScript, request, streams, timeoutSeconds, env, instead } = options;
  // Below the folder of the SDK, so that it is found.
  const folder = mkdtempSync(join(await preparedAwsSdk(), "check-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const out = join(folder, "out");
  await buildLambda({ entryScript, out, streams, timeoutSeconds });
  for (const [path, content] of Object.entries(renderCheck(request))) writeFileSync(join(out, "check", path), content);
  const local = await startFunction({ directory: out, onOutput: () => {}, ...(env !== undefined && { env }) });
  onTestFinished(async () => void (await local.stop()));

  let told: unknown;
  const asked: string[] = [];
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = "";
    for await (const chunk of incoming) body += chunk;
    if (incoming.url?.endsWith("/invocations")) {
      expect(decodeURIComponent(incoming.url)).toBe("/2015-03-31/functions/score:7/invocations");
      const event = JSON.parse(body);
      asked.push(`${event.requestContext.http.method} ${event.rawPath}`);
      const given = instead?.();
      if (given === undefined) {
        const { kind, body: bytes } = await local.invoke(event);
        if (kind !== "answer") response.setHeader("x-amz-function-error", "Unhandled");
        response.end(bytes);
      } else {
        if (given instanceof Error) response.setHeader("x-amz-function-error", "Unhandled");
        response.end(JSON.stringify(given instanceof Error ? { errorMessage: given.message } : given));
      }
    } else {
      told = JSON.parse(body);
      response.end("{}");
    }
  };
  const services = createServer((incoming, response) => void answer(incoming, response));
  await new Promise<void>((resolve) => services.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void services.close());
  const url = `http://127.0.0.1:${(services.address() as AddressInfo).port}`;
  const event = { DeploymentId: "d-1", LifecycleEventHookExecutionId: "hook-1" };
  const call = `import { handler } from "./check.mjs"; await handler(${JSON.stringify(event)});`;
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
  return { told, asked };
}

const BEHAVES = packageFile("test/adapters/lambda/scripts/behaves.ts");
const SUCCEEDED = { deploymentId: "d-1", lifecycleEventHookExecutionId: "hook-1", status: "Succeeded" };
const FAILED = { ...SUCCEEDED, status: "Failed" };
const NOT_READY = { statusCode: 503, body: "the model is out of reach", isBase64Encoded: false };

describe("a version gets requests", { timeout: SETUP_MS }, () => {
  test("when it is ready, though nothing is known of the requests it takes", async () => {
    const { told, asked } = await check({ entryScript: join(SCRIPTS, "sums.ts") });
    expect(told).toEqual(SUCCEEDED);
    expect(asked).toEqual(["GET /ready"]);
  });

  test.for([true, false])("when it answers the request of the build, streaming: %s", async (streams) => {
    const { told, asked } = await check({ entryScript: BEHAVES, request: '{"data": "Grüße"}', streams });
    expect(told).toEqual(SUCCEEDED);
    expect(asked).toEqual(["GET /ready", "POST /score"]);
  });

  test("when it is ready after all", async () => {
    const failures = [NOT_READY, new Error("Runtime.ExitError")];
    const instead = () => failures.shift();
    const { told, asked } = await check({ entryScript: BEHAVES, instead });
    expect(told).toEqual(SUCCEEDED);
    expect(asked).toEqual(["GET /ready", "GET /ready", "GET /ready"]);
  });

  test("when it tells elsewhere that it is ready", async () => {
    const { told } = await check({ entryScript: BEHAVES, env: { SCOREFN_READY_PATH: "/health/ready" } });
    expect(told).toEqual(SUCCEEDED);
  });
});

describe("a version gets none", { timeout: SETUP_MS }, () => {
  test("when it does not start", async () => {
    expect((await check({ entryScript: join(SCRIPTS, "broken/init_throws.ts") })).told).toEqual(FAILED);
  });

  test("when it stays not ready", async () => {
    const { told, asked } = await check({ entryScript: BEHAVES, request: "{}", instead: () => NOT_READY });
    expect(told).toEqual(FAILED);
    expect(asked).toEqual(["GET /ready", "GET /ready", "GET /ready"]);
  });

  test.for([true, false])("when it fails on the request of the build, streaming: %s", async (streams) => {
    const { told, asked } = await check({ entryScript: BEHAVES, request: "fail", streams });
    expect(told).toEqual(FAILED);
    expect(asked).toEqual(["GET /ready", "POST /score"]);
  });

  test("when it dies of the request of the build", async () => {
    const options = { entryScript: join(SCRIPTS, "dies.ts"), request: "exit", timeoutSeconds: 2 };
    expect((await check(options)).told).toEqual(FAILED);
  });
});
