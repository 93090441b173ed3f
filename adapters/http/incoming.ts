import type { IncomingMessage } from "node:http";
import { BadInputError } from "../../src/host.ts";

/** Limits of the reference's HTTP layer (contract PROC-11), in bytes and headers. */
export const MAX_REQUEST_LINE_BYTES = 4_094;
export const MAX_HEADER_FIELD_BYTES = 8_190;
export const MAX_HEADERS = 100;

/** Takes the request target apart; an absolute one (`http://host/score`) loses its host, and any its fragment. */
export function toTarget(url: string): { path: string; query: string } {
  const fragment = url.indexOf("#");
  const whole = fragment < 0 ? url : url.slice(0, fragment);
  const local = whole.charCodeAt(0) === SLASH ? whole : whole.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, "");
  const mark = local.indexOf("?");
  if (mark < 0) return { path: local === "" ? "/" : local, query: "" };
  return { path: mark === 0 ? "/" : local.slice(0, mark), query: local.slice(mark + 1) };
}

const SLASH = 47;

/** Lower-case names; a repeated header is joined with `,`. */
export function toHeaders(request: IncomingMessage): Record<string, string> {
  const raw = request.rawHeaders;
  // An ordinary object: one without a prototype is a hash table to V8, and several times slower to fill and to read.
  const headers: Record<string, string> = {};
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!.toLowerCase();
    const value = raw[index + 1]!;
    headers[name] = Object.hasOwn(headers, name) ? `${headers[name]},${value}` : value;
  }
  // What takes the place of node:http's request may know only the parsed form.
  if (raw.length === 0) {
    for (const [name, value] of Object.entries(request.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(",") : String(value);
    }
  }
  return headers;
}

/** What is wrong with the request's head, of what node:http lets pass, if anything. */
export function headProblem(
  request: Pick<IncomingMessage, "method" | "rawHeaders" | "url">,
): BadInputError | undefined {
  const raw = request.rawHeaders;
  const lineBytes = (request.method?.length ?? 0) + (request.url?.length ?? 0) + " HTTP/1.1 ".length;
  if (lineBytes > MAX_REQUEST_LINE_BYTES) {
    return new BadInputError("ERR_BAD_REQUEST", `The request line is longer than ${MAX_REQUEST_LINE_BYTES} bytes.`);
  }
  if (raw.length > MAX_HEADERS * 2) {
    return new BadInputError("ERR_HEADER_LIMIT", `The request has more than ${MAX_HEADERS} headers.`);
  }
  let hosts = 0;
  for (let index = 0; index < raw.length; index += 2) {
    if (raw[index]!.length === 4 && raw[index]!.toLowerCase() === "host" && ++hosts > 1)
      return malformed("two Host headers");
    if (raw[index]!.length + raw[index + 1]!.length + ": \r\n".length > MAX_HEADER_FIELD_BYTES) {
      const message = `The request header ${raw[index]!.slice(0, 64)} is longer than ${MAX_HEADER_FIELD_BYTES} bytes.`;
      return new BadInputError("ERR_HEADER_LIMIT", message);
    }
  }
  return undefined;
}

/** What is wrong with the request's version and line, of what node:http lets pass, if anything. */
export function lineProblem(
  request: IncomingMessage,
  headers: Readonly<Record<string, string>>,
  isPlain: boolean,
): BadInputError | undefined {
  const { httpVersion } = request;
  if (httpVersion !== "1.1") {
    if (httpVersion !== "1.0") return malformed(`version ${httpVersion} of HTTP`);
    if (headers["transfer-encoding"] !== undefined) return malformed("Transfer-Encoding in a request of HTTP/1.0");
  }
  return !isPlain && hasWideBlanks(request) ? malformed("more than one blank in a row in the request line") : undefined;
}

function malformed(what: string): BadInputError {
  return new BadInputError("ERR_BAD_REQUEST", `The request is not valid HTTP: ${what}.`);
}

/** node:http's parser skips blanks in the request line. What it was given is still to be had while it tells of the head,
 *  unless the line came in pieces; then nobody knows. */
function hasWideBlanks(request: IncomingMessage): boolean {
  const { parser } = request.socket as { parser?: { getCurrentBuffer?: () => Buffer } };
  const packet = parser?.getCurrentBuffer?.();
  if (packet === undefined) return false;
  const line = `${request.method} ${request.url} HTTP/`;
  // Where it is but for requests that are sent ahead of an answer.
  if (packet.toString("latin1", 0, line.length) === line || packet.includes(line, 0, "latin1")) return false;
  return new RegExp(`${literal(request.method)} +${literal(request.url)} +HTTP/`).test(packet.toString("latin1"));
}

function literal(text = ""): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}

/** Bytes of a request that is written as everybody does, with one blank where there may be blanks. */
export function usualBytes({ method = "", url = "", rawHeaders }: IncomingMessage): number {
  let bytes = method.length + url.length + "  HTTP/1.1\r\n\r\n".length;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    const value = rawHeaders[index + 1]!;
    bytes += name.length + value.length + ": \r\n".length;
    if (name.length === "content-length".length && name.toLowerCase() === "content-length") bytes += Number(value);
  }
  return bytes;
}

/** True when bytes will follow the head. */
export function hasBody(headers: Readonly<Record<string, string>>): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

export function tooLarge(maxBytes: number): BadInputError {
  return new BadInputError("ERR_BODY_TOO_LARGE", `The request body is larger than ${maxBytes} bytes.`);
}
