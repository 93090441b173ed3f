// Events that fewer functions are called with: those of REST APIs and load balancers, direct invocations, and what is none of
// scorefn's business. Loaded with the first of them.
import {
  type AnyEvent,
  type Door,
  type EventRequest,
  escaped,
  type Headers,
  membersOf,
  NOT_IN_QUERY,
  onWire,
  put,
  readBody,
  requestOf,
  textOf,
  withoutStage,
} from "./event.ts";
import { isWarmUp, markOf, noRequest } from "./sources.ts";

/** Reads an event. @param door undefined: it is no HTTP request */
export function readOther(event: unknown, door: Door | undefined, id?: string): EventRequest | undefined {
  if (door !== undefined) return readOlder(event as AnyEvent, door);
  if (isWarmUp(event)) return undefined;
  const mark = markOf(event);
  if (mark !== undefined) throw noRequest(mark);
  const body = Buffer.from(JSON.stringify(event ?? null));
  const headers: Headers = { "content-type": "application/json", "content-length": String(body.length) };
  if (id !== undefined) headers["x-request-id"] = id;
  return requestOf("direct", "POST", "/score", "", headers, body, undefined);
}

function readOlder(event: AnyEvent, door: Door): EventRequest {
  const { identity, stage, path: contextPath } = event.requestContext!;
  const headers = joinedHeaders(event);
  const body = readBody(event, headers);
  const isBalanced = door !== "v1";
  // A REST API leaves the stage out of `path` and keeps it in the context's; an HTTP API keeps it in both.
  const path = event.path === contextPath ? withoutStage(event.path as string, stage) : (event.path as string);
  const query = writeQuery(event, isBalanced ? asItIs : escaped);
  const address = isBalanced ? headers["x-forwarded-for"]?.split(",").at(-1)?.trim() : textOf(identity?.sourceIp);
  return requestOf(door, event.httpMethod as string, path, query, headers, body, address);
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
