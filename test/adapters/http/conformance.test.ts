import { Agent, request as sendRequest } from "node:http";
import { HealthServer } from "../../../adapters/http/health/index.ts";
import { createHttpServer } from "../../../adapters/http/index.ts";
import type { HeaderList } from "../../../src/host.ts";
import {
  type CreateDriver,
  type Driver,
  describeConformance,
  type WireRequest,
  type WireResponse,
} from "../../conformance.ts";
import { createService, type Service } from "../../setup/service.ts";

/** The node:http host over a real socket, with connections that are kept. */
const createDriver: CreateDriver = (script, env) =>
  drive(createService(script, env), ({ scorer, config, log }) => createHttpServer(scorer, config, log));

/** The separate health port, whose thread hands to the main one what it does not answer itself. */
const createHealthDriver: CreateDriver = (script, env) =>
  drive(
    createService(script, env),
    ({ config, runtime, scorer, log }) => new HealthServer(config, runtime, scorer, log),
  );

async function drive(service: Service, serve: (service: Service) => Server): Promise<Driver> {
  const { runtime, logged, close } = service;
  await runtime.start().catch(() => {});
  const server = serve(service);
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  const agent = new Agent({ keepAlive: true });

  return {
    send: (request) => send(port, agent, request),
    logged,
    async close() {
      agent.destroy();
      await Promise.all([server.close(0), close()]);
    },
  };
}

interface Server {
  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }>;
  close(graceMs: number): Promise<void>;
}

function send(port: number, agent: Agent, { target, headers = [], body, ...rest }: WireRequest): Promise<WireResponse> {
  const { method = body === undefined ? "GET" : "POST", onChunk } = rest;
  const fields = headers.flat();
  if (body !== undefined) fields.push("Content-Length", String(Buffer.byteLength(body)));
  fields.push("Host", `127.0.0.1:${port}`);
  return new Promise((resolve, reject) => {
    const request = sendRequest({ port, agent, method, path: target, headers: fields }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        onChunk?.(chunk);
      });
      // The one event that comes after a whole answer and after one that was cut off.
      response.on("error", () => {});
      response.on("close", () => {
        const { statusCode: status = 0, complete } = response;
        resolve({ status, headers: pairs(response.rawHeaders), body: Buffer.concat(chunks), complete });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

function pairs(raw: readonly string[]): HeaderList {
  return raw.flatMap((name, index): HeaderList => (index % 2 === 0 ? [[name, raw[index + 1]!]] : []));
}

const carries = { createDriver, streams: true, anyTarget: true, exactNames: true };

describeConformance("node:http, Python", { language: "python", ...carries });
describeConformance("node:http, TypeScript", { language: "typescript", ...carries });
describeConformance("RT-9: the separate health port, Python", {
  language: "python",
  ...carries,
  createDriver: createHealthDriver,
});
