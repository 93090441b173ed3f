// `online-endpoint invoke`: one request, as az sends it (contract EP-23, EP-24).
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Hello } from "../../../endpoint/control/channel/messages.ts";
import { invalid, notFound, OperationError } from "../../../endpoint/control/errors.ts";
import type { OnlineFlags } from "./command-line.ts";
import { required } from "./documents.ts";
import { type Answer, post } from "./post.ts";
import type { OnlineHost } from "./program.ts";
import { type Reached, reach } from "./reach.ts";

/** The longest time that an endpoint gives a script, on Kubernetes, and some more for the way, in milliseconds. */
const PATIENCE_MS = 330_000;

/** 200 and 201, as az has it. */
const SUCCESSES: ReadonlySet<number> = new Set([200, 201]);

interface ShownDeployment {
  readonly name: string;
  readonly code_configuration: { readonly code: string; readonly scoring_script: string } | null;
}

/** @returns the body of the answer, as text   @throws OperationError for every answer that is not a success */
export async function invoke(flags: OnlineFlags, host: OnlineHost): Promise<string> {
  const name = required(flags, "--name", "names the endpoint");
  const body = await readRequest(
    resolve(host.cwd, required(flags, "--request-file", "names the file with the request")),
  );
  const endpoint = await reach(name, host);
  const deployment = flags.text("--deployment-name")?.toLowerCase();
  const awaited = deployment === undefined ? "" : `/${encodeURIComponent(deployment)}`;
  const { scoringUri } = (await endpoint.ask("GET", `/settled${awaited}`)) as Hello;
  const deployments = (await endpoint.ask("GET", "/deployments")) as readonly ShownDeployment[];
  if (deployment !== undefined) checkDeployment(deployment, deployments);
  const { primaryKey, accessToken } = (await endpoint.ask("GET", "/credentials")) as Record<string, string>;
  const headers = {
    "content-type": "application/json",
    authorization: `Bearer ${primaryKey ?? accessToken}`,
    ...(deployment !== undefined && { "azureml-model-deployment": deployment }),
  };
  const answer = await send(scoringUri, headers, body);
  if (SUCCESSES.has(answer.status)) return answer.body;
  throw new OperationError("failed", explain(endpoint, answer, deployments));
}

/** Reads the file as JSON and writes it again, as az does. */
async function readRequest(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw invalid(`the request file cannot be read: ${(error as Error).message}`);
  }
  try {
    return JSON.stringify(JSON.parse(text.replace(/^\uFEFF/, "")));
  } catch (error) {
    throw invalid(`the request file ${path} is not JSON: ${(error as Error).message}; send other bodies with curl`);
  }
}

function checkDeployment(name: string, deployments: readonly ShownDeployment[]): void {
  if (deployments.length === 0) throw notFound("No deployment exists for this endpoint");
  if (deployments.some((one) => one.name === name)) return;
  throw notFound(
    `Deployment name ${name} not found for this endpoint; there is ${deployments.map((one) => one.name).join(", ")}`,
  );
}

async function send(uri: string, headers: Record<string, string>, body: string): Promise<Answer> {
  try {
    return await post(uri, headers, body, PATIENCE_MS);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = message || code;
    throw new OperationError("failed", `the endpoint does not answer at ${uri}: ${reason}`, error);
  }
}

/** Says what the answer means, and where to look. */
function explain({ folder }: Reached, { status, headers, body }: Answer, all: readonly ShownDeployment[]): string {
  const header = (name: string): string | null => headers[name]?.toString() ?? null;
  const deployment = header("azureml-model-deployment");
  const original = header("ms-azureml-model-error-statuscode");
  const reason = header("ms-azureml-model-error-reason");
  const from = deployment === null ? "" : ` from the deployment ${deployment}`;
  const lines = [`the endpoint returned ${status}${from}: ${body.trim() || "(no body)"}`];
  if (original !== null) lines.push(`the script itself returned ${original}${reason === null ? "" : ` (${reason})`}`);
  else if (reason !== null) lines.push(`reason: ${reason}`);
  if (header("x-ms-run-function-failed")?.toLowerCase() === "true") lines.push("its run() failed");
  const code = all.find(({ name }) => name === deployment)?.code_configuration;
  if (code) lines.push(`script: ${resolve(code.code, code.scoring_script)}`);
  if (deployment !== null && original !== null) {
    lines.push(`log: scorefn online-deployment get-logs -e ${folder.name} -n ${deployment}`);
  }
  return lines.join("\n");
}
