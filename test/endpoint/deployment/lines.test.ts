import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { KEPT_LINES, Lines, MAX_LINE_CHARS } from "../../../endpoint/deployment/lines.ts";

test("lines are those that were written, wherever the pieces end", async () => {
  const text = fc.array(fc.string({ unit: fc.constantFrom("a", "é", "😀", " ") }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(text, fc.infiniteStream(fc.integer({ min: 1, max: 9 })), async (written, sizes) => {
      const lines = new Lines("blue");
      const stream = new PassThrough();
      lines.read(stream, "text");
      const bytes = Buffer.from(written.join("\n"));
      for (let start = 0; start < bytes.length; ) {
        const end = start + sizes.next().value;
        stream.write(bytes.subarray(start, end));
        start = end;
      }
      stream.end();
      await finished(stream, { writable: false });
      await new Promise(setImmediate);
      // A last line without an end counts, an empty one does not.
      const expected = written.at(-1) === "" ? written.slice(0, -1) : written;
      expect(lines.last(1_000)).toEqual(expected);
    }),
  );
});

test("the last lines are kept, and a line without an end comes in parts", async () => {
  const lines = new Lines("blue");
  const write = lines.writer("text");
  for (let line = 0; line < KEPT_LINES + 10; line++) write(`${line}\n`);
  expect(lines.last(KEPT_LINES + 100)).toHaveLength(KEPT_LINES);
  expect(lines.last(2)).toEqual([String(KEPT_LINES + 8), String(KEPT_LINES + 9)]);
  expect(lines.last(KEPT_LINES)[0]).toBe("10");
  expect(lines.last(0)).toEqual([]);

  const stream = new PassThrough();
  lines.read(stream, "text");
  stream.end("x".repeat(2 * MAX_LINE_CHARS + 1));
  await finished(stream, { writable: false });
  await new Promise(setImmediate);
  expect(
    lines
      .last(3)
      .map(({ length }) => length)
      .reduce((sum, length) => sum + length),
  ).toBe(2 * MAX_LINE_CHARS + 1);
});

test("records in JSON say whose they are, and nothing else is touched", () => {
  const lines = new Lines('b"lue');
  lines.writer("json")('{"time":"now","message":"}"}\n{"other":1}\ntext\n');
  expect(lines.last(3)).toEqual(['{"time":"now","message":"}","deployment":"b\\"lue"}', '{"other":1}', "text"]);
  lines.writer("text")('{"time":"now"}\n');
  expect(lines.last(1)).toEqual(['{"time":"now"}']);
});
