// What a script sees as AZUREML_MODEL_DIR (contract ENV-3 to ENV-6).
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join, relative } from "node:path";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { showModel } from "../../../endpoint/assets/model-view.ts";
import { tree } from "../../packaging/tree.ts";

let root: string;
let views: string;

beforeEach(() => {
  const files = {
    "model-1/model/iris.pkl": "1",
    "model-1/model/sub/deep/a.txt": "a",
    "model-1/score.py": "",
    "x.pkl": "x",
  };
  root = realpathSync(tree(files));
  views = join(root, "views");
});

const show = (path: string, name: string | null = "m", version: string | null = "2"): Promise<string> =>
  showModel({ path: join(root, path), name, version }, views);
const below = (view: string): string => relative(views, view).replace(/^\w{16}\//, "");

test("a folder keeps its last name, without what is beside it", async () => {
  const view = await show("model-1/model");
  expect(below(view)).toBe("azureml-models/m/2");
  expect(readdirSync(view)).toEqual(["model"]);
  expect(readFileSync(join(view, "model/iris.pkl"), "utf8")).toBe("1");
  expect(readFileSync(join(view, "model/sub/deep/a.txt"), "utf8")).toBe("a");
});

test("a file is shown alone", async () => {
  const view = await show("x.pkl");
  expect(readdirSync(view)).toEqual(["x.pkl"]);
  expect(readFileSync(join(view, "x.pkl"), "utf8")).toBe("x");
});

test("a model without a name has a hash for one, and version 1", async () => {
  expect(below(await show("x.pkl", null, null))).toMatch(/^azureml-models\/[0-9a-f]{64}\/1$/);
  expect(below(await show("x.pkl", "../up", "a/b"))).toMatch(/^azureml-models\/[0-9a-f]{64}\/1$/);
});

test("os.walk and rglob of Python find all", async () => {
  const code =
    "import os, pathlib, sys; d = sys.argv[1]; " +
    "print(sorted(f for _, _, fs in os.walk(d) for f in fs), sorted(p.name for p in pathlib.Path(d).rglob('*.pkl')))";
  const said = execFileSync("python3", ["-c", code, await show("model-1/model")], { encoding: "utf8" });
  expect(said.trim()).toBe("['a.txt', 'iris.pkl'] ['iris.pkl']");
});

test("links of the model's own are shown as they are, circles too", async () => {
  symlinkSync(join(root, "model-1"), join(root, "model-1/model/up"));
  symlinkSync("nowhere", join(root, "model-1/model/gone"));
  const view = await show("model-1/model");
  expect(readFileSync(join(view, "model/up/model/iris.pkl"), "utf8")).toBe("1");
  expect(readdirSync(join(view, "model"))).toEqual(["gone", "iris.pkl", "sub", "up"]);
});

describe("another time", () => {
  test("the folder is the same, and content that has changed is seen", async () => {
    const view = await show("model-1/model");
    writeFileSync(join(root, "model-1/model/iris.pkl"), "new");
    expect(await show("model-1/model")).toBe(view);
    expect(readFileSync(join(view, "model/iris.pkl"), "utf8")).toBe("new");
  });

  test("other files, or another model of the same name, leave what older workers see", async () => {
    const view = await show("model-1/model");
    writeFileSync(join(root, "model-1/model/b.pkl"), "b");
    const other = await show("model-1/model");
    expect(readdirSync(join(view, "model"))).toEqual(["iris.pkl", "sub"]);
    expect(readdirSync(join(other, "model"))).toEqual(["b.pkl", "iris.pkl", "sub"]);
    expect(readdirSync(await show("x.pkl"))).toEqual(["x.pkl"]);
    expect(readdirSync(other)).toEqual(["model"]);
  });

  test("what a killed run has left half made, or a script has put in its place, is made good", async () => {
    const view = await show("model-1/model");
    rmSync(join(view, "model/sub"), { recursive: true });
    rmSync(join(view, "model/iris.pkl"));
    mkdirSync(join(view, "model/iris.pkl"));
    expect(await show("model-1/model")).toBe(view);
    expect(readFileSync(join(view, "model/iris.pkl"), "utf8")).toBe("1");
    expect(existsSync(join(view, "model/sub/deep/a.txt"))).toBe(true);
  });

  test("many at once do no harm", async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => show("model-1/model")));
    expect(new Set(made).size).toBe(1);
    expect(readdirSync(join(made[0]!, "model"))).toEqual(["iris.pkl", "sub"]);
    expect(readdirSync(join(made[0]!, "model/sub/deep"))).toEqual(["a.txt"]);
  });
});

test("the folder that holds the views can be the model (`path: .`)", async () => {
  const path = root;
  const view = await showModel({ path, name: "m", version: null }, views);
  expect(await showModel({ path, name: "m", version: null }, views)).toBe(view);
  expect(readdirSync(view)).toEqual([basename(root)]);
  expect(readFileSync(join(view, basename(root), "x.pkl"), "utf8")).toBe("x");
});

test("a file that a script writes beside the model's does not get into the model", async () => {
  const view = await show("model-1/model");
  writeFileSync(join(view, "model/cache.bin"), "");
  expect(readdirSync(join(root, "model-1/model"))).toEqual(["iris.pkl", "sub"]);
});

test("a folder of very many files is shown all the same", async () => {
  mkdirSync(join(root, "many"));
  for (let i = 0; i <= 10_000; i++) writeFileSync(join(root, "many", `f${i}`), "");
  const view = await show("many");
  expect(readdirSync(view)).toEqual(["many"]);
  expect(readdirSync(join(view, "many"))).toHaveLength(10_001);
});

test("what cannot be had is told in one line", async () => {
  await expect(show("gone")).rejects.toThrow(/^the model \S+gone cannot be shown in \S+views: ENOENT/);
  writeFileSync(views, "in the way");
  await expect(show("x.pkl")).rejects.toThrow(/cannot be shown in \S+views: (ENOTDIR|EEXIST)/);
});

test("whatever its name and version are, the view stays in its folder", async () => {
  const text = fc.option(
    fc.oneof(fc.string(), fc.constantFrom("..", ".", "a/../..", "/", "C:\\x", "a\0", "é", "x".repeat(300))),
  );
  await fc.assert(
    fc.asyncProperty(text, text, async (name, version) => {
      const view = await show("x.pkl", name, version);
      expect(relative(views, view).split("/")).toHaveLength(4);
      expect(readdirSync(view)).toEqual(["x.pkl"]);
    }),
    { numRuns: 50 },
  );
});
