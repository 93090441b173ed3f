// The node:http host: listens, reads bodies, sends answers, stops in an orderly way. What is answered is the core's.
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Log, Scorer } from "../../src/host.ts";
import { answerBare, answerBroken, MAX_HEAD_BYTES, type ParseError } from "./broken.ts";
import { Connection } from "./connection.ts";
import { createShared, Exchange, type HttpOptions } from "./exchange.ts";
import { toHeaders, toTarget } from "./incoming.ts";
import { atOnce, createOutbox } from "./outbox.ts";

export type { HttpOptions } from "./exchange.ts";

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
  const shared = createShared(scorer, options, log, atOnce);
  return (request, response) => new Exchange(shared, request, response).begin();
}

/** A node:http server around the scorer. */
export function createHttpServer(scorer: Scorer, options: HttpOptions, log: Log): HttpServer {
  const shared = createShared(scorer, options, log, createOutbox());
  const connections = new Map<Duplex, Connection>();
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

  server.on("connection", (socket: Socket) => {
    connections.set(socket, new Connection(socket, shared));
    socket.once("close", () => connections.delete(socket));
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    connections.get(request.socket)?.take(request, response, false);
  });
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    connections.get(request.socket)?.take(request, response, true);
  });
  server.on("clientError", (error: ParseError, socket: Duplex) => {
    const connection = connections.get(socket);
    if (connection === undefined) socket.destroy();
    else answerBroken(scorer, error, connection);
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
      shared.isClosing = true;
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
