// What becomes of one exchange: its head is checked, its body read, the scorer asked, the answer sent and logged.
import {
  type Log,
  ncsaMessage,
  OverloadError,
  type ScoreError,
  type ScoreResponse,
  type Scorer,
  toScoreError,
} from "../../src/host.ts";
import { declaredLength, type Inflow, readBody } from "./body.ts";
import { type Exchange, toTarget } from "./exchange.ts";
import { hasBody, tooLarge } from "./incoming.ts";
import type { Departure } from "./outbox.ts";
import { BrokenStream, type SendOptions, send } from "./outgoing.ts";
import { answerAsHttp10 } from "./status-line.ts";

/** What a client is told to wait before it comes back, in seconds. */
const RETRY_AFTER_SECONDS = 1;

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

/** What is to be known of the server that the exchanges belong to. */
export interface Surroundings {
  /** True once connections are not to be kept any longer. */
  readonly isClosing: () => boolean;
  readonly departs: () => Departure;
  /** The answer leaves before the whole request is there. */
  readonly onUnread?: (exchange: Exchange) => void;
}

export interface Service {
  begin(exchange: Exchange): void;
  /** Answers although the body is not read. */
  refuse(exchange: Exchange, error: ScoreError): void;
}

export function createService(scorer: Scorer, options: HttpOptions, log: Log, surroundings: Surroundings): Service {
  const inflow: Inflow = { bytes: 0 };
  const sendOptions: SendOptions = {
    stallMs: options.stallMs,
    onStall: ({ req: { method, url = "" } }) => {
      const { path } = toTarget(url);
      log.server.warning(`The client of ${method} ${path} took nothing of its answer for too long and was cut off`);
    },
  };

  function begin(exchange: Exchange): void {
    if (exchange.request.httpVersion === "1.0") answerAsHttp10(exchange.response);
    if (exchange.problem !== undefined) refuse(exchange, exchange.problem);
    else if (!hasBody(exchange.headers)) answer(exchange);
    else receive(exchange);
  }

  function receive(exchange: Exchange): void {
    const { request, response, headers } = exchange;
    const { maxBodyBytes } = options;
    const declared = declaredLength(headers) ?? 0;
    const refusal = (bytes: number, own: number): ScoreError | undefined =>
      scorer.refusal(exchange, bytes) ?? tooMuch(bytes, own);
    const problem =
      maxBodyBytes > 0 && declared > maxBodyBytes ? tooLarge(maxBodyBytes) : refusal(inflow.bytes + declared, declared);
    if (problem !== undefined) {
      refuse(exchange, problem);
      return;
    }
    if (exchange.expectsContinue) response.writeContinue();
    readBody(request, headers, { maxBytes: maxBodyBytes, keep: scorer.takesBody(exchange), inflow, refusal }).then(
      (body) => {
        exchange.body = body;
        answer(exchange);
      },
      (error: unknown) => {
        // The parser's complaint was the answer already.
        if (response.headersSent) return;
        if (request.destroyed) {
          log.server.warning(
            `The client of ${exchange.method} ${exchange.path} left in the middle of its request body`,
          );
        } else refuse(exchange, toScoreError(error));
      },
    );
  }

  /** What the runtime does not know of: bodies under way. One alone may be of any size, or it could never be served. */
  function tooMuch(bytes: number, own: number): ScoreError | undefined {
    const { maxQueueBytes = 0 } = options;
    if (maxQueueBytes === 0 || bytes <= maxQueueBytes || bytes === own) return undefined;
    const message = `Request bodies of ${maxQueueBytes} bytes are under way already; try again later.`;
    return new OverloadError("ERR_OVERLOAD", message, RETRY_AFTER_SECONDS);
  }

  function answer(exchange: Exchange): void {
    const depart = surroundings.departs();
    void scorer.handle(exchange).then((scored) => depart(() => deliver(exchange, scored)));
  }

  function deliver(exchange: Exchange, answer: ScoreResponse): void {
    const { method, response } = exchange;
    let sent: number | Promise<number>;
    if (surroundings.isClosing()) response.shouldKeepAlive = false;
    try {
      sent = send(method, response, answer, sendOptions);
    } catch (error) {
      undeliverable(exchange, answer, error);
      return;
    }
    if (typeof sent === "number") {
      logAccess(exchange, answer, sent);
      return;
    }
    sent.then(
      (length) => logAccess(exchange, answer, length),
      (error: unknown) => {
        const { cause, length } = error instanceof BrokenStream ? error : new BrokenStream(error, 0);
        const { message, report } = toScoreError(cause);
        log.server.error(`A streamed answer ended early: ${report?.traceback ?? message}\n`);
        logAccess(exchange, answer, length);
      },
    );
  }

  /** node:http refuses the head, which the script had a hand in. */
  function undeliverable(exchange: Exchange, { body }: ScoreResponse, error: unknown): void {
    if (typeof body !== "string" && !(body instanceof Uint8Array)) {
      void body[Symbol.asyncIterator]()
        .return?.()
        .catch(() => {});
    }
    if (exchange.response.headersSent) {
      log.server.error(`Encountered Exception: ${toScoreError(error).stack}\n`);
      exchange.response.destroy();
    } else deliver(exchange, scorer.failed(exchange, error));
  }

  function refuse(exchange: Exchange, error: ScoreError): void {
    // Where such a request ends is not to be trusted either.
    if (error.code === "ERR_BAD_REQUEST") exchange.response.shouldKeepAlive = false;
    if (exchange.request.complete) deliver(exchange, scorer.refuse(exchange, error));
    else {
      // A small body is in the packet that the head came in; once that is parsed, the connection can be kept.
      setImmediate(refuseUnread, exchange, error);
    }
  }

  function refuseUnread(exchange: Exchange, error: ScoreError): void {
    const { request, response } = exchange;
    if (response.headersSent) return;
    if (!request.complete) {
      response.shouldKeepAlive = false;
      surroundings.onUnread?.(exchange);
    }
    deliver(exchange, scorer.refuse(exchange, error));
    request.resume();
  }

  function logAccess({ request, method, url, headers }: Exchange, answer: ScoreResponse, length: number): void {
    if (answer.isSummedUp) return;
    const message = ncsaMessage({
      timeMs: Date.now(),
      remoteAddress: request.socket.remoteAddress,
      method,
      target: url,
      httpVersion: request.httpVersion,
      status: answer.status,
      length,
      referer: headers.referer,
      userAgent: headers["user-agent"],
    });
    if (message !== null) log.access.info(message);
  }

  return { begin, refuse };
}
