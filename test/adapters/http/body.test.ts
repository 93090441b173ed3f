import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readBody } from "../../../adapters/http/body.ts";

test("a body is the bytes that came, however they were cut, and nothing stays counted", async () => {
  const pieces = fc.array(
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc
        .tuple(fc.integer({ min: 1, max: 3_000_000 }), fc.integer({ min: 0, max: 255 }))
        .map(([size, byte]) => new Uint8Array(size).fill(byte)),
    ),
    { maxLength: 8 },
  );
  const property = fc.asyncProperty(pieces, fc.boolean(), async (sent, isDeclared) => {
    const whole = Buffer.concat(sent);
    const inflow = { bytes: 0 };
    const request = new PassThrough({ highWaterMark: 1 });
    const headers: Record<string, string> = isDeclared ? { "content-length": String(whole.length) } : {};
    const rules = { maxBytes: 0, keep: true, inflow, refusal: () => undefined };
    const body = readBody(request as unknown as IncomingMessage, headers, rules);
    for (const piece of sent) request.write(piece);
    request.end();
    expect(Buffer.compare(whole, await body)).toBe(0);
    expect(inflow.bytes).toBe(0);
  });
  await fc.assert(property, { numRuns: 60 });
});
