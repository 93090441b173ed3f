import { type Agent, request as sendRequest } from "node:http";
import type { WireRequest, WireResponse } from "../conformance.ts";

/** Sends a request to a port of this machine. @param agent false: by a connection of its own */
export function sendTo(port: number, agent: Agent | false, request: WireRequest): Promise<WireResponse> {
  const { target, headers = [], body, onChunk } = request;
  const { method = body === undefined ? "GET" : "POST" } = request;
  const fields = headers.flat();
  if (body !== undefined) fields.push("Content-Length", String(Buffer.byteLength(body)));
  fields.push("Host", `127.0.0.1:${port}`);
  return new Promise((resolve, reject) => {
    const sent = sendRequest({ host: "127.0.0.1", port, agent, method, path: target, headers: fields }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        onChunk?.(chunk);
      });
      // The one event that comes after a whole answer and after one that was cut off.
      response.on("error", () => {});
      response.on("close", () => {
        const { statusCode: status = 0, complete, rawHeaders } = response;
        const list = rawHeaders.flatMap((name, index): [string, string][] =>
          index % 2 === 0 ? [[name, rawHeaders[index + 1]!]] : [],
        );
        resolve({ status, headers: list, body: Buffer.concat(chunks), complete });
      });
    });
    sent.on("error", reject);
    // As bytes: node:http writes text and the head before it in one encoding.
    sent.end(body === undefined ? undefined : Buffer.from(body));
  });
}
