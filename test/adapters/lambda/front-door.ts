// What stands in front of a function: turns requests into events, and what the function returns into responses. Each kind
// changes what the real one changes, and nothing else.
import { isUtf8 } from "node:buffer";
import { PassThrough, type Writable } from "node:stream";
import type { LambdaContext, LambdaResult } from "../../../adapters/lambda/index.ts";
import type { StreamHead } from "../../../adapters/lambda/result.ts";
import type { HeaderList } from "../../../src/core/types.ts";
import type { WireRequest, WireResponse } from "../../conformance.ts";

export type FrontDoor = "rest" | "http" | "http-stage" | "url" | "alb" | "alb-multi";

/** The event a request becomes. */
export function toEvent(door: FrontDoor, request: WireRequest): Record<string, unknown> {
  const { body } = request;
  const method = request.method ?? (body === undefined ? "GET" : "POST");
  const [path = "/", query = ""] = split(request.target);
  const headers: [string, string][] = [...(request.headers ?? []).map(trimmed), ["Host", "example.test"]];
  if (body !== undefined) headers.push(["Content-Length", String(Buffer.byteLength(body))]);
  const content = toBody(headers, body);
  switch (door) {
    case "rest":
      return {
        resource: "/{proxy+}",
        path,
        httpMethod: method,
        ...bothHeaders(headers),
        ...bothQueries(query, decode),
        requestContext: {
          path: `/prod${path}`,
          stage: "prod",
          httpMethod: method,
          identity: { sourceIp: "192.0.2.1" },
        },
        ...content,
      };
    case "alb":
    case "alb-multi": {
      const { headers: single, multiValueHeaders } = bothHeaders([...headers, ["X-Forwarded-For", "192.0.2.1"]]);
      const { queryStringParameters, multiValueQueryStringParameters } = bothQueries(query, (text) => text);
      return {
        requestContext: {
          elb: { targetGroupArn: "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/t/1" },
        },
        httpMethod: method,
        path,
        ...(door === "alb"
          ? { headers: single, queryStringParameters }
          : { multiValueHeaders, multiValueQueryStringParameters }),
        ...content,
        body: content.body ?? "",
      };
    }
    default: {
      const stage = door === "http-stage" ? "prod" : "$default";
      const cookies = headers
        .filter(([name]) => name.toLowerCase() === "cookie")
        .flatMap(([, value]) => value.split("; "));
      const joined = members<string>();
      for (const [name, value] of headers) {
        const lower = name.toLowerCase();
        if (lower !== "cookie") joined[lower] = joined[lower] === undefined ? value : `${joined[lower]},${value}`;
      }
      const rawPath = door === "http-stage" ? `/prod${path}` : path;
      return {
        version: "2.0",
        routeKey: "$default",
        rawPath,
        rawQueryString: query,
        headers: joined,
        ...(cookies.length > 0 && { cookies }),
        requestContext: { stage, http: { method, path: rawPath, protocol: "HTTP/1.1", sourceIp: "192.0.2.1" } },
        ...content,
      };
    }
  }
}

/** The response a buffered function's result becomes. */
export function fromResult(returned: unknown): WireResponse {
  const result = JSON.parse(JSON.stringify(returned)) as LambdaResult;
  const headers: [string, string][] = Object.entries(result.headers ?? {});
  for (const [name, values] of Object.entries(result.multiValueHeaders ?? {})) {
    for (const value of values) headers.push([name, value]);
  }
  for (const cookie of result.cookies ?? []) headers.push(["set-cookie", cookie]);
  const body = Buffer.from(result.body, result.isBase64Encoded ? "base64" : "utf8");
  return { status: result.statusCode, headers, body, complete: true };
}

/** Calls a streaming function and takes its answer down. */
export async function receiveStream(
  call: (stream: Writable, start: (stream: Writable, head: StreamHead) => Writable) => Promise<void>,
  onChunk?: (chunk: Uint8Array) => void,
): Promise<WireResponse> {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  let head: StreamHead | undefined;
  let sentHead: StreamHead | undefined;
  // As Lambda's runtime does: the head goes out with the first write(), and never without one.
  const { write } = stream;
  stream.write = ((...args: Parameters<typeof write>) => {
    sentHead ??= head;
    return write.apply(stream, args);
  }) as typeof write;
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    onChunk?.(chunk);
  });
  const complete = await call(stream, (out, given) => {
    head = JSON.parse(JSON.stringify(given)) as StreamHead;
    return out;
  }).then(
    () => true,
    () => false,
  );
  if (sentHead === undefined) return { status: 502, headers: [], body: Buffer.alloc(0), complete };
  const { statusCode, headers, multiValueHeaders = {}, cookies = [] } = sentHead;
  const list: HeaderList = [
    ...Object.entries(headers),
    ...Object.entries(multiValueHeaders).flatMap(([name, values]) =>
      values.map((value): [string, string] => [name, value]),
    ),
    ...cookies.map((cookie): [string, string] => ["set-cookie", cookie]),
  ];
  return { status: statusCode, headers: list, body: Buffer.concat(chunks), complete };
}

/** A context that has so many milliseconds left. */
export function contextWith(remainingMs: number): LambdaContext {
  const endsAt = performance.now() + remainingMs;
  return { getRemainingTimeInMillis: () => endsAt - performance.now() };
}

/** Blanks around a value are not part of it. */
function trimmed([name, value]: readonly [string, string]): [string, string] {
  return [name, value.trim()];
}

function split(target: string): string[] {
  const mark = target.indexOf("?");
  return mark < 0 ? [target] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** Text goes as it is, the rest as base64. */
function toBody(
  headers: HeaderList,
  body: string | Uint8Array | undefined,
): { body: string | null; isBase64Encoded: boolean } {
  if (body === undefined) return { body: null, isBase64Encoded: false };
  const bytes = Buffer.from(body as string);
  const isCompressed = headers.some(([name]) => name.toLowerCase() === "content-encoding");
  if (isUtf8(bytes) && !isCompressed) return { body: bytes.toString(), isBase64Encoded: false };
  return { body: bytes.toString("base64"), isBase64Encoded: true };
}

function bothHeaders(list: HeaderList): {
  headers: Record<string, string>;
  multiValueHeaders: Record<string, string[]>;
} {
  const headers = members<string>();
  const multiValueHeaders = members<string[]>();
  for (const [name, value] of list) {
    headers[name] = value;
    multiValueHeaders[name] = [...(multiValueHeaders[name] ?? []), value];
  }
  return { headers, multiValueHeaders };
}

/** A name that objects inherit is one like others. */
function members<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}

function bothQueries(query: string, read: (text: string) => string) {
  if (query === "") return { queryStringParameters: null, multiValueQueryStringParameters: null };
  const queryStringParameters = members<string>();
  const multiValueQueryStringParameters = members<string[]>();
  for (const part of query.split("&")) {
    const [name = "", value = ""] = part.split(/=(.*)/s).map(read);
    queryStringParameters[name] = value;
    multiValueQueryStringParameters[name] = [...(multiValueQueryStringParameters[name] ?? []), value];
  }
  return { queryStringParameters, multiValueQueryStringParameters };
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}
