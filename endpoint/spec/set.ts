// Changes that --set, --add, --remove and --force-string of az make to a document.
import { isMap, type Plain } from "./plain.ts";
import { placeless, SpecError, shown } from "./problem.ts";
import type { Path } from "./yaml.ts";

interface Assignment {
  readonly path: Path;
  readonly text: string;
}

/** Cuts `a.b[0].c=v` at the first equals sign.
 *  @throws SpecError when there is none */
export function assignment(expression: string): Assignment {
  const cut = expression.indexOf("=");
  if (cut === -1)
    throw refuse(`--set ${expression}`, "the equals sign is missing", "Write key=value, like tags.stage=test.");
  return { path: pathOf(expression.slice(0, cut), `--set ${expression}`), text: expression.slice(cut + 1) };
}

/** A copy with one value set: `tags.stage=test`, `instance_count=2`, `traffic={"blue": 100}`. What is JSON is taken as JSON.
 *  @param forceString the value stays a text
 *  @throws SpecError when there is no such place */
export function setValue(document: Plain, expression: string, forceString = false): Plain {
  const { path, text } = assignment(expression);
  return changed(document, path, () => (forceString ? text : readValue(text)), `--set ${expression}`) as Plain;
}

/** A copy with more entries in a list. Pairs key=value that follow each other make one map; what is JSON is taken as JSON.
 *  @param words of `--add`: the list, then its new entries
 *  @throws SpecError when there is no such list */
export function addValue(document: Plain, words: readonly string[], forceString = false): Plain {
  const flag = `--add ${words.join(" ")}`;
  const [place, ...rest] = words;
  if (place === undefined || rest.length === 0) throw refuse(flag, "a list and a value to add are required", ADD_FORM);
  const entries: unknown[] = [];
  let pairs: [string, unknown][] = [];
  const endMap = (): void => {
    if (pairs.length > 0) entries.push(Object.fromEntries(pairs));
    pairs = [];
  };
  for (const word of rest) {
    const cut = word.indexOf("=");
    if (cut > 0 && !/^[[{"]/.test(word)) {
      pairs.push([word.slice(0, cut), forceString ? word.slice(cut + 1) : readValue(word.slice(cut + 1))]);
    } else {
      endMap();
      entries.push(forceString ? word : readValue(word));
    }
  }
  endMap();
  const add = (list: unknown): unknown => {
    if (list === undefined || list === null) return entries;
    if (Array.isArray(list)) return [...(list as unknown[]), ...entries];
    throw refuse(flag, `${place} is not a list`, "Use --set for a value that is not a list.");
  };
  return changed(document, pathOf(place, flag), add, flag) as Plain;
}

const ADD_FORM = "Write --add list entry, or --add list key=value.";

/** A copy without a key, or without an entry of a list.
 *  @param words of `--remove`: what goes, or the list and the index of what goes
 *  @throws SpecError when there is no such thing */
export function removeValue(document: Plain, words: readonly string[]): Plain {
  const flag = `--remove ${words.join(" ")}`;
  const [place, index, ...more] = words;
  if (place === undefined || more.length > 0) throw refuse(flag, "a key, or a list and an index, is required", "");
  const path = [...pathOf(place, flag), ...(index === undefined ? [] : [indexOf(index, flag)])];
  return without(document, path, flag, place) as Plain;
}

function indexOf(text: string, flag: string): number {
  if (!/^\d{1,9}$/.test(text)) throw refuse(flag, `${shown(text)} is not an index; indexes start at 0`, "");
  return Number(text);
}

/** The steps of `a.b[0].c`. */
function pathOf(text: string, flag: string): Path {
  const steps: (string | number)[] = [];
  for (const part of text.split(".")) {
    const [, name, indexes] = /^([^[\]]*)((?:\[\d{1,9}\])*)$/.exec(part.trim()) ?? [];
    if (name === undefined || (name === "" && (indexes === "" || steps.length === 0))) {
      throw refuse(
        flag,
        `${shown(text)} does not name a place in the document`,
        "Write keys with dots between, like a.b, and an index in brackets, like a[0].",
      );
    }
    if (name !== "") steps.push(name);
    for (const [, digits] of indexes!.matchAll(/\[(\d+)\]/g)) steps.push(Number(digits));
  }
  return steps;
}

/** A value as az reads it: JSON, Python's own words, or the text as it stands. */
function readValue(text: string): unknown {
  if (Object.hasOwn(PYTHON_WORDS, text)) return PYTHON_WORDS[text];
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
const PYTHON_WORDS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };

/** A copy in which the value at the path is replaced. Missing maps on the way are added. */
function changed(value: unknown, path: Path, change: (old: unknown) => unknown, flag: string, way: Path = []): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return change(value);
  if (typeof step === "number") {
    if (!Array.isArray(value) || step >= value.length) throw refuse(flag, `${named(way)} has no entry ${step}`, "");
    return (value as unknown[]).map((item, index) =>
      index === step ? changed(item, rest, change, flag, [...way, step]) : item,
    );
  }
  if (typeof value === "string" && way.length > 0) {
    throw refuse(flag, `${named(way)} is the text ${shown(value)}, which has no keys`, `Set ${named(way)} as a whole.`);
  }
  if (Array.isArray(value)) throw refuse(flag, `${named(way)} is a list`, `Name an entry, like ${named(way)}[0].`);
  const map: Plain = isMap(value) ? value : {};
  const old = Object.hasOwn(map, step) ? map[step] : undefined;
  const next = changed(old, rest, change, flag, [...way, step]);
  const entries = Object.entries(map);
  if (!Object.hasOwn(map, step)) return Object.fromEntries([...entries, [step, next]]);
  return Object.fromEntries(entries.map(([key, kept]) => [key, key === step ? next : kept]));
}

function without(value: unknown, path: Path, flag: string, place: string): unknown {
  const [step, ...rest] = path as [string | number, ...(string | number)[]];
  const isThere = Array.isArray(value)
    ? typeof step === "number" && step < value.length
    : isMap(value) && Object.hasOwn(value, step);
  if (!isThere) throw refuse(flag, `there is no ${typeof step === "number" ? `entry ${step} in ${place}` : place}`, "");
  if (Array.isArray(value)) {
    const list = value as unknown[];
    if (rest.length === 0) return list.filter((_, index) => index !== step);
    return list.map((item, index) => (index === step ? without(item, rest, flag, place) : item));
  }
  const entries = Object.entries(value as Plain);
  if (rest.length === 0) return Object.fromEntries(entries.filter(([key]) => key !== step));
  return Object.fromEntries(
    entries.map(([key, kept]) => [key, key === step ? without(kept, rest, flag, place) : kept]),
  );
}

function named(way: Path): string {
  return way.length === 0 ? "the document" : way.join(".");
}

function refuse(flag: string, message: string, cure: string): SpecError {
  return new SpecError([placeless(flag, message, cure)]);
}
