import { expect, test } from "vitest";
import { boundedLines } from "../../../src/log/outputs.ts";

/** A stream whose reader takes what it is told to. */
function stalled() {
  let drained: (() => void) | undefined;
  const kept: string[] = [];
  const stream = {
    get writableLength(): number {
      return kept.join("").length;
    },
    write(text: string): boolean {
      kept.push(text);
      return false;
    },
    once(_event: "drain", listener: () => void): void {
      drained = listener;
    },
  };
  return {
    stream,
    read(): string {
      const text = kept.splice(0).join("");
      const listener = drained;
      drained = undefined;
      listener?.();
      return text;
    },
  };
}

test("lines that a stalled reader leaves no room for are dropped, and their number is told", () => {
  const { stream, read } = stalled();
  const write = boundedLines(stream, "text", 10);
  write("0123456789\n");
  write("one\ntwo\n");
  write("three\n");
  expect(read()).toBe("0123456789\n");
  expect(read()).toMatch(/ W \[\d+\] azmlinfsrv - 3 lines of the log were dropped, because nobody read them\n$/);
  write("flows\n");
  expect(read()).toBe("flows\n");
});

test("what is taken in time is neither dropped nor talked about", () => {
  const { stream, read } = stalled();
  const write = boundedLines(stream, "text", 10);
  for (let count = 0; count < 100; count++) {
    write("a line of some length\n");
    expect(read()).toBe("a line of some length\n");
  }
});
