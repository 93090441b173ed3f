import type { Tolerance } from "./json-values.ts";

export interface MirrorOptions {
  /** How far numbers may lie apart and count as the same. */
  readonly tolerance: Tolerance;
  /** Paths into JSON that are not compared (ignore-paths.ts). */
  readonly ignore: readonly string[];
  /** Copies that are kept at a time: whose live answer still streams, that wait, run, or are compared. */
  readonly maxQueue: number;
  /** Bytes of their bodies, of requests and answers together. */
  readonly maxQueueBytes: number;
  /** A larger body is not compared. */
  readonly maxBodyBytes: number;
  /** Of each kind of difference. */
  readonly maxExamples: number;
}

const MEBIBYTE = 1_048_576;

/** Numbers are to be the same unless told otherwise. 1,000 copies are what a shadow answers within ten seconds at 100 requests
 *  a second; 64 MiB is the memory of one small worker; JSON of 1 MiB is read in ten milliseconds, which nobody notices. */
export const MIRROR_DEFAULTS: MirrorOptions = {
  tolerance: { relative: 0, absolute: 0 },
  ignore: [],
  maxQueue: 1_000,
  maxQueueBytes: 64 * MEBIBYTE,
  maxBodyBytes: MEBIBYTE,
  maxExamples: 3,
};
