import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeV8, locateV8, type Roots } from "../../../src/locate/v8.ts";

type Script = Record<string, (...values: unknown[]) => unknown>;

let nodeImport: (url: string) => Promise<Script>;
let root: string;
let roots: Roots;

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "locate-")));
  roots = { appRoot: root, scriptDir: join(root, "scripts") };
  // Node's own import(), past the test runner's, so that the stacks are those of V8.
  nodeImport = createRequire(import.meta.url)(write("import.cjs", "module.exports = (url) => import(url);"));
});
afterAll(() => rmSync(root, { recursive: true }));

function write(file: string, ...lines: string[]): string {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, lines.join("\n"));
  return path;
}

async function failureOf(act: () => unknown): Promise<unknown> {
  try {
    await act();
  } catch (error) {
    return error;
  }
  throw new Error("expected a failure");
}

async function importFailure(path: string): Promise<unknown> {
  return failureOf(() => nodeImport(pathToFileURL(path).href));
}

/** An error whose stack is as given; the frames are what matters. */
function withFrames(...frames: string[]): Error {
  const error = new Error("m");
  error.stack = ["Error: m", ...frames.map((frame) => `    at ${frame}`)].join("\n");
  return error;
}

describe("the place of an error (ERR-11)", () => {
  test("is the innermost frame in the user's files, with function and trimmed source", async () => {
    const path = write("scripts/score.mjs", "export function run(data) {", "  return JSON.parse(data).length;", "}");
    const { run } = await nodeImport(pathToFileURL(path).href);
    expect(locateV8(await failureOf(() => run?.("{")), roots)).toEqual({
      file: "scripts/score.mjs",
      line: 2,
      column: 15,
      function: "run",
      source: "return JSON.parse(data).length;",
    });
  });

  test("is found in async functions, constructors and functions without a name", async () => {
    const path = write(
      "scripts/shapes.mjs",
      "export async function later() { await null; throw new Error('a'); }",
      "class Model { constructor() { throw new Error('b'); } }",
      "export const build = () => new Model();",
      "export const each = () => [1].map(() => { throw new Error('c'); });",
      "export default { m() { throw new Error('d'); } };",
    );
    const shapes = await nodeImport(pathToFileURL(path).href);
    const placeOf = async (act: () => unknown): Promise<unknown[]> => {
      const place = locateV8(await failureOf(act), roots);
      return [place?.function, place?.line];
    };
    expect(await placeOf(() => shapes.later?.())).toEqual(["later", 1]);
    expect(await placeOf(() => shapes.build?.())).toEqual(["new Model", 2]);
    expect(await placeOf(() => shapes.each?.())).toEqual([null, 4]);
    expect(await placeOf(() => (shapes.default as unknown as { m(): void }).m())).toEqual(["m", 5]);
  });

  test.each([
    ["run (file:///app/score.ts:12:17)", "score.ts", 12, 17, "run"],
    ["run (/app/a/score.ts:12:17)", "a/score.ts", 12, 17, "run"],
    ["/app/score.js:1:2", "score.js", 1, 2, null],
    ["async file:///app/score.js:3:4", "score.js", 3, 4, null],
    ["async Module.run (file:///app/score.js:3:4)", "score.js", 3, 4, "run"],
    ["Object.<anonymous> (/app/score.cjs:3:4)", "score.cjs", 3, 4, null],
    ["Foo.bar [as baz] (/app/score.js:3:4)", "score.js", 3, 4, "Foo.bar"],
    ["new Foo (/app/score.js:3:4)", "score.js", 3, 4, "new Foo"],
    ["run (file:///app/my%20(old)%20score.js?v=1:3:4)", "my (old) score.js", 3, 4, "run"],
    ["run (/app/my (old) score.js:3:4)", "my (old) score.js", 3, 4, "run"],
    ["run (/scripts/x/score.js:3:4)", "x/score.js", 3, 4, "run"],
  ])("is read from the frame '%s'", (frame, file, line, column, name) => {
    const place = locateV8(withFrames(frame), { appRoot: "/app", scriptDir: "/scripts" });
    expect(place).toEqual({ file, line, column, function: name, source: null });
  });

  test("is never Node's own, a package's, or outside the roots", () => {
    const error = withFrames(
      "JSON.parse (<anonymous>)",
      "openSync (node:fs:573:18)",
      "async Promise.all (index 0)",
      "eval (eval at run (/app/score.js:9:9), <anonymous>:1:1)",
      "dep (/app/node_modules/dep/index.js:1:1)",
      "other (/application/score.js:1:1)",
      "above (/app/../etc/score.js:1:1)",
      "wasm://wasm/12/3:wasm-function[1]:0x1f",
      "mine (/app/score.js:5:6)",
    );
    expect(locateV8(error, { appRoot: "/app", scriptDir: "/app" })).toMatchObject({ file: "score.js", line: 5 });
    expect(locateV8(withFrames("f (/x/score.js:1:1)"), { appRoot: "/app", scriptDir: "/app" })).toBeNull();
  });

  test("is never in the product's own code, even where that lies below the app root", () => {
    const own = fileURLToPath(new URL("../../../src/", import.meta.url));
    const frames = [`f (${join(own, "scorer.ts")}:1:1)`, `g (${join(own, "../examples/score.ts")}:2:2)`];
    const place = locateV8(withFrames(...frames), { appRoot: dirname(own), scriptDir: dirname(own) });
    expect(place?.file).toBe("examples/score.ts");
  });

  test("is not taken from lines of the message that look like frames", () => {
    const error = new Error("bad\n    at fake (/app/fake.js:1:1)");
    error.stack = `Error: ${error.message}\n    at real (/app/real.js:2:2)`;
    expect(locateV8(error, { appRoot: "/app", scriptDir: "/app" })?.file).toBe("real.js");
  });

  test("is looked for in the causes when the error itself names none", () => {
    const outer = new Error("outer", { cause: withFrames("f (/app/score.js:7:8)") });
    expect(locateV8(outer, { appRoot: "/app", scriptDir: "/app" })).toMatchObject({ file: "score.js", line: 7 });
  });

  test("is found when the app root is a link to where the files are", async () => {
    const path = write("real/score.mjs", "throw new Error('at load');");
    symlinkSync(join(root, "real"), join(root, "link"));
    const linked = { appRoot: join(root, "link"), scriptDir: join(root, "link") };
    expect(locateV8(await importFailure(path), linked)).toMatchObject({ file: "score.mjs", line: 1, column: 7 });
  });

  test("has no source when the line is not there any more", () => {
    write("scripts/short.js", "only line");
    const place = locateV8(withFrames(`f (${join(root, "scripts/short.js")}:9:1)`), roots);
    expect(place).toMatchObject({ line: 9, source: null });
  });

  test("shows no more than the start of a minified line", () => {
    const path = write("scripts/min.js", "x".repeat(5000));
    expect(locateV8(withFrames(`f (${path}:1:4000)`), roots)?.source).toHaveLength(201);
  });

  test.each([["text"], [null], [undefined], [7], [{}], [{ stack: 5 }], [Object.create(null)]])(
    "is null for %j, thrown",
    (thrown) => {
      expect(locateV8(thrown, roots)).toBeNull();
    },
  );

  test("is null, not an error, for a value that cannot even be read", () => {
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error("no");
        },
      },
    );
    expect(locateV8(hostile, roots)).toBeNull();
    expect(describeV8(hostile, roots)).toMatchObject({ type: "Object", location: null });
  });
});

