// One request and its answer, from the head to the access record.
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  abandon,
  type BadInputError,
  type Log,
  ncsaMessage,
  OverloadError,
  type ScoreError,
  type ScoreRequest,
  type ScoreResponse,
  type Scorer,
  toScoreError,
} from "../../src/host.ts";
import { declaredLength, type Inflow, readBody } from "./body.ts";
import { ClientSignal } from "./client-signal.ts";
import { hasBody, headProblem, lineProblem, toHeaders, tooLarge, toTarget } from "./incoming.ts";
import type { Departure } from "./outbox.ts";
import { BrokenStream, type SendOptions, send } from "./outgoing.ts";
import { answerAsHttp10 } from "./status-line.ts";

const EMPTY: Uint8Array = new Uint8Array(0);

export interface HttpOptions {
  /** Largest body in bytes; 0: no limit. */
  readonly maxBodyBytes: number;
  /** Bytes of bodies that may be under way at a time, before the scorer has any of them; 0: no limit. */
  readonly maxQueueBytes?: number;
  /** A client that takes nothing of an answer for so many milliseconds is cut off. Default: 30,000. */
  readonly stallMs?: number;
  /** How long clients may take, in milliseconds. Default: node:http's 60,000 for the head and 300,000 for the whole request,
   *  checked every 30,000; 75,000 for the next request. */
  readonly timeouts?: {
    readonly headMs?: number;
    readonly requestMs?: number;
    readonly checkMs?: number;
    readonly keepAliveMs?: number;
  };
  /** Sees each request first; a host with a time limit of its own aborts `exchange.signal`, and answers itself when even
   *  that does not bring an answer. */
  readonly onExchange?: (exchange: Exchange) => void;
}

/** What the exchanges of a server have in common. */
export interface Shared {
  readonly scorer: Scorer;
  readonly options: HttpOptions;
  readonly log: Log;
  readonly inflow: Inflow;
  readonly sendOptions: SendOptions;
  readonly departs: () => Departure;
  /** True once connections are not to be kept any longer. */
  isClosing: boolean;
}

export function createShared(scorer: Scorer, options: HttpOptions, log: Log, departs: () => Departure): Shared {
  const onStall = ({ req: { method, url = "" } }: ServerResponse): void => {
    const { path } = toTarget(url);
    log.server.warning(`The client of ${method} ${path} took nothing of its answer for too long and was cut off`);
  };
  const sendOptions = { stallMs: options.stallMs, onStall };
  return { scorer, options, log, inflow: { bytes: 0 }, sendOptions, departs, isClosing: false };
}

/** The connection that an exchange came on, as far as the exchange knows it. */
export interface Owner {
  /** Nothing more will come of the exchange: its answer is out, or its client has left. */
  over(exchange: Exchange): void;
  /** The answer leaves before the whole request is there. */
  linger(): void;
}

