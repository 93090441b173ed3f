import type { IncomingMessage } from "node:http";
import type { ScoreError } from "../../src/host.ts";
import { tooLarge } from "./incoming.ts";

/** Room that a body gets at first, whatever length it declares: the rest is had only by sending. Most bodies fit. */
const FIRST_BYTES = 4_194_304;

/** A declared body that outgrows its room gets so many times as much, a chunked one twice as much: pages that nothing has
 *  been written to cost nothing, but where nobody knows how long the body gets, address space should be in proportion. */
const DECLARED_GROWTH = 16;
const CHUNKED_GROWTH = 2;
/** Room of a chunked body of more than one chunk at first. */
const FIRST_CHUNKED_BYTES = 16_384;

/** How often a growing body is weighed against what may wait, in bytes. */
const WEIGH_EVERY_BYTES = 262_144;

/** Bytes of all bodies that a server is receiving. */
export interface Inflow {
  bytes: number;
}

export interface BodyRules {
  /** 0: no limit. */
  readonly maxBytes: number;
  /** False: the body is read, and thrown away. */
  readonly keep: boolean;
  readonly inflow: Inflow;
  /** Why nothing more is taken, with so many bytes of bodies under way, so many of them this body's; undefined: more is
   *  taken. */
  readonly refusal: (inflowBytes: number, ownBytes: number) => ScoreError | undefined;
}

/** The length that the head gives for its body; undefined: it comes in chunks. */
export function declaredLength(headers: Readonly<Record<string, string>>): number | undefined {
  return headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);
}

/** The whole body, in memory of about its own size: pieces are copied together as they come, for each by itself holds on to
 *  much more than its bytes.
 *  @throws BadInputError `ERR_BODY_TOO_LARGE`; the refusal; whatever the connection fails with */
export function readBody(
  request: IncomingMessage,
  headers: Readonly<Record<string, string>>,
  { maxBytes, keep, inflow, refusal }: BodyRules,
): Promise<Uint8Array> {
  const declared = declaredLength(headers);
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let room: Buffer | undefined;
    let length = 0;
    let weighed = 0;
    let isOver = false;

    function add(chunk: Buffer): void {
      const start = length;
      length += chunk.length;
      inflow.bytes += chunk.length;
      const problem = problemOf();
      if (problem !== undefined) over(() => reject(problem));
      else if (keep) store(chunk, start);
    }

    function problemOf(): ScoreError | undefined {
      if (maxBytes > 0 && length > maxBytes) return tooLarge(maxBytes);
      if (length - weighed < WEIGH_EVERY_BYTES) return undefined;
      weighed = length;
      return refusal(inflow.bytes, length);
    }

    function store(chunk: Buffer, start: number): void {
      if (start === 0) {
        first = chunk;
        return;
      }
      if (room === undefined || room.length < length) room = grow(start);
      chunk.copy(room, start);
    }

    function grow(start: number): Buffer {
      const [least, growth] =
        declared === undefined ? [FIRST_CHUNKED_BYTES, CHUNKED_GROWTH] : [FIRST_BYTES, DECLARED_GROWTH];
      const wanted = Math.max(least, (room?.length ?? 0) * growth, length);
      const larger = Buffer.allocUnsafeSlow(Math.min(wanted, declared ?? Number.POSITIVE_INFINITY));
      (room ?? first!).copy(larger, 0, 0, start);
      first = undefined;
      return larger;
    }

    function over(settle: () => void): void {
      if (isOver) return;
      isOver = true;
      inflow.bytes -= length;
      request.off("data", add);
      room = room?.subarray(0, length);
      settle();
    }

    request.on("data", add);
    request.once("end", () => over(() => resolve(room ?? first ?? EMPTY)));
    request.once("error", (error) => over(() => reject(error)));
  });
}

const EMPTY = new Uint8Array(0);
