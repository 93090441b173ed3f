import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";
import { DEADLINE_MS } from "./deadline.ts";

/** What a sink has been sent. */
export interface SinkRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** How it answers: `hang` never, `close` by closing the connection, `garbage` by what is no HTTP. */
export type SinkAnswer =
  | "hang"
  | "close"
  | "garbage"
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      /** It hangs after so many characters of the body. */
      readonly cutAt?: number;
    };

export const TAKEN: SinkAnswer = { status: 200, body: "{}" };

export interface TelemetrySink {
  readonly url: string;
  readonly requests: readonly SinkRequest[];
  /** Gives the answer to each request; may be replaced. */
  answer: (request: SinkRequest) => SinkAnswer;
  /** Resolves with what `find` finds in the requests, asked again with each that comes. */
  waitFor<T>(find: (requests: readonly SinkRequest[]) => T | undefined): Promise<T>;
  close(): Promise<void>;
}

const running = new Set<Server>();

afterAll(() => {
  for (const server of running) server.closeAllConnections();
});

/** Takes telemetry of any kind, keeps it, and answers as it is told. */
export async function startTelemetrySink(port = 0): Promise<TelemetrySink> {
  const requests: SinkRequest[] = [];
  const watchers = new Set<() => void>();
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request = { path: incoming.url ?? "", headers: incoming.headers, body: Buffer.concat(chunks) };
    requests.push(request);
    reply(response, sink.answer(request));
    for (const watch of watchers) watch();
  });
  running.add(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", resolve);
  });
  const sink: TelemetrySink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: () => TAKEN,
    waitFor: (find) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          watchers.delete(watch);
          reject(new Error(`the sink has waited ${DEADLINE_MS} ms in vain; it has ${requests.length} requests`));
        }, DEADLINE_MS);
        const watch = (): void => {
          const found = find(requests);
          if (found === undefined) return;
          clearTimeout(late);
          watchers.delete(watch);
          resolve(found);
        };
        watchers.add(watch);
        watch();
      }),
    close: () =>
      new Promise((resolve) => {
        running.delete(server);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return sink;
}

function reply(response: ServerResponse, answer: SinkAnswer): void {
  if (answer === "hang") return;
  if (answer === "close") response.socket?.destroy();
  else if (answer === "garbage") response.socket?.end("this is no HTTP\r\n\r\n");
  else {
    const { status, headers, body = "", cutAt } = answer;
    response.writeHead(status, headers);
    if (cutAt === undefined) response.end(body);
    else response.write(body.slice(0, cutAt));
  }
}

/** An item that Application Insights has been sent. */
export interface Envelope {
  readonly ver: number;
  readonly name: string;
  readonly time: string;
  readonly sampleRate: number;
  readonly iKey: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly data: {
    readonly baseType: string;
    // biome-ignore lint/suspicious/noExplicitAny: tests look into it, and what is not there fails them
    readonly baseData: any;
  };
}

/** All items of all requests, in the order they came. */
export function envelopesOf(requests: readonly SinkRequest[]): readonly Envelope[] {
  return requests
    .filter(({ path }) => path.endsWith("/track"))
    .flatMap(({ body }) => JSON.parse(body.toString("utf8")) as Envelope[]);
}
