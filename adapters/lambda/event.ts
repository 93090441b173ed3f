// Requests as Lambda is handed them. Every source has its own shape; what leaves here is one, as node:http would have read it.
import { BadInputError, type ScoreRequest } from "../../src/host.ts";
import { ClientSignal } from "../http/client-signal.ts";
import { headProblem } from "../http/incoming.ts";
import { EventError, isWarmUp, markOf } from "./sources.ts";

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
interface AnyEvent {
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

type Headers = Record<string, string>;

/** Reads an event. @param id of the invocation, which becomes a direct one's request id
 *  @returns undefined: it only keeps the environment warm   @throws EventError when it is another service's */
export function readEvent(event: unknown, id?: string): EventRequest | undefined {
  const door = doorOf(event);
  if (door !== undefined) return readHttp(event as AnyEvent, door);
  if (isWarmUp(event)) return undefined;
  const mark = markOf(event);
  if (mark !== undefined) throw new EventError(mark);
  const body = Buffer.from(JSON.stringify(event ?? null));
  const headers: Headers = { "content-type": "application/json", "content-length": String(body.length) };
  if (id !== undefined) headers["x-request-id"] = id;
  return requestOf("direct", "POST", "/score", "", headers, body, undefined);
}

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

function readHttp(event: AnyEvent, door: Door): EventRequest {
  const { http, identity, stage, path: contextPath } = event.requestContext!;
  const body = readBody(event);
  const headers = door === "v2" ? headersOfV2(event) : joinedHeaders(event);
  // The body is whole here, so its length is known: a front door may have changed how it was framed.
  delete headers["transfer-encoding"];
  const length = body instanceof BadInputError ? 0 : body.length;
  if (length > 0 || headers["content-length"] !== undefined) headers["content-length"] = String(length);
  if (door === "v2") {
    const path = withoutStage(event.rawPath as string, stage);
    const query = onWire(textOf(event.rawQueryString) ?? "", NOT_IN_QUERY);
    return requestOf(door, http!.method as string, path, query, headers, body, textOf(http!.sourceIp));
  }
  const isBalanced = door !== "v1";
  // A REST API leaves the stage out of `path` and keeps it in the context's; an HTTP API keeps it in both.
  const path = event.path === contextPath ? withoutStage(event.path as string, stage) : (event.path as string);
  const query = writeQuery(event, isBalanced ? asItIs : escaped);
  const address = isBalanced ? headers["x-forwarded-for"]?.split(",").at(-1)?.trim() : textOf(identity?.sourceIp);
  return requestOf(door, event.httpMethod as string, path, query, headers, body, address);
}

const EMPTY = Buffer.alloc(0);

function requestOf(
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

/** Node reads over what is not base64; a body that was cut off must not pass for a shorter one. */
function readBody({ body, isBase64Encoded }: AnyEvent): Buffer | BadInputError {
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

/** `headers` holds only the last value of a repeated header, `multiValueHeaders` all of them. */
function joinedHeaders({ headers, multiValueHeaders }: AnyEvent): Headers {
  const read: Headers = {};
  const [all, last] = [membersOf(multiValueHeaders), membersOf(headers)];
  for (const name in all) {
    const lower = name.toLowerCase();
    put(read, lower, all[name], lower === "cookie" ? "; " : ",");
  }
  for (const name in last) if (!Object.hasOwn(all, name)) put(read, name.toLowerCase(), last[name], ",");
  return read;
}

/** Adds a value, or each of a list. What is no text has no place in a header, and is left out; numbers are text. */
function put(headers: Headers, name: string, value: unknown, separator: string): void {
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
function withoutStage(path: string, stage: unknown): string {
  if (typeof stage !== "string" || stage === "$default") return path;
  if (path === `/${stage}`) return "/";
  return path.startsWith(`/${stage}/`) ? path.slice(stage.length + 1) : path;
}

/** API Gateway has decoded the query, a load balancer has not. */
function writeQuery(event: AnyEvent, encode: (text: string) => string): string {
  const parts: string[] = [];
  const add = (name: string, value: unknown): void => {
    parts.push(`${encode(name)}=${encode(textOf(value) ?? "")}`);
  };
  for (const [name, values] of Object.entries(membersOf(event.multiValueQueryStringParameters))) {
    for (const value of Array.isArray(values) ? values : [values]) add(name, value);
  }
  if (parts.length === 0) {
    for (const [name, value] of Object.entries(membersOf(event.queryStringParameters))) add(name, value);
  }
  return onWire(parts.join("&"), NOT_IN_QUERY);
}

function asItIs(text: string): string {
  return text;
}

/** Half a surrogate pair, which no bytes stand for, becomes the replacement character. */
function escaped(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

/** What cannot stand in a request line, where `#` and in a path `?` would end it. */
const NOT_IN_QUERY = /[^\x21\x22\x24-\x7e]+/g;
const NOT_IN_PATH = /[^\x21\x22\x24-\x3e\x40-\x7e]+/g;

function onWire(text: string, forbidden: RegExp): string {
  return text.search(forbidden) < 0 ? text : text.replace(forbidden, escaped);
}

// ---- values -----------------------------------------------------------------------------------------------------------

type Members = Readonly<Record<string, unknown>>;
const NONE: Members = {};

function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : NONE;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}
