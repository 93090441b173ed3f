import { Agent, request as sendRequest } from "node:http";
import { createHttpServer } from "../../../adapters/http/index.ts";
import type { HeaderList } from "../../../src/index.ts";
import { type CreateDriver, describeConformance, type WireRequest, type WireResponse } from "../../conformance.ts";
import { createService } from "../../setup/service.ts";

/** The node:http host over a real socket, with connections that are kept. */
const createDriver: CreateDriver = async (script, env) => {
  const { scorer, runtime, config, log, logged, close } = createService(script, env);
  await runtime.start().catch(() => {});
  const server = createHttpServer(scorer, config, log);
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
};

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
