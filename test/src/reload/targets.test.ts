// Which files are watched for the sake of which settings.
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { outsideOf, type TargetSettings, targetsOf } from "../../../src/reload/targets.ts";

const settings: TargetSettings = {
  appRoot: "/repo/app",
  entryScript: "/repo/app/score.ts",
  model: null,
  modelDir: "/repo/app/model",
  reloadDirs: ["/repo/data"],
  workerEnv: {},
};

test("modules count wherever they lie, in the folder of the model and in packages that are links, too", () => {
  const watched = ["/repo/app/score.ts", "/repo/app/lib/x.ts", "/repo/data/table.ts"];
  const outside = [
    "/repo/app/model/prepare.ts",
    "/repo/app/node_modules/x.js",
    "/repo/lib/x.ts",
    "/repo/application/x.ts",
  ];
  expect(outsideOf([...watched, ...outside], settings)).toEqual(outside);
  const names = targetsOf(settings, outside)
    .filter(({ deep }) => !deep)
    .map(({ path, counts }) => ({ path, prepares: counts("prepare.ts") }));
  expect(names).toContainEqual({ path: "/repo/app/model", prepares: true });
});

test("a model that holds the script is watched with it", () => {
  const inModel = { ...settings, modelDir: "/repo/app" };
  expect(outsideOf(["/repo/app/lib/x.ts"], inModel)).toEqual([]);
  expect(targetsOf(inModel, []).find(({ deep, path }) => deep && path === "/repo/app")?.without).toEqual([]);
  expect(targetsOf(settings, []).find(({ deep, path }) => deep && path === "/repo/app")?.without).toEqual([
    "/repo/app/model",
  ]);
});

test.each([homedir(), "/"])("%s is not watched as a whole, though the script lies there", (folder) => {
  const at = { ...settings, appRoot: folder, entryScript: join(folder, "score.ts"), modelDir: null, reloadDirs: [] };
  const targets = targetsOf(at, []);
  expect(targets.filter(({ deep }) => deep)).toEqual([]);
  const here = targets.filter(({ path }) => path === folder);
  for (const name of ["score.ts", "helper.ts", "config.json"]) {
    expect(here.some(({ counts }) => counts(name))).toBe(true);
  }
  expect(outsideOf([join(folder, "lib/x.ts")], at)).toEqual([join(folder, "lib/x.ts")]);
});

test("a model is watched without what lies beside it, and with the weights that are named after it", () => {
  const served = (kind: "onnx" | "mlflow", path: string): TargetSettings => ({
    ...settings,
    entryScript: null,
    model: { kind, path, name: "iris" },
  });
  const counted = (at: TargetSettings, path: string): boolean =>
    targetsOf(at, []).some(
      ({ path: folder, deep, counts }) =>
        (deep ? path.startsWith(`${folder}/`) : dirname(path) === folder) && counts(basename(path)),
    );
  const file = served("onnx", "/models/iris.onnx");
  for (const path of [
    "/models/iris.onnx",
    "/models/iris.onnx.data",
    "/models/other.onnx",
    "/repo/data/x.bin",
    "/repo/app/config.json",
  ]) {
    expect(counted(file, path), path).toBe(true);
  }
  for (const path of ["/models/notes.txt", "/models/sub/iris.onnx", "/repo/app/lib/x.ts", "/models/iris.onnx~"]) {
    expect(counted(file, path), path).toBe(false);
  }
  const folder = served("mlflow", "/models/iris");
  expect(counted(folder, "/models/iris/MLmodel")).toBe(true);
  expect(counted(folder, "/models/iris/code/own.py")).toBe(true);
  expect(counted(folder, "/models/other/MLmodel")).toBe(false);
});
