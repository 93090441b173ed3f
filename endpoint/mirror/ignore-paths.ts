// Paths into JSON that are not compared, in a part of JSONPath (RFC 9535): `$.a`, `$['a b']`, `$[0]`, `$.a[*].b`, `$.*`, and
// `$..id` for a name at any depth. A path takes all that lies below it.
import { ConfigError } from "../../src/host.ts";

/** Where one path stands, or several, on the way to a value. Empty: none of them leads further. */
export type States = readonly number[];

export interface IgnorePaths {
  /** At the root; undefined: the whole body is ignored. */
  readonly start: States | undefined;
  /** One step down. @returns undefined: what is there is ignored */
  next(states: States, step: string | number): States | undefined;
}

interface Segment {
  /** Undefined: every member and item. */
  readonly step: string | number | undefined;
  /** Behind `..`: at this level or at any below it. */
  readonly isDeep: boolean;
  readonly isLast: boolean;
}

const SEGMENT =
  /(\.\.|\.)(\*|[\p{L}_][\p{L}\p{N}_-]*)|(\.\.)?\[(?:(\*)|(\d{1,10})|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/uy;

/** @throws ConfigError for what is no path of these */
export function readIgnorePaths(paths: readonly string[]): IgnorePaths {
  const segments: Segment[] = [];
  const start: number[] = [];
  let isAll = false;
  for (const path of paths) {
    const own = readPath(path);
    if (own.length === 0) isAll = true;
    else start.push(segments.length);
    own.forEach((segment, index) => {
      segments.push({ ...segment, isLast: index === own.length - 1 });
    });
  }
  return {
    start: isAll ? undefined : start,
    next(states, step) {
      if (states.length === 0) return states;
      const reached: number[] = [];
      for (const state of states) {
        const segment = segments[state]!;
        if (segment.isDeep && !reached.includes(state)) reached.push(state);
        if (segment.step !== undefined && segment.step !== step) continue;
        if (segment.isLast) return undefined;
        if (!reached.includes(state + 1)) reached.push(state + 1);
      }
      return reached;
    },
  };
}

function readPath(path: string): Omit<Segment, "isLast">[] {
  const segments: Omit<Segment, "isLast">[] = [];
  let position = 1;
  if (!path.startsWith("$")) throw badPath(path, 0);
  while (position < path.length) {
    SEGMENT.lastIndex = position;
    const match = SEGMENT.exec(path);
    if (match === null) throw badPath(path, position);
    position = SEGMENT.lastIndex;
    const [, dots, name, deep, star, index, single, double] = match;
    const isDeep = dots === ".." || deep !== undefined;
    const quoted = (single ?? double)?.replace(/\\(.)/gu, "$1");
    const isAny = name === "*" || star !== undefined;
    segments.push({ step: isAny ? undefined : (name ?? quoted ?? Number(index)), isDeep });
  }
  return segments;
}

function badPath(path: string, position: number): ConfigError {
  const reason = position === 0 ? "it begins with $" : `character ${position + 1} is not understood`;
  return new ConfigError(
    "ERR_CONFIG",
    `${JSON.stringify(path)} is no path to ignore: ${reason}. Paths look like $.result[*].time, $['a name'] or $..id`,
  );
}
