import { readFileSync } from "node:fs";
import { basename, isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { attempt } from "../core/attempt.ts";
import { messageOf, property, stackOf } from "../core/thrown.ts";
import { parseMissingModule } from "./missing-module.ts";

/** A place as a stack names it; `file` is a path, or a `file:` address. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number | null;
  readonly function: string | null;
}

/** All places an error names, the most telling first. */
export function* placesOf(error: unknown): Generator<Place> {
  yield* esbuildPlaces(error);
  const message = messageOf(error);
  const stack = stackOf(error);
  const compilePlace = syntaxErrorPlace(stack);
  if (compilePlace !== undefined) yield compilePlace;
  const importPlace = missingModulePlace(message);
  if (importPlace !== undefined) yield importPlace;
  // The message may itself hold lines that look like frames.
  const start = stack.indexOf(message);
  const frames = start === -1 ? stack : stack.slice(start + message.length);
  for (const row of frames.split("\n")) {
    const place = framePlace(row);
    if (place !== undefined) yield place;
  }
}

const FRAME = /^\s+at (?:async )?(.+)$/;
const POSITION = /^(.+):(\d+):(\d+)$/;

function framePlace(row: string): Place | undefined {
  const body = FRAME.exec(row)?.[1];
  if (body === undefined) return undefined;
  const opening = body.endsWith(")") ? body.indexOf(" (") : -1;
  const position = POSITION.exec(opening === -1 ? body : body.slice(opening + 2, -1));
  if (position === null) return undefined;
  return {
    file: position[1]!,
    line: Number(position[2]),
    column: Number(position[3]),
    function: opening === -1 ? null : functionName(body.slice(0, opening)),
  };
}

/** `Module.run` and `Object.run` say no more than `run`; null for what has no name. */
function functionName(name: string): string | null {
  const plain = name.replace(/ \[as .*\]$/, "").replace(/^(?:Module|Object)\./, "");
  return plain === "<anonymous>" || plain === "" ? null : plain;
}

/** Node heads the stack of some syntax errors with `path:line`, the source line and a line of carets. */
function syntaxErrorPlace(stack: string): Place | undefined {
  const [head, , carets = ""] = stack.split("\n", 3);
  const match = /^(\S.*):(\d+)$/.exec(head ?? "");
  if (match === null || !/^\s*\^+\s*$/.test(carets)) return undefined;
  return { file: match[1]!, line: Number(match[2]), column: carets.indexOf("^") + 1, function: null };
}

/** esbuild's failures carry locations; those that crossed a thread carry them in the text alone. Columns are from 0. */
function* esbuildPlaces(error: unknown): Generator<Place> {
  const failures = property(error, "errors");
  if (Array.isArray(failures)) {
    for (const failure of failures) {
      const location = property(failure, "location");
      const file = property(location, "file");
      const line = property(location, "line");
      const column = property(location, "column");
      if (typeof file === "string" && typeof line === "number" && typeof column === "number") {
        yield { file: file.includes(":") ? file : resolve(file), line, column: column + 1, function: null };
      }
    }
  }
  for (const match of messageOf(error).matchAll(/^(\S.*?):(\d+):(\d+): ERROR: /gm)) {
    yield { file: match[1]!, line: Number(match[2]), column: Number(match[3]) + 1, function: null };
  }
}

/** Node says which file imports what is missing, but not where. */
function missingModulePlace(message: string): Place | undefined {
  const missing = parseMissingModule(message);
  const path = missing?.importer === undefined ? undefined : toPath(missing.importer);
  if (missing === undefined || path === undefined) return undefined;
  const name = basename(missing.wanted);
  const lines = attempt(() => readFileSync(path, "utf8"), "").split("\n");
  const index = lines.findIndex((line) => line.includes(name) && /\b(?:import|export|from|require)\b/.test(line));
  return index === -1 ? undefined : { file: path, line: index + 1, column: null, function: null };
}

/** Undefined for what is not a file: `node:fs`, `<anonymous>`, `index 0`. */
export function toPath(file: string): string | undefined {
  if (file.startsWith("file:")) return attempt(() => fileURLToPath(file.split(/[?#]/, 1)[0]!), undefined);
  return isAbsolute(file) ? file : undefined;
}
