// npm packages with compiled parts, which are copied and not bundled.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { buildLambda } from "../../packaging/aws-lambda/build.ts";
import { copyPackages } from "../../packaging/packages.ts";
import { JS_SCRIPT, read, type Tree, tree } from "./tree.ts";

const ARCH = process.arch === "arm64" ? "arm64" : "x64";
const json = JSON.stringify;

/** A package like sharp: the compiled parts are in an optional package for each platform. */
const PARTS = ["linux-x64", "linux-arm64", "linuxmusl-x64", "linuxmusl-arm64", "darwin-arm64", "win32-x64"];
const IMAGES: Tree = {
  "node_modules/images/package.json": json({
    name: "images",
    main: "index.js",
    dependencies: { semverish: "1.0.0" },
    optionalDependencies: Object.fromEntries(PARTS.map((name) => [`@img/images-${name}`, "1.0.0"])),
  }),
  "node_modules/images/index.js":
    // biome-ignore lint/suspicious/noTemplateCurlyInString: text of a module
    "const name = `@img/images-${process.platform}-${process.arch}`;\nexports.parts = require(`${name}/lib`).parts + require('semverish').two;\n",
  "node_modules/semverish/package.json": json({ name: "semverish", main: "i.js" }),
  "node_modules/semverish/i.js": "exports.two = 2;\n",
};

function part(name: string, libc?: string): Tree {
  const [platform = "", arch = ""] = name.split("-");
  const folder = `node_modules/@img/images-${name}`;
  const manifest = { name: `@img/images-${name}`, os: [platform.replace("musl", "")], cpu: [arch] };
  return {
    [`${folder}/package.json`]: json({ ...manifest, ...(libc && { libc: [libc] }) }),
    [`${folder}/lib.js`]: "exports.parts = 40;\n",
    [`${folder}/images.node`]: "",
  };
}

const SCRIPT = `import { parts } from "images";\nif (parts !== 42) throw new Error("wrong parts");\n${JS_SCRIPT}`;

async function build(files: Tree) {
  const root = tree({ "score.mjs": SCRIPT, ...files });
  const report = await buildLambda({ entryScript: join(root, "score.mjs"), out: join(root, "build"), arch: ARCH });
  return { ...report, has: (path: string) => existsSync(join(root, "build/function/node_modules", path)) };
}

describe.skipIf(process.platform !== "linux")("a package with compiled parts in optional packages", () => {
  test("is taken along with those of the platform, and works", async () => {
    const [own, other] = [`linux-${ARCH}`, ARCH === "x64" ? "linux-arm64" : "linux-x64"];
    const musl = `linuxmusl-${ARCH}`;
    const files = { ...IMAGES, ...part(own, "glibc"), ...part(other), ...part(musl, "musl"), ...part("darwin-arm64") };
    const { has, notes } = await build(files);
    expect([has(`@img/images-${own}/images.node`), has("semverish/i.js"), has("images/index.js")]).toEqual([
      true,
      true,
      true,
    ]);
    expect([other, musl, "darwin-arm64"].map((name) => has(`@img/images-${name}`))).toEqual([false, false, false]);
    expect(notes[0]).toContain("score.mjs was loaded");
  });

  test("for another processor is taken along untried, which is said", async () => {
    const other = ARCH === "x64" ? "arm64" : "x64";
    const root = tree({ "score.mjs": SCRIPT, ...IMAGES, ...part(`linux-${other}`) });
    const out = join(root, "build");
    const { notes } = await buildLambda({ entryScript: join(root, "score.mjs"), out, arch: other });
    expect(notes[0]).toBe(
      `not tried:  packages have compiled parts for linux on ${other}, and this machine is another`,
    );
    expect(existsSync(join(out, `function/node_modules/@img/images-linux-${other}/images.node`))).toBe(true);
  });

  test("is refused where they are not installed, with the way to get them", async () => {
    await expect(build({ ...IMAGES, ...part("darwin-arm64") })).rejects.toThrow(
      `the package images has its compiled parts for linux on ${ARCH} in @img/images-linux-${ARCH}, which is not installed; ` +
        `install it with: npm install --os=linux --cpu=${ARCH} --libc=glibc --include=optional`,
    );
  });

  test("is found as pnpm installs it, behind links", async () => {
    const root = tree({ "score.mjs": SCRIPT, ...IMAGES, ...part(`linux-${ARCH}`) });
    const store = join(root, "node_modules/.pnpm/images@1.0.0/node_modules");
    mkdirSync(store, { recursive: true });
    for (const name of ["images", "semverish", "@img"]) renameSync(join(root, "node_modules", name), join(store, name));
    symlinkSync(join(store, "images"), join(root, "node_modules/images"));
    await buildLambda({ entryScript: join(root, "score.mjs"), out: join(root, "build"), arch: ARCH });
    expect(existsSync(join(root, "build/function/node_modules/semverish/i.js"))).toBe(true);
  });
});

