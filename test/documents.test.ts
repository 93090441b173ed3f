// The documents against one another and against the product.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ERROR_CODES } from "../src/core/errors.ts";

const ROOT = join(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const below = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((path) => join(folder, path));

const DOCUMENTS = [
  ...readdirSync(ROOT).filter((name) => name.endsWith(".md")),
  ...["docs", "examples", "bench", "test"].flatMap(below).filter((path) => path.endsWith(".md") && isOurs(path)),
];

function isOurs(path: string): boolean {
  return !/(^|\/)(node_modules|\.envs)\//.test(path);
}

/** The text without code, in which brackets are no links. */
function proseOf(document: string): string {
  return read(document)
    .replace(/^```[\s\S]*?^```/gm, "")
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ""));
}

/** The names that GitHub gives to a document's headings. */
function anchorsOf(document: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of read(document)
    .replace(/^```[\s\S]*?^```/gm, "")
    .matchAll(/^#+ +(.+)$/gm)) {
    const text = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = text.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
    let name = anchor;
    for (let count = 1; anchors.has(name); count++) name = `${anchor}-${count}`;
    anchors.add(name);
  }
  return anchors;
}

test("every relative link leads somewhere, and every anchor to a heading", () => {
  const links = DOCUMENTS.flatMap((document) =>
    [...proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => ({ document, target: target! })),
  ).filter(({ target }) => !/^[a-z]+:/.test(target));
  expect(links.length).toBeGreaterThan(40);
  const broken = links.filter(({ document, target }) => {
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? document : relative(ROOT, join(ROOT, dirname(document), path));
    if (file.startsWith("..") || !existsSync(join(ROOT, file))) return true;
    return anchor !== undefined && !anchorsOf(file).has(anchor);
  });
  expect(broken).toEqual([]);
});

test("what the documents in the package link to comes with it", () => {
  const { files } = JSON.parse(read("package.json")) as { files: string[] };
  const packed = (path: string) => path === "package.json" || files.some((entry) => path.startsWith(entry));
  const missing = DOCUMENTS.filter((document) => document.startsWith("docs/")).flatMap((document) =>
    [...proseOf(document).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
      .map(([, target]) => target!)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => relative(ROOT, join(ROOT, dirname(document), target)))
      .filter((path) => !packed(path))
      .map((path) => `${document}: ${path}`),
  );
  expect(missing).toEqual([]);
});

test("docs/configuration.md has every flag and variable of the help of serve", () => {
  const help = String(execFileSync(process.execPath, [join(ROOT, "dist/adapters/cli/scorefn.js"), "serve", "--help"]));
  const text = read("docs/configuration.md");
  const flags = [...new Set([...help.matchAll(/^ {2}(--[a-z_]+)/gm)].map(([, flag]) => flag!))];
  const variables = [
    ...new Set([...help.matchAll(/[[\s]([A-Z]+_[A-Z_]+)\]|^ {2}([A-Z]+_[A-Z_]+)/gm)].map((m) => m[1] ?? m[2]!)),
  ];
  expect(flags.length).toBeGreaterThan(20);
  expect(variables.length).toBeGreaterThan(40);
  expect([...flags, ...variables].filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

test("every error code is raised somewhere", () => {
  const sources = ["src", "endpoint", "adapters", "packaging", "functions", "python"]
    .flatMap(below)
    .filter((path) => /\.(c?ts|py)$/.test(path))
    .map((path) => ({ path, text: read(path) }));
  const TABLE = "src/core/errors.ts";
  const raised = (code: string): boolean =>
    sources.some(({ path, text }) =>
      path === TABLE
        ? // Outside the table: by a class of its own, or a function.
          new RegExp(`(?:super|new \\w+)\\([^;]*"${code}"`).test(text)
        : // A comparison only reads it.
          new RegExp(`"${code}"`).test(
            text.replaceAll(new RegExp(`[=!]==? "${code}"|(?:code|Code): "${code}" }`, "g"), ""),
          ),
    );
  expect(Object.keys(ERROR_CODES).filter((code) => !raised(code))).toEqual([]);
});

beforeAll(() => expect(DOCUMENTS.length).toBeGreaterThan(15));
