// The answers of deployments, as clients get them.
import type { ErrorCode, HeaderList, ScoreResponse } from "../../src/host.ts";
import { withText } from "../bodies.ts";
import type { GatewayForm } from "../types.ts";
import { DEPLOYMENT_HEADER, REQUEST_ID_HEADER } from "./forwarded.ts";
import {
  ERROR_REASON_HEADER,
  ERROR_STATUS_HEADER,
  FULL,
  GUIDE,
  NOT_READY,
  type Refusal,
  refusalHeaders,
  TIMED_OUT,
} from "./refusals.ts";

/** What all answers of a gateway depend on. */
export interface AnswerRules {
  readonly form: GatewayForm;
  /** Adds the text that Azure's managed gateway adds to errors. */
  readonly addsGuide: boolean;
}

/** An answer, and what records say of it. Hosts need not tell of it once more. */
export interface Outcome {
  readonly response: ScoreResponse;
  readonly modelStatus: number | undefined;
  readonly reason: string | undefined;
}

/** Nothing of a deployment's can answer. */
const NOT_THERE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "ERR_CONFIG",
  "ERR_PYTHON_NOT_FOUND",
  "ERR_MODEL_SDK",
  "ERR_MODEL_ACCESS",
  "ERR_MODEL_NOT_FOUND",
  "ERR_MODEL_CHECKSUM",
  "ERR_MODEL_DISK",
  "ERR_MODEL_FETCH",
  "ERR_SCRIPT_LOAD",
  "ERR_SCRIPT_SHAPE",
  "ERR_SCRIPT_INIT",
  "ERR_WORKER_START",
  "ERR_STOPPING",
  "ERR_UPSTREAM_DOWN",
]);

/** Why there is no answer that counts: nobody waited for it. */
export const CLIENT_GONE = "client_gone";

const OK = 200;
/** Of Kubernetes: run() raised, or its process died. */
const CRASHED = 502;

/** The answer that the gateway makes itself. @param deployment name of the one that was chosen, if one was */
export function refused(
  refusal: Refusal,
  { form, addsGuide }: AnswerRules,
  requestId: string,
  deployment: string | undefined,
): Outcome {
  const hasGuide = addsGuide && form === "managed" && refusal.hasGuide;
  const response = {
    status: refusal.status[form],
    headers: withIds(refusalHeaders(refusal, form), requestId, deployment),
    body: hasGuide ? refusal.body + GUIDE : refusal.body,
    isUnrecorded: true as const,
  };
  return { response, modelStatus: undefined, reason: refusal.reason };
}

/** Why the gateway answers itself, although the deployment has; undefined: the deployment's answer counts. */
export function refusalOf({ errorCode }: ScoreResponse, form: GatewayForm): Refusal | undefined {
  if (errorCode === undefined) return undefined;
  if (errorCode === "ERR_OVERLOAD") return FULL;
  if (errorCode === "ERR_DEADLINE") return TIMED_OUT;
  return form !== "none" && NOT_THERE.has(errorCode) ? NOT_READY : undefined;
}

/** The deployment's answer as its client gets it. */
export function passedOn(answer: ScoreResponse, rules: AnswerRules, requestId: string, deployment: string): Outcome {
  const { status: modelStatus, errorCode, body } = answer;
  const headers: (readonly [string, string])[] = [];
  const hasFailed = copyHeaders(answer.headers, headers);
  if (modelStatus === OK || errorCode === "ERR_CLIENT_GONE") {
    pushIds(headers, requestId, deployment);
    if (modelStatus !== OK) {
      const response = { status: modelStatus, headers, body, isUnrecorded: true as const };
      return { response, modelStatus: undefined, reason: CLIENT_GONE };
    }
    return { response: { status: modelStatus, headers, body, isUnrecorded: true }, modelStatus, reason: undefined };
  }
  const { form, addsGuide } = rules;
  const reason = errorCode !== undefined && NOT_THERE.has(errorCode) ? NOT_READY.reason : "model_error";
  const status = statusOf(form, modelStatus, hasFailed || errorCode === "ERR_UPSTREAM");
  if (form === "managed") headers.push([ERROR_STATUS_HEADER, String(modelStatus)], [ERROR_REASON_HEADER, reason]);
  pushIds(headers, requestId, deployment);
  const response: ScoreResponse =
    addsGuide && form === "managed"
      ? { status, headers: withoutLength(headers), body: withText(body, GUIDE), isUnrecorded: true }
      : { status, headers, body, isUnrecorded: true };
  return { response, modelStatus, reason };
}

/** What a client would have seen, for records of answers that go to none. */
export function seenAs(answer: ScoreResponse, form: GatewayForm): Seen {
  const refusal = refusalOf(answer, form);
  if (refusal !== undefined) return seenInstead(refusal, form);
  const { response, modelStatus, reason } = passedOn(answer, { form, addsGuide: false }, "", "");
  return { status: response.status, modelStatus, reason };
}

export function seenInstead({ status, reason }: Refusal, form: GatewayForm): Seen {
  return { status: status[form], modelStatus: undefined, reason };
}

export interface Seen extends Omit<Outcome, "response"> {
  readonly status: number;
}

function statusOf(form: GatewayForm, modelStatus: number, hasCrashed: boolean): number {
  if (form === "none") return modelStatus;
  if (form === "managed") return 424;
  return hasCrashed ? CRASHED : modelStatus;
}

function withIds(headers: HeaderList, requestId: string, deployment: string | undefined): HeaderList {
  const all = [...headers];
  pushIds(all, requestId, deployment);
  return all;
}

function pushIds(headers: (readonly [string, string])[], requestId: string, deployment: string | undefined): void {
  headers.push([REQUEST_ID_HEADER, requestId]);
  if (deployment !== undefined) headers.push([DEPLOYMENT_HEADER, deployment]);
}

/** Copies what deployments may say. @returns whether it says that run() has failed */
function copyHeaders(from: HeaderList, to: (readonly [string, string])[]): boolean {
  let hasFailed = false;
  for (const header of from) {
    const [name, value] = header;
    // Their lengths tell most names apart from those that matter.
    switch (name.length) {
      case REQUEST_ID_HEADER.length:
        if (isName(name, REQUEST_ID_HEADER)) continue;
        break;
      case DEPLOYMENT_HEADER.length:
        if (isName(name, RUN_FAILED)) hasFailed = value.toLowerCase() === "true";
        if (isName(name, DEPLOYMENT_HEADER)) continue;
        break;
      case ERROR_REASON_HEADER.length:
        if (isName(name, ERROR_REASON_HEADER)) continue;
        break;
      case ERROR_STATUS_HEADER.length:
        if (isName(name, ERROR_STATUS_HEADER)) continue;
        break;
    }
    if (name.charCodeAt(1) === DASH && name.toLowerCase().startsWith("x-envoy-")) continue;
    to.push(header);
  }
  return hasFailed;
}

/** As long as the name of the deployment's header. */
const RUN_FAILED = "x-ms-run-function-failed";
const DASH = 45;

function isName(name: string, wanted: string): boolean {
  return name === wanted || name.toLowerCase() === wanted;
}

/** A body that grows has another length than it was said to have. */
function withoutLength(headers: HeaderList): HeaderList {
  return headers.filter(([name]) => name.toLowerCase() !== "content-length");
}
