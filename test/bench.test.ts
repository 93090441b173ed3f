// Benchmarks are run by hand and seldom, so a file that moves would break them for long: each of them still finds what it
// imports, starts and reads.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { packageFile } from "../src/core/package-root.ts";

const ROOT = packageFile(".");
const FOLDER = join(ROOT, "bench");
const SUITES = readdirSync(FOLDER).filter((name) => name.endsWith(".mjs"));
/** Where scripts lie that suites name without their folder. */
const SCRIPT_FOLDERS = ["bench", "bench/scripts", "bench/first-answer", "bench/models", "test/fixtures/scripts"];

/** Without comments. */
function read(suite: string): string {
  return readFileSync(join(FOLDER, suite), "utf8").replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, "");
}

/** The source of what a build makes of it. */
function sourceOf(path: string): string {
  const built = /^dist\/(?<module>.+)\.js$/.exec(path)?.groups?.module;
  return built === undefined ? path : `${built}.ts`;
}

/** What a suite takes from which module. */
function importsOf(text: string): { readonly names: readonly string[]; readonly from: string }[] {
  const patterns = [
    /import \{(?<names>[^}]*)\} from "(?<from>[^"]+)"/g,
    /const \{(?<names>[^}]*)\} = await import\("(?<from>[^"]+)"\)/g,
    /\(await import\("(?<from>[^"]+)"\)\)\.(?<names>\w+)/g,
    /import (?<names>)\w+ from "(?<from>[^"]+)"/g,
  ];
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ groups }) => ({
      names: groups!.names!.split(",").flatMap((name) => /^\s*(?:default|(\w+))/.exec(name)?.[1] ?? []),
      from: groups!.from!,
    })),
  );
}

function exports(file: string, name: string): boolean {
  const text = readFileSync(join(ROOT, file), "utf8");
  const declared = new RegExp(`^export (?:async )?(?:function\\*?|const|let|class) ${name}\\b`, "m");
  const listed = [...text.matchAll(/^export (?:type )?\{(?<names>[^}]*)\}/gm)].flatMap(({ groups }) =>
    groups!.names!.split(",").map((entry) => entry.trim().split(/ as /).at(-1)),
  );
  if (declared.test(text) || listed.includes(name)) return true;
  const others = [...text.matchAll(/^export \* from "(?<from>[^"]+)"/gm)].map(({ groups }) => groups!.from!);
  return others.some((from) => exports(join(dirname(file), from), name));
}

test("there are suites", () => {
  expect(SUITES.length).toBeGreaterThan(5);
  expect(SUITES.flatMap((suite) => importsOf(read(suite))).length).toBeGreaterThan(20);
});

test.for(SUITES)("%s finds what it imports", (suite) => {
  const packages = ["package.json", "bench/package.json"].flatMap((file) => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, file), "utf8"));
    return Object.keys({ ...dependencies, ...devDependencies });
  });
  for (const { names, from } of importsOf(read(suite))) {
    if (from.startsWith("node:")) continue;
    if (!from.startsWith(".")) {
      expect(packages).toContain(from);
      continue;
    }
    const file = sourceOf(join("bench", from));
    expect(existsSync(join(ROOT, file)), `${suite} imports ${from}`).toBe(true);
    for (const name of names) expect(exports(file, name), `${from} exports ${name}`).toBe(true);
  }
});

test.for(SUITES)("%s finds the files it names", (suite) => {
  const text = read(suite);
  const paths = [...text.matchAll(/\$\{root\}((?:[\w-]+\/)+[\w.-]+)[`"]/g)].map(([, path]) => sourceOf(path!));
  const besides = [...text.matchAll(/new URL\("(\.?[\w./-]+)", import\.meta\.url\)/g)].map(([, path]) =>
    join("bench", path!),
  );
  for (const path of [...paths, ...besides]) expect(existsSync(join(ROOT, path)), path).toBe(true);

  // A script that is a module of the suite's own, and what the tables call ours.
  const made = new Set(["score.js", "score.py"]);
  for (const [, name] of text.matchAll(/(?:writeFileSync\(join\([^)]*|join\(tmpdir\(\), )"([\w.-]+)"/g))
    made.add(name!);
  const scripts = [...text.matchAll(/"([\w-]+\.(?:ts|py|mjs))"/g)].map(([, name]) => name!);
  for (const name of scripts) {
    if (made.has(name)) continue;
    expect(
      SCRIPT_FOLDERS.some((folder) => existsSync(join(ROOT, folder, name))),
      name,
    ).toBe(true);
  }
});