describe("the place of a failed load", () => {
  test("is the line and caret Node shows for a CommonJS syntax error", async () => {
    const path = write("scripts/broken.cjs", "function run() {", "  const x = ;", "}");
    const error = await importFailure(path);
    expect(locateV8(error, roots)).toMatchObject({ file: "scripts/broken.cjs", line: 2, column: 13 });
    const report = describeV8(error, roots, { codeFrame: true });
    expect(report.type).toBe("SyntaxError");
    expect(report.hint).toBe("The file cannot be compiled; correct the line shown.");
    expect(report.codeFrame).toBe(
      ["  1 | function run() {", "> 2 |   const x = ;", "    |             ^", "  3 | }"].join("\n"),
    );
  });

  test("is the import that names what is not exported", async () => {
    write("scripts/names.mjs", "export const y = 1;");
    const path = write("scripts/importer.mjs", "", "import { x } from './names.mjs';");
    const error = await importFailure(path);
    expect(locateV8(error, roots)).toMatchObject({ file: "scripts/importer.mjs", line: 2, column: 10 });
    expect(describeV8(error, roots).hint).toContain("There is no value 'x' in that module.");
  });

  test("is the import of a missing package, with what to install", async () => {
    const path = write("scripts/needs.mjs", "// lodash", "import fp from 'lodash-not-there/fp';");
    const report = describeV8(await importFailure(path), roots, { codeFrame: true });
    expect(report.location).toMatchObject({ file: "scripts/needs.mjs", line: 2, column: null });
    expect(report.codeFrame).toBe(["  1 | // lodash", "> 2 | import fp from 'lodash-not-there/fp';"].join("\n"));
    expect(report.hint).toBe(
      "Package 'lodash-not-there' is not installed: run npm install lodash-not-there next to needs.mjs.",
    );
  });

  test("is the require() of a missing package, with what to install", async () => {
    const path = write("scripts/needs.cjs", "const a = 1;", "require('@scope/not-there/x');");
    const report = describeV8(await importFailure(path), roots);
    expect(report.location).toMatchObject({ file: "scripts/needs.cjs", line: 2 });
    expect(report.hint).toBe(
      "Package '@scope/not-there' is not installed: run npm install @scope/not-there next to needs.cjs.",
    );
    expect(report.codeFrame).toBeUndefined();
  });

  test("is the import of a missing file, with a word on extensions", async () => {
    const path = write("scripts/needs-file.mjs", "import './helper';");
    const report = describeV8(await importFailure(path), roots);
    expect(report.location).toMatchObject({ file: "scripts/needs-file.mjs", line: 1 });
    expect(report.hint).toBe(
      "needs-file.mjs imports a file 'helper' that does not exist; an import names the file in full, with its extension.",
    );
  });

  test("is what esbuild says of a TypeScript file, as data or, once it crossed a thread, as text", async () => {
    const path = write("scripts/score.ts", "let a = 1;", "  let b: = 2;");
    const url = pathToFileURL(path).href;
    for (const sourcefile of [path, url]) {
      const error = await failureOf(() => transformSync("let a = 1;\n  let b: = 2;", { loader: "ts", sourcefile }));
      const text = new Error((error as Error).message);
      for (const failure of [error, text]) {
        expect(locateV8(failure, roots)).toMatchObject({ file: "scripts/score.ts", line: 2, column: 10 });
      }
    }
  });

  test("is unknown for an ES module that does not compile, so the hint names a way to see it", async () => {
    const path = write("scripts/broken.mjs", "export const x = ;");
    const report = describeV8(await importFailure(path), roots);
    expect(report.location).toBeNull();
    expect(report.hint).toBe("Run node --check on the score script and on what it imports to see the line.");
  });

  test("comes with a word on CommonJS where import is not understood", async () => {
    const path = write("scripts/esm-in.cjs", "import fs from 'fs';", "module.exports = 1;");
    expect(describeV8(await importFailure(path), roots).hint).toBe(
      'The file is loaded as CommonJS: name it .mjs, or put "type": "module" into the package.json beside it.',
    );
  });
});

