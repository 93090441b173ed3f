// Requests as Lambda is handed them. Every source has its own shape; what leaves here is one, as node:http would have read it.
// Those of Function URLs and HTTP APIs are read here, the rest by other-events.ts.
import { BadInputError, type ScoreRequest } from "../../src/host.ts";
import { ClientSignal } from "../http/client-signal.ts";
import { headProblem } from "../http/incoming.ts";

/** How an answer has to be written: the two payload formats (a Function URL is of 2.0), a load balancer with and without
 *  multi-value headers, and a direct invocation, which takes the result alone. */
export type Door = "v1" | "v2" | "alb" | "alb-multi" | "direct";

/** A request that came as an event. */
export interface EventRequest extends ScoreRequest {
  readonly door: Door;
  readonly body: Buffer;
  readonly signal: ClientSignal;
  /** Why it cannot be handed over. */
  readonly problem: BadInputError | undefined;
}

/** Members of all shapes that are looked at. What an event is made of is not to be trusted: clients have a hand in it. */
export interface AnyEvent {
  readonly version?: unknown;
  readonly rawPath?: unknown;
  readonly rawQueryString?: unknown;
  readonly cookies?: unknown;
  readonly path?: unknown;
  readonly httpMethod?: unknown;
  readonly headers?: unknown;
  readonly multiValueHeaders?: unknown;
  readonly queryStringParameters?: unknown;
  readonly multiValueQueryStringParameters?: unknown;
  readonly body?: unknown;
  readonly isBase64Encoded?: unknown;
  readonly requestContext?: {
    readonly elb?: unknown;
    readonly stage?: unknown;
    readonly path?: unknown;
    readonly http?: { readonly method?: unknown; readonly sourceIp?: unknown };
    readonly identity?: { readonly sourceIp?: unknown };
  };
}

export type Headers = Record<string, string>;

/** The door an HTTP request came through; undefined: the event is none. */
export function doorOf(event: unknown): Door | undefined {
  if (typeof event !== "object" || event === null) return undefined;
  const { version, rawPath, httpMethod, path, multiValueHeaders, requestContext } = event as AnyEvent;
  if (typeof requestContext !== "object" || requestContext === null) return undefined;
  // An authorizer is asked with the request and these.
  if (Object.hasOwn(event, "methodArn") || Object.hasOwn(event, "routeArn")) return undefined;
  if (version === "2.0") return typeof rawPath === "string" && isMethod(requestContext.http?.method) ? "v2" : undefined;
  if (!isMethod(httpMethod) || typeof path !== "string") return undefined;
  if (requestContext.elb === undefined) return "v1";
  return multiValueHeaders ? "alb-multi" : "alb";
}

