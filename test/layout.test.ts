// The arrows between folders: what imports what, read from the product's own files.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const FILES = ["src", "endpoint", "adapters", "packaging", "check", "functions"]
  .flatMap((top) => readdirSync(join(ROOT, top), { recursive: true, encoding: "utf8" }).map((path) => join(top, path)))
  .filter((path) => /\.c?ts$/.test(path));
const MAX_LINES = 350;

/** `src/pool`, `endpoint/gateway`, `src` for the core's own doors, `adapters/http`, `packaging`. */
function folderOf(file: string): string {
  const [top, second] = file.split("/");
  const hasFolders = ["src", "endpoint", "adapters"].includes(top!);
  return hasFolders && second !== undefined && !second.includes(".") ? `${top}/${second}` : top!;
}

const IMPORT = /(?:\bfrom|\bimport\(?)\s*"(\.[^"]+)"/g;

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(IMPORT)].map(([, specifier]) => relative(ROOT, join(ROOT, dirname(file), specifier!)));
}

const ARROWS = FILES.flatMap((from) => importsOf(from).map((to) => ({ from, to })));

test("no folder imports a folder that imports it", () => {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of ARROWS) {
    const [one, other] = [folderOf(from), folderOf(to)];
    if (one !== other) targets.set(one, (targets.get(one) ?? new Set()).add(other));
  }
  const reaches = (from: string, goal: string, seen = new Set<string>()): boolean =>
    [...(targets.get(from) ?? [])].some(
      (next) => next === goal || (!seen.has(next) && reaches(next, goal, seen.add(next))),
    );
  expect(targets.size).toBeGreaterThan(10);
  expect([...targets.keys()].filter((folder) => reaches(folder, folder))).toEqual([]);
});

test("everything outside the core comes in by its one door", () => {
  const intruders = ARROWS.filter(
    ({ from, to }) => !from.startsWith("src/") && to.startsWith("src/") && to !== "src/host.ts",
  );
  expect(intruders).toEqual([]);
});

test(`no file has more than ${MAX_LINES} lines`, () => {
  const long = FILES.map((file) => ({ file, lines: readFileSync(join(ROOT, file), "utf8").split("\n").length - 1 }));
  expect(long.filter(({ lines }) => lines > MAX_LINES)).toEqual([]);
});
