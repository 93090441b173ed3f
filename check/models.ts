// A model that is served without a script: what its server says of it, and requests for each protocol.
import { SAMPLE } from "../packaging/request-data.ts";
import {
  binaryBody,
  fitsJson,
  inferBody,
  invocationsBody,
  isMadeUp,
  isObject,
  type TensorFacts,
  tensorsOf,
} from "./model-bodies.ts";
import type { CheckResult, Expectation, Finding, RequestCheck, Running, SentRequest } from "./types.ts";

/** What was found out of what is served. */
export interface FoundModels {
  /** Of its models; empty: a script is served. */
  readonly requests: readonly RequestCheck[];
  readonly result?: CheckResult | undefined;
}

interface IndexEntry {
  readonly name: string;
  readonly version?: string;
  readonly state?: string;
  readonly reason?: string;
}

interface Metadata {
  readonly name: string;
  readonly platform?: string;
  readonly inputs: readonly TensorFacts[];
  readonly outputs: readonly TensorFacts[];
}

const JSON_TYPE = { "content-type": "application/json" };

/** Asks a server for its models.
 *  @param example a body of /score that the server's document shows; undefined: none
 *  @param given requests that the user has */
export async function findModels(
  running: Running,
  example: { readonly value: unknown } | undefined,
  given: readonly RequestCheck[],
): Promise<FoundModels> {
  const from = performance.now();
  const index = await ask(running, "POST", "/v2/repository/index");
  if (!Array.isArray(index)) return { requests: [] };
  const entries = index.filter((entry): entry is IndexEntry => isObject(entry) && typeof entry.name === "string");
  const findings = entries.filter(({ state }) => state === "UNAVAILABLE").map(unavailable);
  const names = [...new Set(entries.filter(({ state }) => state !== "UNAVAILABLE").map(({ name }) => name))];
  const single = new Set(entries.map(({ name }) => name)).size === 1;
  const sample = single ? (sampleOf(given) ?? example?.value) : undefined;
  const requests: RequestCheck[] = [];
  for (const name of names) {
    const path = `/v2/models/${encodeURIComponent(name)}`;
    const metadata = await ask(running, "GET", path);
    if (!isMetadata(metadata)) {
      findings.push(wrong(`GET ${path} does not tell the model's inputs and outputs`, `${name} metadata`));
      continue;
    }
    const config = await ask(running, "GET", `${path}/config`);
    if (isObject(config)) findings.push(...configFaults(metadata, config));
    requests.push(...inferRequests(path, metadata, sample));
  }
  if (single && names.length > 0) requests.push(...tableRequests(sample));
  const name = entries.length === 1 ? "the model can be served" : "all models can be served";
  return { requests, result: { name, facts: names.join(", "), ms: performance.now() - from, findings } };
}

/** @returns what a JSON answer with status 200 holds; undefined: there is none */
async function ask(running: Running, method: "GET" | "POST", path: string): Promise<unknown> {
  const headers = method === "GET" ? {} : JSON_TYPE;
  try {
    const answer = await running.send({ method, path, query: "", headers, body: Buffer.alloc(0) });
    return answer.status === 200 ? JSON.parse(answer.body.toString()) : undefined;
  } catch {
    return undefined;
  }
}

function isMetadata(value: unknown): value is Metadata {
  return isObject(value) && [value.inputs, value.outputs].every(isTensorList);
}

function isTensorList(value: unknown): value is readonly TensorFacts[] {
  return Array.isArray(value) && value.every((tensor) => isObject(tensor) && Array.isArray(tensor.shape));
}

function unavailable({ name, version, reason }: IndexEntry): Finding {
  const which = version === undefined ? name : `${name}, version ${version}`;
  const message = `the model ${which} cannot be served${reason === undefined ? "" : `: ${reason}`}`;
  return { rule: "model-version", level: "error", message, key: `${name} ${version ?? ""}` };
}

function wrong(message: string, key: string): Finding {
  return { rule: "model-metadata", level: "error", message, key };
}

