// What a lean host loads late is in reach of its start in no other way: bundlers split files, so one `import` would bring a
// module back.
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";
import { LATE_MODULES, NO_CODE, OWN_FILES } from "../../packaging/own-modules.ts";
import { packageFile } from "../../src/core/package-root.ts";

const ROOT = packageFile(".");
const STATIC = /^(?:import|export) (?!type )(?:[^;"]*?from )?"(\.[^"]+)";$/gms;
const DYNAMIC = /\bimport\("(\.[^"]+)"\)/g;

function read(module: string): string {
  const text = readFileSync(join(ROOT, `${module}.ts`), "utf8");
  return text.replaceAll(/^ *(?:\/\*)?\*.*$/gm, "").replaceAll(/\btypeof import\("[^"]+"\)/g, "");
}

function importsOf(module: string, pattern: RegExp): string[] {
  return [...read(module).matchAll(pattern)].map(([, specifier]) => {
    const path = relative(ROOT, join(ROOT, dirname(module), specifier!)).replace(/\.ts$/, "");
    return path === "src/host" ? "src/host-lean" : path;
  });
}

function reach(...entries: string[]): string[] {
  const found = new Set<string>();
  const follow = (module: string): void => {
    if (found.has(module)) return;
    found.add(module);
    importsOf(module, STATIC).forEach(follow);
  };
  entries.forEach(follow);
  return [...found];
}

const start = reach("adapters/lambda/index", "adapters/lambda/stream");

test("a lean host reaches none of them at its start", () => {
  expect(start).toContain("src/routes/scorer");
  expect(start.filter((module) => LATE_MODULES.includes(module))).toEqual([]);
  expect(start.filter((module) => module.startsWith("src/no-code/"))).toEqual([]);
});

test("all that it imports later is among them, and nothing else", () => {
  const late = [...new Set([...start, ...reach(...LATE_MODULES)].flatMap((module) => importsOf(module, DYNAMIC)))];
  const apart = [...Object.keys(OWN_FILES), ...Object.keys(NO_CODE)];
  expect(late.filter((module) => !apart.includes(module)).sort()).toEqual([...LATE_MODULES].sort());
});

test("no two export the same name, for they are one file", async () => {
  const names: string[] = [];
  for (const module of LATE_MODULES) names.push(...Object.keys(await import(join(ROOT, `${module}.ts`))));
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
