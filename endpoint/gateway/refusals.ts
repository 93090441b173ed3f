// What the gateway answers itself: statuses by form, bodies as bare as the cloud's.
import { type ErrorCode, type HeaderList, ScoreError } from "../../src/host.ts";
import type { GatewayForm } from "../types.ts";

/** Why a request does not get the answer of a deployment. */
export interface Refusal {
  readonly status: Readonly<Record<GatewayForm, number>>;
  readonly body: string;
  /** What records call it, and the answer's header where `isTold`. */
  readonly reason: string;
  readonly isTold: boolean;
  /** What the deployment is said to have answered, where a 424 has to say so. */
  readonly modelStatus?: number;
  /** Azure's managed gateway adds a text to it that says where to read on. */
  readonly hasGuide: boolean;
  /** False: whoever asked has no right to. */
  readonly isLetIn: boolean;
}

export const ERROR_STATUS_HEADER = "ms-azureml-model-error-statuscode";
export const ERROR_REASON_HEADER = "ms-azureml-model-error-reason";

/** What Azure's managed gateway puts behind the bodies of errors. */
export const GUIDE: string =
  "\nPlease check this guide to understand why this error code might have been returned \n" +
  "https://docs.microsoft.com/en-us/azure/machine-learning/how-to-troubleshoot-online-endpoints#http-status-codes\n";

const UNROUTABLE_TEXT =
  "No valid deployments to route to. Please check that the endpoint has at least one deployment with positive weight " +
  "values or use a deployment specific header to route. " +
  "[https://docs.microsoft.com/en-us/azure/machine-learning/how-to-troubleshoot-online-endpoints#http-status-codes]";

/** What a container is said to have answered that does not answer. */
const NO_ANSWER_STATUS = 502;

const always = (status: number): Refusal["status"] => ({ managed: status, kubernetes: status, none: status });
const unauthorized = (body: string): Refusal => ({
  status: always(401),
  body,
  reason: body,
  isTold: false,
  hasGuide: false,
  isLetIn: false,
});
const routing = (body: string, reason: string): Refusal => ({
  status: always(404),
  body,
  reason,
  isTold: false,
  hasGuide: true,
  isLetIn: true,
});

export const DENIED: Refusal = unauthorized("key_auth_access_denied");
export const MALFORMED: Refusal = unauthorized("key_auth_bad_header_forbidden");
export const UNROUTABLE: Refusal = routing(UNROUTABLE_TEXT, "no_valid_deployment");
export const UNKNOWN_DEPLOYMENT: Refusal = routing("Specified deployment could not be found", "deployment_not_found");

/** More requests than the deployment may have under way. */
export const FULL: Refusal = {
  status: { managed: 429, kubernetes: 503, none: 429 },
  body: "",
  reason: "too_many_pending_request",
  isTold: true,
  hasGuide: true,
  isLetIn: true,
};
/** More requests a second than the endpoint takes. */
export const TOO_FAST: Refusal = { ...FULL, reason: "rate_limit", isTold: false };
export const TIMED_OUT: Refusal = {
  status: { managed: 408, kubernetes: 504, none: 408 },
  body: "upstream request timeout",
  reason: "timeout",
  isTold: false,
  hasGuide: true,
  isLetIn: true,
};
export const NOT_READY: Refusal = {
  status: { managed: 424, kubernetes: 503, none: 503 },
  body: "The deployment is not ready.",
  reason: "model_not_ready",
  isTold: true,
  modelStatus: NO_ANSWER_STATUS,
  hasGuide: true,
  isLetIn: true,
};
/** As `NOT_READY`, for who asks why. */
export function notReady(why: string | null): Refusal {
  return why === null ? NOT_READY : { ...NOT_READY, body: `The deployment is not ready: ${why}` };
}

/** A fault of the gateway's own, or of what it is made of. */
export const INTERNAL: Refusal = {
  status: always(500),
  body: "An unexpected internal error occurred. Check the logs for more info.",
  reason: "internal_error",
  isTold: false,
  hasGuide: true,
  isLetIn: true,
};
/** The deployment answered something that HTTP cannot carry. */
export const BAD_ANSWER: Refusal = {
  status: { managed: 424, kubernetes: 502, none: 500 },
  body: INTERNAL.body,
  reason: "model_error",
  isTold: true,
  modelStatus: 500,
  hasGuide: true,
  isLetIn: true,
};

/** HTTP wants to be told how to get in. */
const CHALLENGE = ["WWW-Authenticate", "Bearer"] as const;
const TEXT_TYPE = ["Content-Type", "text/plain"] as const;

/** The headers that go with it, but for those that all answers have. */
export function refusalHeaders(refusal: Refusal, form: GatewayForm): HeaderList {
  const { isLetIn, isTold, modelStatus, reason } = refusal;
  const headers: (readonly [string, string])[] = [TEXT_TYPE];
  if (!isLetIn) headers.push(CHALLENGE);
  if (!isTold || form !== "managed") return headers;
  if (modelStatus !== undefined) headers.push([ERROR_STATUS_HEADER, `${modelStatus}`]);
  headers.push([ERROR_REASON_HEADER, reason]);
  return headers;
}

/** A refusal on its way through a host that has not read the body yet. */
export class RefusalError extends ScoreError {
  static override readonly className: string = "RefusalError";
  readonly refusal: Refusal;
  /** Name of the deployment, if one was chosen. */
  readonly deployment: string | undefined;

  constructor(refusal: Refusal, deployment: string | undefined) {
    super(CODE, refusal.reason);
    this.refusal = refusal;
    this.deployment = deployment;
  }
}

/** For the host alone: what the client gets is the refusal. */
const CODE: ErrorCode = "ERR_OVERLOAD";
