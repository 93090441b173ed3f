// CodeDeploy calls this function before a new version gets requests, and takes the version back if it fails. It has a
// runtime of its own, with the AWS SDK that Lambda brings along.
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { CodeDeployClient, PutLifecycleEventHookExecutionStatusCommand } from "@aws-sdk/client-codedeploy";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";

/** A request to /score that the version must answer; only there when the build was given one. */
const REQUEST = new URL("check-request.json", import.meta.url);

/** What init() fetches may be out of reach for a moment. */
const TRIES = 3;
const PAUSE_MS = 1_000;

/** Characters of an answer that are logged. */
const SHOWN = 1_000;

const lambda = new LambdaClient();
const codeDeploy = new CodeDeployClient();

export async function handler({ DeploymentId: deploymentId, LifecycleEventHookExecutionId }) {
  let status = "Failed";
  try {
    await waitUntilReady();
    if (existsSync(REQUEST)) await score(readFileSync(REQUEST));
    status = "Succeeded";
  } catch (error) {
    console.error(error);
  }
  const lifecycleEventHookExecutionId = LifecycleEventHookExecutionId;
  await codeDeploy.send(
    new PutLifecycleEventHookExecutionStatusCommand({ deploymentId, lifecycleEventHookExecutionId, status }),
  );
}

async function waitUntilReady() {
  for (let tries = 1; ; tries++) {
    const { status, text } = await call("GET", "/ready");
    console.log(`GET /ready: ${status} ${text}`);
    // Another status below 500 means that the path is not the default one, and that the function answers.
    if (status < 500) return;
    if (tries === TRIES) throw new Error(`the version is not ready: ${text}`);
    await delay(PAUSE_MS);
  }
}

async function score(body) {
  const { status, text } = await call("POST", "/score", body);
  console.log(`POST /score: ${status} ${text}`);
  if (status >= 400) throw new Error(`the version answers the request of the build with ${status}: ${text}`);
}

/** Calls the version as a Function URL would. */
async function call(method, rawPath, body) {
  const event = {
    version: "2.0",
    rawPath,
    rawQueryString: "",
    headers: body === undefined ? {} : { "content-type": "application/json", "content-length": String(body.length) },
    requestContext: { stage: "$default", http: { method, path: rawPath, sourceIp: "127.0.0.1" } },
    body: body?.toString("base64"),
    isBase64Encoded: body !== undefined,
  };
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName: process.env.NEW_VERSION, Payload: JSON.stringify(event) }),
  );
  const payload = Buffer.from(Payload).toString();
  return FunctionError ? { status: 502, text: payload.slice(0, SHOWN) } : readAnswer(payload);
}

/** A function that streams puts its head, a JSON object and eight zero bytes, in front of the body. */
function readAnswer(payload) {
  const end = payload.indexOf("\0".repeat(8));
  if (end >= 0) {
    return { status: JSON.parse(payload.slice(0, end)).statusCode, text: payload.slice(end + 8).slice(0, SHOWN) };
  }
  const { statusCode, body, isBase64Encoded } = JSON.parse(payload);
  const text = Buffer.from(body ?? "", isBase64Encoded ? "base64" : "utf8").toString();
  return { status: statusCode, text: text.slice(0, SHOWN) };
}