test("two versions of a package both come along, each for whoever asks for it", async () => {
  const root = tree({
    "node_modules/a/package.json": json({ name: "a", dependencies: { shared: "1" } }),
    "node_modules/shared/package.json": json({ name: "shared", version: "1.0.0" }),
    "other/node_modules/b/package.json": json({ name: "b", dependencies: { shared: "2" } }),
    "other/node_modules/shared/package.json": json({ name: "shared", version: "2.0.0" }),
  });
  const out = tree();
  const folders = [join(root, "node_modules/a"), join(root, "other/node_modules/b")];
  await copyPackages(folders, out, { arch: "x64", platform: "linux" });
  expect(JSON.parse(read(out, "node_modules/shared/package.json")).version).toBe("1.0.0");
  expect(JSON.parse(read(out, "node_modules/b/node_modules/shared/package.json")).version).toBe("2.0.0");
});

test("packages that need each other come to an end", async () => {
  const root = tree({
    "node_modules/a/package.json": json({ name: "a", dependencies: { b: "1" } }),
    "node_modules/b/package.json": json({ name: "b", dependencies: { a: "1" } }),
  });
  const out = tree();
  await copyPackages([join(root, "node_modules/a")], out, { arch: "x64", platform: "linux" });
  expect(existsSync(join(out, "node_modules/b/package.json"))).toBe(true);
});

const TARGET = { arch: "x64", platform: "linux" } as const;
const manifest = (name: string, version: number, ...needs: string[]): string =>
  json({ name, version: String(version), dependencies: Object.fromEntries(needs.map((need) => [need, "1"])) });

/** The version that Node finds from a folder in the build. */
function versionFrom(out: string, holder: string, name: string): string {
  const found = createRequire(join(out, holder, "index.js")).resolve(`${name}/package.json`);
  return JSON.parse(readFileSync(found, "utf8")).version;
}

test("a version that lies nearer in the build does not stand in for the one that is asked for", async () => {
  const root = tree({
    "node_modules/a/package.json": manifest("a", 1, "c", "e"),
    "node_modules/c/package.json": manifest("c", 1),
    "node_modules/e/package.json": manifest("e", 1),
    // Where it is installed, e@2 finds c@1. In the build it lies within b, beside c@2.
    "part/node_modules/b/package.json": manifest("b", 1, "c", "e"),
    "part/node_modules/b/node_modules/c/package.json": manifest("c", 2),
    "part/node_modules/e/package.json": manifest("e", 2, "c"),
  });
  const out = tree();
  await copyPackages([join(root, "node_modules/a"), join(root, "part/node_modules/b")], out, TARGET);
  expect(versionFrom(out, "node_modules/b", "c")).toBe("2");
  expect(versionFrom(out, "node_modules/b", "e")).toBe("2");
  expect(versionFrom(out, "node_modules/b/node_modules/e", "c")).toBe("1");
});

test("what a package within another needs comes along, too", async () => {
  const root = tree({
    "node_modules/a/package.json": manifest("a", 1, "c"),
    "node_modules/a/node_modules/c/package.json": manifest("c", 2, "d"),
    "node_modules/d/package.json": manifest("d", 1, "c"),
    "node_modules/c/package.json": manifest("c", 1),
  });
  const out = tree();
  await copyPackages([join(root, "node_modules/a")], out, TARGET);
  expect(versionFrom(out, "node_modules/a", "c")).toBe("2");
  expect(versionFrom(out, "node_modules/a/node_modules/c", "d")).toBe("1");
  expect(versionFrom(out, "node_modules/d", "c")).toBe("1");
});

test("packages of a workspace that lead to each other by links come to an end, without what only their authors need", async () => {
  const root = tree({
    "packages/a/package.json": manifest("a", 1, "b"),
    "packages/a/a.node": "",
    "packages/b/package.json": manifest("b", 1, "a"),
    "tools/compiler/package.json": manifest("compiler", 1),
  });
  for (const [link, to] of [
    ["packages/a/node_modules/b", "packages/b"],
    ["packages/b/node_modules/a", "packages/a"],
    ["packages/a/node_modules/compiler", "tools/compiler"],
  ] as const) {
    mkdirSync(dirname(join(root, link)), { recursive: true });
    symlinkSync(join(root, to), join(root, link));
  }
  const out = tree();
  await copyPackages([join(root, "packages/a")], out, TARGET);
  expect(filesOf(out)).toEqual(["node_modules/a/a.node", "node_modules/a/package.json", "node_modules/b/package.json"]);
});

test("two versions of one package, both asked for by the script, are refused and not mixed", async () => {
  const root = tree({
    "node_modules/a/package.json": manifest("a", 1),
    "node_modules/a/only-in-1.js": "",
    "other/node_modules/a/package.json": manifest("a", 2),
  });
  const folders = [join(root, "node_modules/a"), join(root, "other/node_modules/a")];
  await expect(copyPackages(folders, tree(), TARGET)).rejects.toThrow("two versions of the package a are asked for");
});

test("a package may name its one system without a list", async () => {
  const root = tree({
    "node_modules/a/package.json": manifest("a", 1, "mac", "tux"),
    "node_modules/mac/package.json": json({ name: "mac", os: "darwin" }),
    "node_modules/tux/package.json": json({ name: "tux", os: "linux", cpu: "x64" }),
  });
  const out = tree();
  await copyPackages([join(root, "node_modules/a")], out, TARGET);
  expect(filesOf(out)).toEqual(["node_modules/a/package.json", "node_modules/tux/package.json"]);
});

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
