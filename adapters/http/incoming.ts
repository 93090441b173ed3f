import type { IncomingMessage } from "node:http";
import { BadInputError } from "../../src/index.ts";

/** Limits of the reference's HTTP layer (contract PROC-11), in bytes and headers. */
export const MAX_REQUEST_LINE_BYTES = 4_094;
export const MAX_HEADER_FIELD_BYTES = 8_190;
export const MAX_HEADERS = 100;

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
  // Stand-ins for node:http's request know only the parsed form.
  if (raw.length === 0) {
    for (const [name, value] of Object.entries(request.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(",") : String(value);
    }
  }
  return headers;
}

/** What is wrong with the size of the request's head, if anything. */
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
  for (let index = 0; index < raw.length; index += 2) {
    if (raw[index]!.length + raw[index + 1]!.length + ": \r\n".length > MAX_HEADER_FIELD_BYTES) {
      const message = `The request header ${raw[index]!.slice(0, 64)} is longer than ${MAX_HEADER_FIELD_BYTES} bytes.`;
      return new BadInputError("ERR_HEADER_LIMIT", message);
    }
  }
  return undefined;
}

/** True when bytes will follow the head. */
export function hasBody(headers: Readonly<Record<string, string>>): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

/** The whole body. A body of known length is collected in one buffer, so that it costs its own size and no more.
 *  @param maxBytes 0: no limit
 *  @throws BadInputError `ERR_BODY_TOO_LARGE`; whatever the connection fails with */
export function readBody(
  request: IncomingMessage,
  headers: Readonly<Record<string, string>>,
  maxBytes: number,
): Promise<Uint8Array> {
  const declared = headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);
  if (maxBytes > 0 && declared !== undefined && declared > maxBytes) return Promise.reject(tooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let whole: Buffer | undefined;
    const pieces: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (maxBytes > 0 && length > maxBytes) {
        request.removeAllListeners("data");
        reject(tooLarge(maxBytes));
      } else if (first === undefined && whole === undefined) {
        if (declared === undefined || chunk.length >= declared) first = chunk;
        else {
          whole = Buffer.allocUnsafeSlow(declared);
          chunk.copy(whole);
        }
      } else if (whole !== undefined) chunk.copy(whole, length - chunk.length);
      else pieces.push(chunk);
    });
    request.once("end", () => {
      if (whole !== undefined) resolve(whole);
      else if (first === undefined) resolve(EMPTY);
      else resolve(pieces.length === 0 ? first : Buffer.concat([first, ...pieces], length));
    });
    request.once("error", reject);
  });
}

const EMPTY = new Uint8Array(0);

export function tooLarge(maxBytes: number): BadInputError {
  return new BadInputError("ERR_BODY_TOO_LARGE", `The request body is larger than ${maxBytes} bytes.`);
}