function isMethod(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

export function readV2(event: AnyEvent): EventRequest {
  const { http, stage } = event.requestContext!;
  const headers = headersOfV2(event);
  const body = readBody(event, headers);
  const path = withoutStage(event.rawPath as string, stage);
  const query = onWire(textOf(event.rawQueryString) ?? "", NOT_IN_QUERY);
  return requestOf("v2", http!.method as string, path, query, headers, body, textOf(http!.sourceIp));
}

const EMPTY = Buffer.alloc(0);

export function requestOf(
  door: Door,
  method: string,
  rawPath: string,
  query: string,
  headers: Headers,
  body: Buffer | BadInputError,
  remoteAddress: string | undefined,
): EventRequest {
  const path = onWire(rawPath, NOT_IN_PATH) || "/";
  const isBroken = body instanceof BadInputError;
  return {
    door,
    method,
    path,
    query,
    headers,
    body: isBroken ? EMPTY : body,
    remoteAddress,
    signal: new ClientSignal(),
    receivedAt: performance.now(),
    problem: isBroken ? body : problemOf(method, query === "" ? path : `${path}?${query}`, headers),
  };
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what node:http's parser refuses
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** What node:http would not have let pass. */
function problemOf(method: string, url: string, headers: Headers): BadInputError | undefined {
  const rawHeaders: string[] = [];
  for (const name in headers) {
    const value = headers[name]!;
    if (!TOKEN.test(name) || CONTROL.test(value)) {
      const shown = JSON.stringify(name.slice(0, 64));
      return new BadInputError("ERR_BAD_REQUEST", `The request is not valid HTTP: its header ${shown}.`);
    }
    rawHeaders.push(name, value);
  }
  return headProblem({ method, url, rawHeaders });
}

/** The body, and its length in the headers. */
export function readBody(event: AnyEvent, headers: Headers): Buffer | BadInputError {
  const body = isSpoilt(event, headers) ? new BadInputError("ERR_BAD_REQUEST", SPOILT) : decodeBody(event);
  // It is whole here, so its length is known: a front door may have changed how it was framed.
  delete headers["transfer-encoding"];
  const length = body instanceof BadInputError ? 0 : body.length;
  if (length > 0 || headers["content-length"] !== undefined) headers["content-length"] = String(length);
  return body;
}

const SPOILT =
  "The front door took binary tensors for text, which spoils them: send Content-Type: application/octet-stream.";

/** Front doors decide by the content type, which clients of binary tensors leave out, whether a body is text. Bytes that are
 *  none became replacement characters then. */
function isSpoilt({ body, isBase64Encoded }: AnyEvent, headers: Headers): boolean {
  return headers["inference-header-content-length"] !== undefined && !isBase64Encoded && `${body}`.includes("\ufffd");
}

/** Node reads over what is not base64; a body that was cut off must not pass for a shorter one. */
function decodeBody({ body, isBase64Encoded }: AnyEvent): Buffer | BadInputError {
  if (body === undefined || body === null || body === "") return EMPTY;
  if (typeof body !== "string") return new BadInputError("ERR_BAD_REQUEST", "The body of the event is not text.");
  if (isBase64Encoded !== true) return Buffer.from(body);
  const bytes = Buffer.from(body, "base64");
  const padding = body.endsWith("==") ? 2 : body.endsWith("=") ? 1 : 0;
  if (body.length % 4 === 0 && bytes.length === (body.length / 4) * 3 - padding) return bytes;
  return new BadInputError("ERR_BAD_REQUEST", "The body of the event is not complete base64.");
}

// ---- headers ----------------------------------------------------------------------------------------------------------

function headersOfV2({ headers, cookies }: AnyEvent): Headers {
  const read: Headers = {};
  const given = membersOf(headers);
  for (const name in given) put(read, name.toLowerCase(), given[name], ",");
  if (Array.isArray(cookies) && cookies.length > 0) {
    // Where the header is there, too, it says the same.
    delete read.cookie;
    for (const cookie of cookies) put(read, "cookie", cookie, "; ");
  }
  return read;
}

/** Adds a value, or each of a list. What is no text has no place in a header, and is left out; numbers are text. */
export function put(headers: Headers, name: string, value: unknown, separator: string): void {
  if (Array.isArray(value)) {
    for (const item of value) if (!Array.isArray(item)) put(headers, name, item, separator);
    return;
  }
  const text = textOf(value);
  if (text === undefined) return;
  const bytes = asBytes(text);
  headers[name] = Object.hasOwn(headers, name) ? `${headers[name]}${separator}${bytes}` : bytes;
}

const ASCII = /^[\t\x20-\x7e]*$/;

/** A header's text as node:http gives it: one character for each byte of its UTF-8, without blanks around it. */
function asBytes(text: string): string {
  const bytes = ASCII.test(text) ? text : Buffer.from(text).toString("latin1");
  return isBlank(bytes, 0) || isBlank(bytes, bytes.length - 1) ? bytes.replace(/^[\t ]+|[\t ]+$/g, "") : bytes;
}

function isBlank(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code === 0x20 || code === 0x09;
}

// ---- path and query ---------------------------------------------------------------------------------------------------

/** A stage with a name stands in front of the path. */
export function withoutStage(path: string, stage: unknown): string {
  if (typeof stage !== "string" || stage === "$default") return path;
  if (path === `/${stage}`) return "/";
  return path.startsWith(`/${stage}/`) ? path.slice(stage.length + 1) : path;
}

/** Half a surrogate pair, which no bytes stand for, becomes the replacement character. */
export function escaped(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

/** What cannot stand in a request line, where `#` and in a path `?` would end it. */
export const NOT_IN_QUERY: RegExp = /[^\x21\x22\x24-\x7e]+/g;
const NOT_IN_PATH = /[^\x21\x22\x24-\x3e\x40-\x7e]+/g;

export function onWire(text: string, forbidden: RegExp): string {
  return text.search(forbidden) < 0 ? text : text.replace(forbidden, escaped);
}

// ---- values -----------------------------------------------------------------------------------------------------------

type Members = Readonly<Record<string, unknown>>;
const NONE: Members = {};

export function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : NONE;
}

export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}
