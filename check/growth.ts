// Whether memory and open files grow with each request. A verdict has to hold in two rounds in a row, each with growth in
// every part of it: caches fill up, collectors run late and allocators keep what they have, but only a leak goes on.
import type { Usage } from "./types.ts";

/** Parts of a round; figures are read after each. */
export const PARTS = 6;

/** Requests that go ahead of the first figure: what is loaded and cached once is there then. */
export const WARM_UP = 20;

/** Requests of a round at the least: fewer say nothing. */
export const LEAST_REQUESTS = 30;

/** Open files that count as growth: one for every five requests, and so many in any case. */
const FILES_PER_REQUEST = 0.2;
const LEAST_FILES = 6;

/** Memory that counts as growth in one round, in bytes: so much, and so much of what there was. What a collector leaves
 *  lying about in one round is less. */
const LEAST_BYTES = 32 * 1024 * 1024;
const LEAST_SHARE = 0.1;

/** Growth of a second round, as a part of that of the first, that is the same leak. */
const GOES_ON = 0.5;

/** What grows by how much in one round. */
export interface Growth {
  readonly bytes: number;
  readonly files: number;
  readonly hasMemoryLeak: boolean;
  readonly hasFileLeak: boolean;
}

/** @param figures at the start of a round and after each of its parts
 *  @returns undefined: the processes are not the same all the time */
export function growthOf(figures: readonly Usage[], requests: number): Growth | undefined {
  const [first] = figures;
  const last = figures.at(-1);
  if (first === undefined || last === undefined || figures.length < PARTS + 1) return undefined;
  if (figures.some(({ pids }) => pids.join() !== first.pids.join())) return undefined;
  const bytes = last.residentBytes - first.residentBytes;
  const files = last.files - first.files;
  const leastBytes = Math.max(LEAST_BYTES, LEAST_SHARE * first.residentBytes);
  const leastFiles = Math.max(LEAST_FILES, FILES_PER_REQUEST * requests);
  return {
    bytes,
    files,
    hasMemoryLeak: bytes >= leastBytes && growsAlways(figures.map(({ residentBytes }) => residentBytes)),
    hasFileLeak: files >= leastFiles && growsAlways(figures.map(({ files: open }) => open)),
  };
}

function growsAlways(values: readonly number[]): boolean {
  return values.every((value, index) => index === 0 || value > values[index - 1]!);
}

/** What is a leak for sure: it was there in the first round, and goes on in the second. */
export function confirmed(one: Growth, other: Growth): Pick<Growth, "hasMemoryLeak" | "hasFileLeak"> {
  return {
    hasMemoryLeak: one.hasMemoryLeak && other.hasMemoryLeak && other.bytes >= GOES_ON * one.bytes,
    hasFileLeak: one.hasFileLeak && other.hasFileLeak && other.files >= GOES_ON * one.files,
  };
}