/** One request of node:http as the core reads it, and the response it gets. */
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
  body: Uint8Array = EMPTY;
  /** True: the client waits to be told before it sends the body. */
  expectsContinue = false;
  /** Undefined where a host brings connections of its own, and once the client has left. */
  owner: Owner | undefined;
  readonly #shared: Shared;
  /** What is wrong with the head. */
  readonly #problem: BadInputError | undefined;
  #signal: ClientSignal | undefined;
  #clientGone = false;

  /** @param isPlain the request line is known to have no more blanks than it should */
  constructor(shared: Shared, request: IncomingMessage, response: ServerResponse, isPlain = false) {
    this.receivedAt = performance.now();
    this.#shared = shared;
    this.request = request;
    this.response = response;
    this.method = request.method ?? "GET";
    this.url = request.url ?? "/";
    const target = toTarget(this.url);
    this.path = target.path;
    this.query = target.query;
    this.headers = toHeaders(request);
    this.#problem = headProblem(request) ?? lineProblem(request, this.headers, isPlain);
    response.on("close", () => this.#closed());
    shared.options.onExchange?.(this);
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

  /** Sees to it that the request is answered. */
  begin(): void {
    if (this.request.httpVersion === "1.0") answerAsHttp10(this.response);
    if (this.#problem !== undefined) this.refuse(this.#problem);
    else if (!hasBody(this.headers)) this.#answer();
    else this.#receive();
  }

  /** The client has left. node:http says so only of the request whose answer is the next. */
  leave(): void {
    this.owner = undefined;
    this.#clientGone = true;
    this.#signal?.abort();
  }

  /** Answers although the body is not read. */
  refuse(error: ScoreError): void {
    // Where such a request ends is not to be trusted either.
    if (error.code === "ERR_BAD_REQUEST") this.response.shouldKeepAlive = false;
    if (this.request.complete) this.#deliver(this.#shared.scorer.refuse(this, error));
    else {
      // A small body is in the packet that the head came in; once that is parsed, the connection can be kept.
      setImmediate(() => this.#refuseUnread(error));
    }
  }

  #refuseUnread(error: ScoreError): void {
    const { request, response } = this;
    if (response.headersSent) return;
    if (!request.complete) {
      response.shouldKeepAlive = false;
      this.owner?.linger();
    }
    this.#deliver(this.#shared.scorer.refuse(this, error));
    request.resume();
  }

  #receive(): void {
    const { scorer, options, inflow } = this.#shared;
    const { maxBodyBytes: maxBytes } = options;
    const declared = declaredLength(this.headers) ?? 0;
    const refusal = (bytes: number, own: number): ScoreError | undefined =>
      scorer.refusal(this, bytes) ?? tooMuch(options, bytes, own);
    const problem =
      maxBytes > 0 && declared > maxBytes ? tooLarge(maxBytes) : refusal(inflow.bytes + declared, declared);
    if (problem !== undefined) {
      this.refuse(problem);
      return;
    }
    if (this.expectsContinue) this.response.writeContinue();
    readBody(this.request, this.headers, { maxBytes, keep: scorer.takesBody(this), inflow, refusal }).then(
      (body) => {
        this.body = body;
        this.#answer();
      },
      (error: unknown) => this.#notReceived(error),
    );
  }

  #notReceived(error: unknown): void {
    const { request, response, method, path } = this;
    // The parser's complaint was the answer already.
    if (response.headersSent) return;
    if (!request.destroyed) this.refuse(toScoreError(error));
    else this.#shared.log.server.warning(`The client of ${method} ${path} left in the middle of its request body`);
  }

  #answer(): void {
    const { scorer, departs } = this.#shared;
    const depart = departs();
    void scorer.handle(this).then((answer) => depart(() => this.#deliver(answer)));
  }

  #deliver(answer: ScoreResponse): void {
    const { isClosing, sendOptions } = this.#shared;
    let sent: number | Promise<number>;
    if (isClosing) this.response.shouldKeepAlive = false;
    try {
      sent = send(this.method, this.response, answer, sendOptions);
    } catch (error) {
      this.#undeliverable(answer, error);
      return;
    }
    if (typeof sent === "number") {
      this.#logAccess(answer, sent);
      return;
    }
    sent.then(
      (length) => this.#logAccess(answer, length),
      (error: unknown) => {
        const { cause, length } = error instanceof BrokenStream ? error : new BrokenStream(error, 0);
        const { message, report } = toScoreError(cause);
        const { log } = this.#shared;
        log.server.error(
          `A streamed answer ended early: ${report?.traceback ?? message}\n`,
          log.fields?.ofSent(this, answer, length),
        );
        this.#logAccess(answer, length);
      },
    );
  }

  /** node:http refuses the head, which the script had a hand in. */
  #undeliverable({ body }: ScoreResponse, error: unknown): void {
    const { scorer, log } = this.#shared;
    abandon(body);
    if (this.response.headersSent) {
      log.server.error(`Encountered Exception: ${toScoreError(error).stack}\n`);
      this.response.destroy();
    } else this.#deliver(scorer.failed(this, error));
  }

  #logAccess(answer: ScoreResponse, length: number): void {
    const { status, isUnrecorded } = answer;
    if (isUnrecorded) return;
    const { log } = this.#shared;
    const { request, method, url: target, headers } = this;
    const message = ncsaMessage({
      timeMs: Date.now(),
      remoteAddress: request.socket.remoteAddress,
      method,
      target,
      httpVersion: request.httpVersion,
      status,
      length,
      referer: headers.referer,
      userAgent: headers["user-agent"],
    });
    if (message === null) return;
    log.access.info(message, log.fields?.ofSent(this, answer, length));
  }

  #closed(): void {
    const { owner } = this;
    if (!this.response.writableFinished) this.leave();
    owner?.over(this);
  }
}

/** What the runtime does not know of: bodies under way. One alone may be of any size, or it could never be served. */
function tooMuch({ maxQueueBytes = 0 }: HttpOptions, bytes: number, own: number): ScoreError | undefined {
  if (maxQueueBytes === 0 || bytes <= maxQueueBytes || bytes === own) return undefined;
  const message = `Request bodies of ${maxQueueBytes} bytes are under way already; try again later.`;
  return new OverloadError("ERR_OVERLOAD", message);
}
