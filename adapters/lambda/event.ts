// HTTP requests as Lambda is handed them. Every source has its own shape; what leaves here is one.
import { BadInputError } from "../../src/host.ts";

/** How an answer has to be written: the two payload formats, and a load balancer with and without multi-value headers.
 *  A Function URL is of payload format 2.0. */
export type Door = "v1" | "v2" | "alb" | "alb-multi";

/** A request that came as an event. */
export interface HttpEvent {
  readonly door: Door;
  readonly method: string;
  /** As raw as the source gives it. */
  readonly path: string;
  /** Percent-encoded, without `?`. */
  readonly query: string;
  /** Lower-case names, repeats joined with `,`. */
  readonly headers: Record<string, string>;
  readonly body: Buffer;
  readonly remoteAddress: string | undefined;
}

type Many = Readonly<Record<string, readonly string[] | undefined>> | null | undefined;
type One = Readonly<Record<string, string | undefined>> | null | undefined;

/** The parts of all shapes that are looked at. */
interface AnyEvent {
  readonly version?: string;
  readonly rawPath?: string;
  readonly rawQueryString?: string;
  readonly cookies?: readonly string[];
  readonly path?: string;
  readonly httpMethod?: string;
  readonly headers?: One;
  readonly multiValueHeaders?: Many;
  readonly queryStringParameters?: One;
  readonly multiValueQueryStringParameters?: Many;
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
  readonly requestContext?: {
    readonly elb?: unknown;
    readonly stage?: string;
    readonly path?: string;
    readonly http?: { readonly method?: string; readonly sourceIp?: string };
    readonly identity?: { readonly sourceIp?: string };
  };
}

/** Where the event came from; undefined when it is no HTTP request. */
export function doorOf(event: unknown): Door | undefined {
  if (typeof event !== "object" || event === null) return undefined;
  const { version, rawPath, httpMethod, path, multiValueHeaders, requestContext } = event as AnyEvent;
  if (typeof requestContext !== "object" || requestContext === null) return undefined;
  if (version === "2.0") return typeof rawPath === "string" && requestContext.http?.method ? "v2" : undefined;
  if (typeof httpMethod !== "string" || typeof path !== "string") return undefined;
  if (requestContext.elb === undefined) return "v1";
  return multiValueHeaders ? "alb-multi" : "alb";
}

/** Reads an event whose door is known.
 *  @throws BadInputError `ERR_BAD_REQUEST` when its body is not whole base64 */
export function readEvent(event: unknown, door: Door): HttpEvent {
  const raw = event as AnyEvent;
  const body = readBody(raw);
  const headers = door === "v2" ? headersOfV2(raw) : joinedHeaders(raw);
  // The body is whole here, so its length is known: a front door may have changed how it was framed.
  delete headers["transfer-encoding"];
  if (body.length > 0 || headers["content-length"] !== undefined) headers["content-length"] = String(body.length);
  const context = raw.requestContext!;
  if (door === "v2") {
    return {
      door,
      method: context.http!.method!,
      path: withoutStage(raw.rawPath!, context.stage),
      query: raw.rawQueryString ?? "",
      headers,
      body,
      remoteAddress: context.http!.sourceIp,
    };
  }
  const behindBalancer = door !== "v1";
  return {
    door,
    method: raw.httpMethod!,
    // A REST API leaves the stage out of `path` and keeps it in the context's; an HTTP API keeps it in both.
    path: raw.path === context.path ? withoutStage(raw.path!, context.stage) : raw.path!,
    query: writeQuery(raw, behindBalancer ? asItIs : encodeURIComponent),
    headers,
    body,
    remoteAddress: behindBalancer ? headers["x-forwarded-for"]?.split(",").at(-1)?.trim() : context.identity?.sourceIp,
  };
}

const EMPTY = Buffer.alloc(0);

/** Node reads over what is not base64; here a body that was cut off must not pass for a shorter one. */
function readBody({ body, isBase64Encoded }: AnyEvent): Buffer {
  if (body === undefined || body === null || body === "") return EMPTY;
  if (!isBase64Encoded) return Buffer.from(body);
  const bytes = Buffer.from(body, "base64");
  const padding = body.endsWith("==") ? 2 : body.endsWith("=") ? 1 : 0;
  if (body.length % 4 !== 0 || bytes.length !== (body.length / 4) * 3 - padding) {
    throw new BadInputError("ERR_BAD_REQUEST", "The body of the event is not complete base64.");
  }
  return bytes;
}

function headersOfV2({ headers, cookies }: AnyEvent): Record<string, string> {
  const read = singleHeaders(headers);
  if (cookies !== undefined && cookies.length > 0) read.cookie = cookies.join("; ");
  return read;
}

/** `headers` holds only the last value of a repeated header, `multiValueHeaders` all of them. */
function joinedHeaders({ headers, multiValueHeaders }: AnyEvent): Record<string, string> {
  const read = singleHeaders(headers);
  for (const [name, values] of Object.entries(multiValueHeaders ?? {})) {
    if (values !== undefined) read[name.toLowerCase()] = values.join(name.toLowerCase() === "cookie" ? "; " : ",");
  }
  return read;
}

function singleHeaders(headers: One): Record<string, string> {
  const read: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) read[name.toLowerCase()] = value;
  }
  return read;
}

/** A stage with a name stands in front of the path. */
function withoutStage(path: string, stage: string | undefined): string {
  if (stage === undefined || stage === "$default") return path;
  if (path === `/${stage}`) return "/";
  return path.startsWith(`/${stage}/`) ? path.slice(stage.length + 1) : path;
}

/** API Gateway has decoded the query, a load balancer has not. */
function writeQuery(event: AnyEvent, encode: (text: string) => string): string {
  const { multiValueQueryStringParameters: many, queryStringParameters: one } = event;
  const parts: string[] = [];
  for (const [name, values] of Object.entries(many ?? {})) {
    for (const value of values ?? []) parts.push(`${encode(name)}=${encode(value)}`);
  }
  if (parts.length > 0) return parts.join("&");
  for (const [name, value] of Object.entries(one ?? {})) parts.push(`${encode(name)}=${encode(value ?? "")}`);
  return parts.join("&");
}

function asItIs(text: string): string {
  return text;
}

/** True for the calls that only keep an environment warm: a schedule's, or those of the serverless plugin for it. */
export function isWarmUp(event: unknown): boolean {
  const source = (event as { source?: unknown } | null | undefined)?.source;
  return source === "aws.events" || source === "aws.scheduler" || source === "serverless-plugin-warmup";
}

/** True for batches from a queue or a stream, whose source takes any answer but an error for success. */
export function isBatch(event: unknown): boolean {
  return Array.isArray((event as { Records?: unknown } | null | undefined)?.Records);
}
