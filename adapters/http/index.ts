// The node:http host: listens, reads bodies, sends answers, stops in an orderly way. What is answered is the core's.
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import {
  BadInputError,
  type Log,
  ncsaMessage,
  type ScoreResponse,
  type Scorer,
  toScoreError,
} from "../../src/index.ts";
import { Exchange, toTarget } from "./exchange.ts";
import { hasBody, headProblem, readBody, toHeaders } from "./incoming.ts";
import { atOnce, createOutbox, type Departure } from "./outbox.ts";
import { BrokenStream, send } from "./outgoing.ts";

export interface HttpOptions {
  /** Largest body in bytes; 0: no limit. */
  readonly maxBodyBytes: number;
  /** A client that takes nothing of a streamed answer for so many milliseconds is cut off. Default: 30,000. */
  readonly streamStallMs?: number;
  /** Sees each request first; a host with a time limit of its own aborts `exchange.signal`, and answers itself when even
   *  that does not bring an answer. */
  readonly onExchange?: (exchange: Exchange) => void;
}

/** A server that can be stopped in an orderly way. */
export interface HttpServer {
  readonly server: Server;
  /** @throws the listening error */
  listen(address: { readonly host: string; readonly port: number }): Promise<AddressInfo>;
  /** Takes no new connections, lets running requests end (up to `graceMs` milliseconds), then closes. */
  close(graceMs: number): Promise<void>;
}

/** All headers together may be so large before the parser itself refuses them; the finer limits are ours. */
const MAX_HEAD_BYTES = 262_144;

/** Idle connections are kept for so many milliseconds: longer than the 60 s of common load balancers, so that it is
 *  they who close. */
const KEEP_ALIVE_MS = 75_000;

/** How long the rest of a refused body is read away, so that the client gets to see the answer, in milliseconds. */
const LINGER_MS = 5_000;

/** While the server stops, connections that have become idle are closed every so many milliseconds. */
const SWEEP_MS = 100;

/** What a listener needs to know of the server it belongs to. */
interface Surroundings {
  /** True once connections are not to be kept any longer. */
  readonly isClosing: () => boolean;
  readonly departs: () => Departure;
}

/** The request listener itself, for hosts that bring their own server and hand over one request at a time. */
export function createListener(
  scorer: Scorer,
  options: HttpOptions,
  log: Log,
  { isClosing, departs }: Surroundings = { isClosing: () => false, departs: atOnce },
): RequestListener {
  return (request, response) => {
    const exchange = new Exchange(request, response);
    options.onExchange?.(exchange);
    const problem = headProblem(request);
    if (problem !== undefined) refuse(exchange, problem);
    else if (!hasBody(exchange.headers)) answer(exchange);
    else receive(exchange);
  };

  function receive(exchange: Exchange): void {
    readBody(exchange.request, exchange.headers, options.maxBodyBytes).then(
      (body) => {
        exchange.body = body;
        answer(exchange);
      },
      (error: unknown) => {
        if (error instanceof BadInputError) refuse(exchange, error);
        else
          log.server.warning(
            `The client of ${exchange.method} ${exchange.path} left in the middle of its request body`,
          );
      },
    );
  }

  function answer(exchange: Exchange): void {
    const depart = departs();
    void scorer.handle(exchange).then((scored) => depart(() => deliver(exchange, scored)));
  }

  function deliver(exchange: Exchange, answer: ScoreResponse): void {
    let sent: number | Promise<number>;
    if (isClosing()) exchange.response.shouldKeepAlive = false;
    try {
      sent = send(exchange.method, exchange.response, answer, options.streamStallMs);
    } catch (error) {
      log.server.error(`Encountered Exception: ${toScoreError(error).stack}\n`);
      exchange.response.destroy();
      return;
    }
    if (typeof sent === "number") {
      logAccess(exchange, answer.status, sent);
      return;
    }
    sent.then(
      (length) => logAccess(exchange, answer.status, length),
      (error: unknown) => {
        const { cause, length } = error instanceof BrokenStream ? error : new BrokenStream(error, 0);
        const { message, report } = toScoreError(cause);
        log.server.error(`A streamed answer ended early: ${report?.traceback ?? message}\n`);
        logAccess(exchange, answer.status, length);
      },
    );
  }

  /** Answers although the body is not read, and reads it away for a while. */
  function refuse(exchange: Exchange, error: BadInputError): void {
    const { request } = exchange;
    deliver(exchange, scorer.refuse(exchange, error));
    if (request.complete) return;
    const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
    request.once("close", () => clearTimeout(timer));
    request.resume();
  }

  function logAccess({ request, method, url, headers }: Exchange, status: number, length: number): void {
    const message = ncsaMessage({
      timeMs: Date.now(),
      remoteAddress: request.socket.remoteAddress,
      method,
      target: url,
      httpVersion: request.httpVersion,
      status,
      length,
      referer: headers.referer,
      userAgent: headers["user-agent"],
    });
    if (message !== null) log.access.info(message);
  }
}

