import type { CancelSignal, Log, ScoreError, ScoreRequest } from "../../src/host.ts";

/** Where clients pin a request to a deployment. */
export const DEPLOYMENT_HEADER = "azureml-model-deployment";
export const REQUEST_ID_HEADER = "x-request-id";
const CLIENT_ID_HEADER = "x-ms-client-request-id";

/** Of a client's own id, in characters. */
const MAX_CLIENT_ID_LENGTH = 40;
const CLIENT_ID = /^[A-Za-z0-9_-]+$/;

/** The client's own id as far as it is kept; undefined: it has none that is. */
export function clientIdOf(headers: ScoreRequest["headers"]): string | undefined {
  const id = headers[CLIENT_ID_HEADER];
  return id !== undefined && CLIENT_ID.test(id) ? id.slice(0, MAX_CLIENT_ID_LENGTH) : undefined;
}

/** A request as the deployment gets it: under an id of the gateway's, without what was for the gateway alone. It ends when
 *  its client leaves, or when the gateway says so. */
export class Forwarded implements ScoreRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly loggedQuery: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly remoteAddress: string | undefined;
  readonly receivedAt: number;
  declare readonly log?: Log;
  readonly #from: ScoreRequest;
  #signal: LinkedSignal | undefined;
  #reason: ScoreError | undefined;

  constructor(
    from: ScoreRequest,
    path: string,
    requestId: string,
    clientId: string | undefined,
    startedAt: number,
    keepsAuthorization: boolean,
  ) {
    this.method = from.method;
    this.path = path;
    this.query = from.query;
    this.loggedQuery = from.loggedQuery;
    this.headers = toDeployment(from.headers, requestId, clientId, keepsAuthorization);
    this.body = from.body;
    this.remoteAddress = from.remoteAddress;
    this.receivedAt = startedAt;
    if (from.log !== undefined) this.log = from.log;
    this.#from = from;
  }

  /** Made when somebody asks for it. */
  get signal(): CancelSignal {
    if (this.#signal === undefined) {
      this.#signal = new LinkedSignal(this.#from.signal);
      if (this.#reason !== undefined) this.#signal.abort(this.#reason);
    }
    return this.#signal;
  }

  /** Ends the work. */
  abort(reason: ScoreError): void {
    this.#reason = reason;
    this.#signal?.abort(reason);
  }
}

/** Copied name by name: an object that a name was deleted from is slow to read. */
function toDeployment(
  headers: ScoreRequest["headers"],
  requestId: string,
  clientId: string | undefined,
  keepsAuthorization: boolean,
): Record<string, string> {
  const copy: Record<string, string> = {};
  for (const name in headers) {
    if (name === "authorization" && !keepsAuthorization) continue;
    if (name === REQUEST_ID_HEADER || name === CLIENT_ID_HEADER || name === "x-envoy-expected-rq-timeout-ms") continue;
    copy[name] = headers[name]!;
  }
  copy[REQUEST_ID_HEADER] = requestId;
  if (clientId !== undefined) copy[CLIENT_ID_HEADER] = clientId;
  return copy;
}

/** Aborts with the signal it is linked to, or on its own. An AbortController costs more than the rest of the request. */
class LinkedSignal implements CancelSignal {
  aborted = false;
  reason: unknown;
  #listeners: (() => void)[] = [];

  constructor(source: CancelSignal | undefined) {
    if (source?.aborted) this.abort(source.reason);
    else source?.addEventListener("abort", () => this.abort(source.reason));
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    const index = this.#listeners.indexOf(listener);
    if (index >= 0) this.#listeners.splice(index, 1);
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}
