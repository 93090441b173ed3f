// Compressed bodies, both ways: gzip, and deflate in the form that HTTP means by it, zlib's.
import { promisify } from "node:util";
import {
  constants,
  deflate,
  deflateSync,
  gunzip,
  gunzipSync,
  gzip,
  gzipSync,
  inflate,
  inflateSync,
  type ZlibOptions,
} from "node:zlib";
import { badInput } from "./oip-types.ts";

/** Of the extension of the protocol that Triton has. */
export type Encoding = "gzip" | "deflate";

type Convert = (body: Uint8Array, options: ZlibOptions) => Uint8Array | Promise<Uint8Array>;

/** Shorter bodies, 4 KiB, are not worth a thread: the way there and back takes 100 µs, six times as long as they do. What is
 *  packed in one that short are 4 MB at most. */
const AT_ONCE_BYTES = 4096;

function converter(atOnce: Convert, inThread: Convert): Convert {
  return (body, options) => (body.length <= AT_ONCE_BYTES ? atOnce : inThread)(body, options);
}

const compressors = {
  gzip: converter(gzipSync, promisify<Uint8Array, ZlibOptions, Uint8Array>(gzip)),
  deflate: converter(deflateSync, promisify<Uint8Array, ZlibOptions, Uint8Array>(deflate)),
};
const decompressors = {
  gzip: converter(gunzipSync, promisify<Uint8Array, ZlibOptions, Uint8Array>(gunzip)),
  deflate: converter(inflateSync, promisify<Uint8Array, ZlibOptions, Uint8Array>(inflate)),
};

/** @param encoding the request's Content-Encoding   @param maxBytes of what comes out
 *  @throws BadInputError */
export async function decompress(body: Uint8Array, encoding: string, maxBytes: number): Promise<Uint8Array> {
  const name = encoding.trim().toLowerCase();
  if (name === "" || name === "identity") return body;
  if (!isEncoding(name)) throw badInput(`Unsupported compression type: ${encoding}; gzip and deflate are known`);
  try {
    return await decompressors[name](body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw badInput(`the body has more than ${maxBytes} bytes once it is decompressed`);
    }
    throw badInput(`the body is not ${name} as its Content-Encoding says: ${(error as Error).message}`, error);
  }
}

/** Level 1 takes a third of the time of level 6, and numbers do not get much smaller by more work. */
const LEVEL = { level: constants.Z_BEST_SPEED };

export function compress(body: Uint8Array, encoding: Encoding): Uint8Array | Promise<Uint8Array> {
  return compressors[encoding](body, LEVEL);
}

/** What the client would have its answer compressed by.
 *  @param accepted the request's Accept-Encoding   @returns undefined: nothing that is known here */
export function wantedEncoding(accepted: string | undefined): Encoding | undefined {
  if (accepted === undefined || accepted === "") return undefined;
  let best: Encoding | undefined;
  let bestWeight = 0;
  for (const item of accepted.toLowerCase().split(",")) {
    const [name = "", ...parameters] = item.split(";").map((part) => part.trim());
    const weight = weightOf(parameters);
    if (!isEncoding(name) || !(weight > bestWeight)) continue;
    best = name;
    bestWeight = weight;
  }
  return best;
}

function weightOf(parameters: readonly string[]): number {
  const q = parameters.find((parameter) => parameter.startsWith("q="));
  return q === undefined ? 1 : Number(q.slice(2));
}

function isEncoding(name: string): name is Encoding {
  return name === "gzip" || name === "deflate";
}
