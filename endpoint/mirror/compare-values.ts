// Two JSON values side by side, without recursion, so that no nesting is too deep, and in steps, so that no size holds up
// the requests of others.
import type { IgnorePaths, States } from "./ignore-paths.ts";
import {
  bare,
  has,
  type JsonObject,
  keysOf,
  memberOf,
  sameNumber,
  shown,
  type Tolerance,
  typeOf,
} from "./json-values.ts";

/** What is unlike in two answers, by what it looks like. */
export interface Difference {
  readonly kind: string;
  readonly path: string;
  readonly liveValue: string;
  readonly shadowValue: string;
}

export interface CompareOptions {
  readonly tolerance: Tolerance;
  readonly ignore: IgnorePaths;
}

/** Values that are looked at in one step: about a millisecond. */
const STEP_VALUES = 10_000;
/** Where two bodies have nothing in common, so many kinds of differences say so, and so many differences. */
const MAX_KINDS = 20;
const MAX_DIFFERENCES = 1_000;
/** Characters of a path that is shown: its end says more than its beginning. */
const MAX_PATH_CHARS = 200;

/** The way from the root, from its end. */
interface Way {
  readonly parent: Way | undefined;
  readonly step: string | number;
}

/** Two arrays, or two objects, of which all below `index` is compared. */
interface Open {
  readonly live: unknown[] | JsonObject;
  readonly shadow: unknown[] | JsonObject;
  readonly way: Way | undefined;
  readonly states: States;
  /** Of objects: the names that both have. Undefined: arrays. */
  readonly names: readonly string[] | undefined;
  readonly length: number;
  index: number;
}

/** @returns the first difference of each kind; yields between steps */
export function* compareValues(
  live: unknown,
  shadow: unknown,
  { tolerance, ignore }: CompareOptions,
): Generator<void, Difference[]> {
  const found = new Map<string, Difference>();
  const open: Open[] = [];
  let differences = 0;
  let values = 0;

  function differ(what: string, way: Way | undefined, liveValue: string, shadowValue: string): void {
    differences++;
    const kind = `body ${pathOf(way, true)}: ${what}`;
    if (!found.has(kind)) found.set(kind, { kind, path: pathOf(way, false), liveValue, shadowValue });
  }

  function visit(liveRaw: unknown, shadowRaw: unknown, way: Way | undefined, states: States): void {
    const [one, other] = [bare(liveRaw), bare(shadowRaw)];
    const [type, otherType] = [typeOf(one), typeOf(other)];
    if (type !== otherType) differ(`${type} -> ${otherType}`, way, shown(one), shown(other));
    else if (type === "array") enterArrays(one as unknown[], other as unknown[], way, states);
    else if (type === "object") enterObjects(one as JsonObject, other as JsonObject, way, states);
    else if (one === other) return;
    else if (type !== "number" || !sameNumber(one as number, other as number, tolerance)) {
      differ(type, way, shown(one), shown(other));
    }
  }

  function enterArrays(one: unknown[], other: unknown[], way: Way | undefined, states: States): void {
    if (one.length !== other.length) differ("length", way, shown(one), shown(other));
    const length = Math.min(one.length, other.length);
    open.push({ live: one, shadow: other, way, states, names: undefined, length, index: 0 });
  }

  function enterObjects(one: JsonObject, other: JsonObject, way: Way | undefined, states: States): void {
    const names: string[] = [];
    for (const name of keysOf(one)) {
      if (has(other, name)) names.push(name);
      else if (ignore.next(states, name) !== undefined && differences < MAX_DIFFERENCES) {
        differ("missing", { parent: way, step: name }, shown(memberOf(one, name)), "");
      }
    }
    for (const name of keysOf(other)) {
      if (!has(one, name) && ignore.next(states, name) !== undefined && differences < MAX_DIFFERENCES) {
        differ("extra", { parent: way, step: name }, "", shown(memberOf(other, name)));
      }
    }
    open.push({ live: one, shadow: other, way, states, names, length: names.length, index: 0 });
  }

  if (ignore.start !== undefined) visit(live, shadow, undefined, ignore.start);
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    if (top.index === top.length || found.size >= MAX_KINDS || differences >= MAX_DIFFERENCES) {
      open.pop();
      continue;
    }
    const step = top.names?.[top.index] ?? top.index;
    top.index++;
    const states = ignore.next(top.states, step);
    if (states !== undefined)
      visit(itemOf(top.live, step), itemOf(top.shadow, step), { parent: top.way, step }, states);
    if (++values % STEP_VALUES === 0) yield;
  }
  return [...found.values()].slice(0, MAX_KINDS);
}

function itemOf(container: unknown[] | JsonObject, step: string | number): unknown {
  return typeof step === "number" ? (container as unknown[])[step] : memberOf(container as JsonObject, step);
}

const PLAIN_NAME = /^[\p{L}_][\p{L}\p{N}_-]*$/u;

/** @param isKind items of arrays look alike */
function pathOf(way: Way | undefined, isKind: boolean): string {
  let path = "";
  for (let at = way; at !== undefined; at = at.parent) {
    path = stepText(at.step, isKind) + path;
    if (path.length > MAX_PATH_CHARS) return `$…${path.slice(-MAX_PATH_CHARS)}`;
  }
  return `$${path}`;
}

function stepText(step: string | number, isKind: boolean): string {
  if (typeof step === "number") return isKind ? "[*]" : `[${step}]`;
  if (step.length > MAX_PATH_CHARS) return `['${step.slice(0, MAX_PATH_CHARS)}…']`;
  return PLAIN_NAME.test(step) ? `.${step}` : `['${step.replace(/['\\]/g, "\\$&")}']`;
}
