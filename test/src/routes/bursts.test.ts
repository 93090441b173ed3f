import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Bursts } from "../../../src/routes/bursts.ts";

let bursts: Bursts;
let lines: string[];
const write = (line: string): void => void lines.push(line);

beforeEach(() => {
  vi.useFakeTimers();
  bursts = new Bursts();
  lines = [];
});
afterEach(() => vi.useRealTimers());

test("the first line of a kind is written at once, and a lone one is all there is", () => {
  expect(bursts.add("full", "full", write)).toBe(true);
  expect(lines).toEqual(["full"]);
  vi.advanceTimersByTime(10_000);
  expect(lines).toEqual(["full"]);
});

test("those that follow within a second become one line with their number", () => {
  for (let count = 0; count < 1_000; count++) bursts.add("full", `full ${count}`, write);
  expect(lines).toEqual(["full 0"]);
  vi.advanceTimersByTime(1_000);
  expect(lines).toEqual(["full 0", "full 999 (the last of 999 like it within a second)"]);
  expect(bursts.add("full", "full again", write)).toBe(false);
  vi.advanceTimersByTime(1_000);
  // One alone needs no number.
  expect(lines.at(-1)).toBe("full again");
  vi.advanceTimersByTime(1_000);
  expect(bursts.add("full", "a new burst", write)).toBe(true);
  expect(lines).toHaveLength(4);
});

test("kinds are told apart, as many as a client can make up only to a number", () => {
  for (let kind = 0; kind < 500; kind++) bursts.add(String(kind), `kind ${kind}`, write);
  expect(lines).toHaveLength(101);
  vi.advanceTimersByTime(1_000);
  expect(lines.at(-1)).toBe("kind 499 (the last of 399 like it within a second)");
  vi.advanceTimersByTime(1_000);
  expect(vi.getTimerCount()).toBe(0);
});

test("nothing is lost at the end", () => {
  for (let count = 0; count < 3; count++) bursts.add("full", "full", write);
  bursts.flush();
  expect(lines).toEqual(["full", "full (the last of 2 like it within a second)"]);
  expect(vi.getTimerCount()).toBe(0);
});
