import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { hintFor } from "../../../src/locate/hints.ts";

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("expected a failure");
}

describe("the hint for an error", () => {
  test("says that the text was not JSON", () => {
    const error = thrownBy(() => JSON.parse("{x"));
    expect(hintFor(error, true, undefined)).toMatch(/^JSON.parse\(\) was given text that is not JSON/);
  });

  test("names a program that is not there", () => {
    const error = Object.assign(new Error("spawn"), { code: "ENOENT", syscall: "spawn dot", path: "dot" });
    expect(hintFor(error, true, "/models")).toBe("There is no program 'dot' to start.");
  });

  test("is that for its cause when there is none for itself", () => {
    const cause = new Error("Cannot find package 'pg' imported from /app/score.mjs");
    expect(hintFor(new Error("outer", { cause }), true, undefined)).toBe(
      "Package 'pg' is not installed: run npm install pg next to score.mjs.",
    );
  });

  test.each([
    ["data.json", "export default 1", 'with { type: "json" }'],
    ["helper.ts", "export default 1", "name the score script .ts"],
  ])("says what plain JavaScript cannot import: %s", async (name, text, advice) => {
    const folder = mkdtempSync(join(tmpdir(), "scorefn-hints-"));
    writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, "score.mjs"), `import "./${name}";`);
    // A process of its own: this one compiles what it imports.
    const print = "import(process.argv[1]).catch(({ message }) => console.log(message))";
    const { stdout } = spawnSync(process.execPath, ["-e", print, join(folder, "score.mjs")], { encoding: "utf8" });
    rmSync(folder, { recursive: true });
    // Newer versions of Node can.
    if (stdout === "" && name.endsWith(".ts")) return;
    expect(hintFor(new Error(stdout.trim()), true, undefined)).toContain(advice);
  });

  test("is none for an error it knows nothing about", () => {
    for (const error of [new Error("x"), "text", null]) expect(hintFor(error, true, "/models")).toBeUndefined();
  });
});

describe("the hint for an import that leads nowhere", () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-hints-")));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  function hint(wanted: string, files: Readonly<Record<string, unknown>>): string {
    const app = mkdtempSync(join(root, "app-"));
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(app, name)), { recursive: true });
      writeFileSync(join(app, name), typeof content === "string" ? content : JSON.stringify(content));
    }
    const error = new Error(`Cannot find package '${wanted}' imported from ${join(app, "score.ts")}`);
    return hintFor(error, true, undefined)!.replaceAll(app, "APP");
  }
  const paths = { compilerOptions: { paths: { "@lib/*": ["./lib/*", "./src/*"], config: ["./config.ts"] } } };

  test("names the alias, the tsconfig.json that was read and the files that were looked for", () => {
    expect(hint("@lib/math", { "tsconfig.json": paths })).toBe(
      "'@lib/math' is the path alias '@lib/*' of APP/tsconfig.json, but there is no file for it: looked for APP/lib/math, APP/src/math.",
    );
    expect(hint("config", { "tsconfig.json": { extends: "./base" }, "base.json": paths })).toMatch(
      /^'config' is the path alias 'config' of APP\/tsconfig.json, .*: looked for APP\/config.ts\.$/,
    );
  });

  test("reads comments, last commas, packages and lists of what is extended, and ends a circle", () => {
    const base = { extends: "../../../tsconfig.json", ...paths };
    expect(
      hint("@lib/math", {
        "tsconfig.json": '{ // "paths": {}\n "extends": ["./nowhere", "@shared/base/tsconfig.json",], /* , */ }',
        "node_modules/@shared/base/tsconfig.json": base,
        "node_modules/@shared/base/package.json": { name: "@shared/base" },
      }),
    ).toContain("looked for APP/node_modules/@shared/base/lib/math");
  });

  test.each(["@lib/math", "@/data", "~/data", "~data", "#data", "Config/data"])("names no package for %s", (wanted) => {
    for (const files of [
      {},
      { "tsconfig.json": "{}" },
      { "tsconfig.json": "{ broken" },
      { "tsconfig.json": { compilerOptions: { baseUrl: "." } } },
    ]) {
      const text = hint(wanted, files);
      expect(text).not.toContain("npm install");
      expect(text).toContain("compilerOptions.paths");
      expect(text).toContain("tsconfig.json" in files ? "APP/tsconfig.json" : "there is no tsconfig.json");
    }
  });

  test("names no package where baseUrl may be meant", () => {
    const files = { "tsconfig.json": { compilerOptions: { baseUrl: "src" } } };
    expect(hint("lib/math", files)).toMatch(
      /^'lib\/math' is neither an installed package nor a path alias .*read: APP\/tsconfig.json/,
    );
  });

  test("is npm install for what package.json lists", () => {
    const files = {
      "package.json": { dependencies: { "@aws-sdk/client-s3": "^3" } },
      "tsconfig.json": { compilerOptions: { baseUrl: "." } },
    };
    expect(hint("@aws-sdk/client-s3", files)).toBe(
      "Package '@aws-sdk/client-s3' is a dependency in APP/package.json but is not installed: run npm install there.",
    );
  });

  test("says that a name which is no value may be a type", () => {
    const error = new SyntaxError("The requested module './types' does not provide an export named 'Row'");
    expect(hintFor(error, true, undefined)).toContain("import type { Row }");
  });
});
