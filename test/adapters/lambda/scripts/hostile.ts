// Answers as the header `x-do` says, and with what it was asked.
import { type RawHttpRun, rawHttp } from "../../../../src/index.ts";

interface Do {
  status?: number;
  headers?: [string, string][];
  body?: "seen" | "bytes" | "none" | "stream" | "throw";
}

export function init(): void {}

export const run: RawHttpRun = rawHttp(async (request) => {
  const { status = 200, headers = [], body = "seen" }: Do = JSON.parse(request.headers.get("x-do") ?? "{}");
  if (body === "throw") throw new RangeError("asked to");
  const isEmpty = status === 204 || status === 304 || body === "none";
  const seen = JSON.stringify({
    method: request.method,
    url: request.url,
    headers: [...request.headers],
    bytes: (await request.arrayBuffer()).byteLength,
  });
  const content =
    body === "bytes" ? Uint8Array.of(0, 255, 128) : body === "stream" ? piecesOf(["first ", "second"]) : seen;
  const response = new Response(isEmpty ? null : content, {
    status: status >= 200 && status <= 599 ? status : 200,
    headers: [["content-type", body === "bytes" ? "image/png" : "text/plain; charset=utf-8"], ...headers],
  });
  return response.status === status ? response : Object.defineProperty(response, "status", { value: status });
});

function piecesOf(texts: string[]): ReadableStream {
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setImmediate(resolve));
      const text = texts.shift();
      if (text === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(text));
    },
  });
}
