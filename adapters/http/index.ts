// The node:http host: listens, reads bodies, sends answers, stops in an orderly way. What is answered is the core's.
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Log, Scorer } from "../../src/host.ts";
import { answerBare, answerBroken, MAX_HEAD_BYTES, type ParseError } from "./broken.ts";
import { Connection } from "./connection.ts";
import { Exchange, toTarget } from "./exchange.ts";
import { toHeaders } from "./incoming.ts";
import { atOnce, createOutbox } from "./outbox.ts";
import { createService, type HttpOptions } from "./service.ts";

export type { HttpOptions } from "./service.ts";

/** A server that can be stopped in an orderly way. */
export interface HttpServer {
  readonly server: Server;
  /** @param bound listens already, at that address, and gives its socket away   @throws the listening error */
  listen(address: { readonly host: string; readonly port: number }, bound?: object): Promise<AddressInfo>;
  /** Takes no new connections, lets running requests end (up to `graceMs` milliseconds), then closes. */
  close(graceMs: number): Promise<void>;
}

/** Idle connections are kept for so many milliseconds: longer than the 60 s of common load balancers, so that it is
 *  they who close. */
const KEEP_ALIVE_MS = 75_000;

/** While the server stops, connections that have become idle are closed every so many milliseconds. */
const SWEEP_MS = 100;

/** How long a client may take to close its half of an idle connection when the server stops, in milliseconds. One that was
 *  sending its next request just then learns by the end that it was not taken; a reset would tell it nothing. */
const STOP_LINGER_MS = 1_000;

/** The request listener itself, for hosts that bring their own server and hand over one request at a time. */
export function createListener(scorer: Scorer, options: HttpOptions, log: Log): RequestListener {
  const { begin } = createService(scorer, options, log, { isClosing: () => false, departs: atOnce });
  return (request, response) => {
    const exchange = new Exchange(request, response);
    options.onExchange?.(exchange);
    begin(exchange);
  };
}

/** A node:http server around the scorer. */
export function createHttpServer(scorer: Scorer, options: HttpOptions, log: Log): HttpServer {
  let closing = false;
  const connections = new Map<Duplex, Connection>();
  const { begin, refuse } = createService(scorer, options, log, {
    isClosing: () => closing,
    departs: createOutbox(),
    onUnread: ({ request }) => connections.get(request.socket)?.linger(),
  });
  const { headMs, requestMs, checkMs, keepAliveMs = KEEP_ALIVE_MS } = options.timeouts ?? {};
  const server = createServer({
    maxHeaderSize: MAX_HEAD_BYTES,
    keepAliveTimeout: keepAliveMs,
    requireHostHeader: false,
    ...(headMs !== undefined && { headersTimeout: headMs }),
    ...(requestMs !== undefined && { requestTimeout: requestMs }),
    ...(checkMs !== undefined && { connectionsCheckingInterval: checkMs }),
  });
  // A client that has ended its half is still to get its answers.
  Object.assign(server, { httpAllowHalfOpen: true });
  // What node:http's own close() calls, which would reset them.
  server.closeIdleConnections = () => {
    for (const connection of connections.values()) connection.endIfIdle(STOP_LINGER_MS);
  };

  function take(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const connection = connections.get(request.socket);
    if (connection === undefined) return;
    const exchange = new Exchange(request, response, connection.isPlain(request));
    exchange.expectsContinue = expectsContinue;
    options.onExchange?.(exchange);
    connection.take(exchange);
  }

  server.on("connection", (socket: Socket) => {
    connections.set(socket, new Connection(socket, begin));
    socket.once("close", () => connections.delete(socket));
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => take(request, response, false));
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => take(request, response, true));
  server.on("clientError", (error: ParseError, socket: Duplex) => {
    const connection = connections.get(socket);
    if (connection === undefined) socket.destroy();
    else answerBroken(scorer, error, connection, refuse);
  });
  server.on("connect", (request: IncomingMessage, socket: Duplex) => {
    const connection = connections.get(socket);
    if (connection === undefined) socket.destroy();
    else answerBare(scorer, connection, { method: "CONNECT", ...toTarget("/score"), headers: toHeaders(request) });
  });
  // Set for the sake of an answer that a client does not take, or by node:http for one that sends no further request.
  server.on("timeout", (socket: Socket) => {
    if (connections.get(socket)?.last === undefined) socket.destroy();
  });

  return {
    server,
    listen: ({ host, port }, bound) =>
      new Promise((resolve, reject) => {
        const listening = (): void => {
          server.off("error", reject);
          resolve(server.address() as AddressInfo);
        };
        server.once("error", reject);
        if (bound === undefined) server.listen(port, host, listening);
        else server.listen(bound, listening);
      }),
    close(graceMs) {
      closing = true;
      return new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), graceMs);
        // An answer whose head has left already cannot say that the connection ends with it.
        const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
        server.close(() => {
          clearTimeout(timer);
          clearInterval(sweep);
          resolve();
        });
      });
    },
  };
}
