import type { IncomingMessage, ServerResponse } from "node:http";
import type { BadInputError, ScoreRequest } from "../../src/host.ts";
import { ClientSignal } from "./client-signal.ts";
import { headProblem, lineProblem, toHeaders } from "./incoming.ts";

const EMPTY: Uint8Array = new Uint8Array(0);

/** One request of node:http as the core reads it, and the response it is to be answered with. */
export class Exchange implements ScoreRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** Request target as it came, or as far as records may show it. */
  url: string;
  readonly path: string;
  query: string;
  loggedQuery: string | undefined;
  readonly headers: Record<string, string>;
  readonly receivedAt: number;
  /** What is wrong with the head. */
  readonly problem: BadInputError | undefined;
  body: Uint8Array = EMPTY;
  /** True: the client waits to be told before it sends the body. */
  expectsContinue = false;
  /** Called when nothing more will come of the exchange: the answer is out, or its client has left. */
  onEnd: ((exchange: Exchange) => void) | undefined;
  #signal: ClientSignal | undefined;
  #clientGone = false;

  /** @param isPlain the request line is known to have no more blanks than it should */
  constructor(request: IncomingMessage, response: ServerResponse, isPlain = false) {
    this.receivedAt = performance.now();
    this.request = request;
    this.response = response;
    this.method = request.method ?? "GET";
    this.url = request.url ?? "/";
    const target = toTarget(this.url);
    this.path = target.path;
    this.query = target.query;
    this.headers = toHeaders(request);
    this.problem = headProblem(request) ?? lineProblem(request, this.headers, isPlain);
    response.on("close", () => this.#closed());
  }

  get remoteAddress(): string | undefined {
    return this.request.socket.remoteAddress;
  }

  /** Made when somebody asks for it, which most answers do not take long enough for. */
  get signal(): ClientSignal {
    if (this.#signal === undefined) {
      this.#signal = new ClientSignal();
      if (this.#clientGone) this.#signal.abort();
    }
    return this.#signal;
  }

  /** The client has left. node:http says so only of the request whose answer is the next. */
  leave(): void {
    this.onEnd = undefined;
    this.#clientGone = true;
    this.#signal?.abort();
  }

  #closed(): void {
    const { onEnd } = this;
    if (!this.response.writableFinished) this.leave();
    onEnd?.(this);
  }
}

/** Takes the request target apart; an absolute one (`http://host/score`) loses its host, and any its fragment. */
export function toTarget(url: string): { path: string; query: string } {
  const fragment = url.indexOf("#");
  const whole = fragment < 0 ? url : url.slice(0, fragment);
  const local = whole.charCodeAt(0) === SLASH ? whole : whole.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, "");
  const mark = local.indexOf("?");
  if (mark < 0) return { path: local === "" ? "/" : local, query: "" };
  return { path: mark === 0 ? "/" : local.slice(0, mark), query: local.slice(mark + 1) };
}

const SLASH = 47;