describe("the report of an error", () => {
  class ScoreTooLow extends Error {}
  const named = Object.assign(new Error("n"), { name: "KeyError" });

  test.each([
    [new ScoreTooLow("low"), "ScoreTooLow", "low"],
    [new TypeError("t"), "TypeError", "t"],
    [named, "KeyError", "n"],
    ["just text", "string", "just text"],
    [undefined, "undefined", "undefined"],
    [null, "null", "null"],
    [42, "number", "42"],
    [{ code: 7 }, "Object", "{ code: 7 }"],
    [{ message: "m" }, "Object", "m"],
  ])("names the type and message of %s", (thrown, type, message) => {
    expect(describeV8(thrown, roots)).toMatchObject({ type, message });
  });

  test("has the stacks of the whole chain of causes", () => {
    const inner = withFrames("inner (/a.js:1:1)");
    const report = describeV8(Object.assign(withFrames("outer (/b.js:2:2)"), { cause: inner }), roots);
    expect(report.traceback).toBe(
      "Error: m\n    at outer (/b.js:2:2)\n\nCaused by: Error: m\n    at inner (/a.js:1:1)",
    );
    expect(describeV8("text", roots).traceback).toBe("string: text");
  });

  test("ends with a cause that leads back to the error", () => {
    const error = withFrames("f (/a.js:1:1)");
    error.cause = error;
    expect(describeV8(error, roots).traceback).toBe("Error: m\n    at f (/a.js:1:1)");
  });

  test("says where model files are looked for when a file is missing", async () => {
    const path = write(
      "scripts/opens.mjs",
      "import { readFileSync } from 'node:fs';",
      "export const init = () => readFileSync('/no/model.onnx');",
    );
    const { init } = await nodeImport(pathToFileURL(path).href);
    const error = await failureOf(() => init?.());
    const report = describeV8(error, roots, { codeFrame: true, modelDir: "/models" });
    expect(report.location).toMatchObject({ file: "scripts/opens.mjs", line: 2, function: "init" });
    expect(report.codeFrame).toContain("> 2 | export const init");
    expect(report.hint).toBe(
      "There is no '/no/model.onnx'. Model files are looked for below AZUREML_MODEL_DIR, which is '/models'.",
    );
    expect(describeV8(error, roots, { modelDir: undefined }).hint).toBe(
      "There is no '/no/model.onnx'. AZUREML_MODEL_DIR is not set; --model_dir sets it.",
    );
  });
});