/** What a configuration says otherwise than the model. */
function configFaults({ name, inputs, outputs }: Metadata, config: Readonly<Record<string, unknown>>): Finding[] {
  const findings: Finding[] = [];
  for (const [kind, tensors] of [
    ["input", inputs],
    ["output", outputs],
  ] as const) {
    const rows = Array.isArray(config[kind]) ? config[kind].filter(isObject) : [];
    for (const { name: tensor, data_type: type } of rows) {
      const found = tensors.find((one) => one.name === tensor);
      const wanted = typeof type === "string" ? datatypeOf(type) : undefined;
      const say = (text: string): unknown =>
        findings.push(wrong(`the configuration of ${name} ${text}`, `${name} ${tensor}`));
      if (found === undefined) say(`names the ${kind} ${tensor}, which the model does not have`);
      else if (wanted !== undefined && wanted !== found.datatype) {
        say(`says that the ${kind} ${tensor} is ${wanted}, and the model has ${found.datatype}`);
      }
    }
  }
  return findings;
}

/** `TYPE_FP32` is FP32, `TYPE_STRING` is BYTES. @returns undefined: nothing is said */
function datatypeOf(type: string): string | undefined {
  const name = type.replace(/^TYPE_/, "");
  return name === "INVALID" ? undefined : name === "STRING" ? "BYTES" : name;
}

/** A request that the user has beside the model. */
function sampleOf(given: readonly RequestCheck[]): unknown {
  const body = given.find(({ name }) => name === SAMPLE)?.request.body;
  try {
    return body === undefined ? undefined : JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

const MALFORMED = Buffer.from("{");
const UNKNOWN = "no such input";

function inferRequests(path: string, { name, platform, inputs, outputs }: Metadata, sample: unknown): RequestCheck[] {
  if (inputs.length === 0) return [];
  const infer = `${path}/infer`;
  const tensors = tensorsOf(sample, inputs);
  const madeUp = isMadeUp(tensors.map(({ data }) => data));
  const good: RequestCheck[] = [];
  if (fitsJson([...inputs, ...outputs])) {
    const schema = {
      type: "object",
      required: ["model_name", "outputs"],
      properties: { outputs: { type: "array", minItems: 1 } },
    };
    good.push(check(`${name}: tensors as JSON`, infer, inferBody(tensors), { schema, strictJson: true }, madeUp));
  }
  // Of an MLflow model nobody knows whether it takes zeros.
  if (platform !== "mlflow") {
    const { body, headerBytes } = binaryBody(inputs);
    const headers = { "inference-header-content-length": String(headerBytes) };
    const request = { ...posted(infer, body), headers };
    good.push({ name: `${name}: tensors as bytes, without a content type`, request, expect: {}, madeUp: true });
  }
  const unknown = inferBody([{ name: UNKNOWN, datatype: "FP32", shape: [1], data: [0] }]);
  const [again] = good;
  return [
    ...good,
    refused(`${name}: an input that the model does not have is refused`, infer, unknown),
    refused(`${name}: a body that is not JSON is refused`, infer, MALFORMED),
    ...(again === undefined ? [] : [{ ...again, name: `${name}: the next request` }]),
  ];
}

/** Those of the protocols that are for a single model. */
function tableRequests(sample: unknown): RequestCheck[] {
  const madeUp = isMadeUp(sample);
  const invocations = invocationsBody(sample);
  const again =
    invocations &&
    check("/invocations", "/invocations", invocations, { schema: PREDICTIONS, strictJson: true }, madeUp);
  return [
    ...(again === undefined ? [] : [again]),
    refused("/invocations: a body that is not JSON is refused", "/invocations", MALFORMED),
    refused("/score: a body that is not JSON is refused", "/score", MALFORMED),
    ...(again === undefined ? [] : [{ ...again, name: "/invocations: the next request" }]),
  ];
}

const PREDICTIONS = { type: "object", required: ["predictions"] };

function posted(path: string, body: Buffer): SentRequest {
  return { method: "POST", path, query: "", headers: JSON_TYPE, body };
}

function check(name: string, path: string, body: Buffer, expect: Expectation, madeUp: boolean): RequestCheck {
  return { name, request: posted(path, body), expect, madeUp };
}

function refused(name: string, path: string, body: Buffer): RequestCheck {
  return { name, request: posted(path, body), expect: { status: [400], strictJson: true } };
}
