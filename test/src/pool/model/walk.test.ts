import { expect, test } from "vitest";
import { walk } from "./walk.ts";

/** Walks in one run; CI takes more. Each has a seed of its own, and the first one is told. */
const WALKS = process.env.CI === "true" ? 100_000 : 2_000;
const PART = WALKS / 10;

const FIRST = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

test.for(Array.from({ length: 10 }, (_, part) => FIRST + part * PART))(
  "front and workers keep their promises in any order of events, seeds from %i",
  { timeout: 600_000 },
  async (first) => {
    const failures: string[] = [];
    for (let seed = first; seed < first + PART && failures.length < 3; seed++) {
      await walk(seed).catch((error: Error) => failures.push(error.message));
    }
    expect(failures).toEqual([]);
  },
);