const EMPTY = new Uint8Array(0);

/** A node:http server around the scorer. */
export function createHttpServer(scorer: Scorer, options: HttpOptions, log: Log): HttpServer {
  let closing = false;
  const listener = createListener(scorer, options, log, { isClosing: () => closing, departs: createOutbox() });
  const server = createServer(
    { maxHeaderSize: MAX_HEAD_BYTES, keepAliveTimeout: KEEP_ALIVE_MS, requireHostHeader: false },
    listener,
  );
  const connections = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    const { maxBodyBytes } = options;
    const accepted = maxBodyBytes === 0 || !(Number(request.headers["content-length"]) > maxBodyBytes);
    if (accepted) response.writeContinue();
    listener(request, response);
  });
  server.on("clientError", (error: ParseError, socket: Socket) => {
    answerBrokenRequest(scorer, error, socket);
  });
  server.on("connect", (request: IncomingMessage, socket: Socket) => {
    void scorer
      .handle({ method: "CONNECT", path: "/score", query: "", headers: toHeaders(request), body: EMPTY })
      .then((answer) => writeRaw(socket, answer));
  });

  return {
    server,
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          server.off("error", reject);
          resolve(server.address() as AddressInfo);
        });
      }),
    close(graceMs) {
      closing = true;
      return new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), graceMs);
        // An answer whose head has left already cannot say that the connection ends with it.
        const sweep = setInterval(closeIdle, SWEEP_MS);
        server.close(() => {
          clearTimeout(timer);
          clearInterval(sweep);
          resolve();
        });
        closeIdle();
      });
    },
  };

  function closeIdle(): void {
    server.closeIdleConnections();
    // To Node a connection that nothing has come through yet is not idle.
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
  }
}

/** Where in the packet the parser stopped: `bytesParsed`. */
type ParseError = NodeJS.ErrnoException & { rawPacket?: Buffer; bytesParsed?: number };

/** What the parser could not read is answered on the bare socket, which is closed then (contract PROC-11). */
function answerBrokenRequest(scorer: Scorer, error: ParseError, socket: Socket): void {
  // Answered already: what comes after that is read away.
  if (socket.writableEnded) return;
  // As node:http does without this handler: not into the middle of an answer that is on its way.
  const { _httpMessage: current } = socket as Socket & { _httpMessage?: ServerResponse | null };
  if (!socket.writable || error.code === "ECONNRESET" || current?.headersSent) {
    socket.destroy();
    return;
  }
  const line = /^(?<method>[!#$%&'*+.^_`|~0-9A-Za-z-]+) (?<url>\S+) HTTP\/1\.[01]\r\n/.exec(
    error.rawPacket?.subarray(0, 8_192).toString("latin1") ?? "",
  )?.groups;
  // The packet may begin with a request that was read, and is answered, without fault: its line is not the broken one.
  const isAtFault = line !== undefined && (error.bytesParsed ?? 0) <= line.method!.length;
  if (error.code === "HPE_INVALID_METHOD" && isAtFault) {
    // A method the parser does not know is still a method that a route does not take.
    void scorer
      .handle({ method: line.method!, ...toTarget(line.url!), headers: {}, body: EMPTY })
      .then((answer) => writeRaw(socket, answer));
    return;
  }
  const target = { method: line?.method ?? "-", path: "", query: "", headers: {} };
  writeRaw(socket, scorer.refuse(target, brokenRequest(error)));
}

function brokenRequest(error: NodeJS.ErrnoException): BadInputError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return new BadInputError("ERR_HEADER_LIMIT", `The request head is larger than ${MAX_HEAD_BYTES} bytes.`);
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new BadInputError("ERR_REQUEST_TIMEOUT", "The request did not arrive completely in time.");
    default:
      return new BadInputError("ERR_BAD_REQUEST", `The request is not valid HTTP: ${error.message}.`);
  }
}

function writeRaw(socket: Socket, { status, headers, body }: ScoreResponse): void {
  const text = String(body);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(text)}`,
    "Connection: close",
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${text}`);
  // A client that is still sending sees the answer only when what it sends is taken.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
  socket.resume();
}
