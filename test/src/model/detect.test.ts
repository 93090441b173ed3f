import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { detectModel } from "../../../src/model/detect.ts";

/** @param paths of empty files; those that end with / are folders */
function layOut(...paths: string[]): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-detect-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const path of paths) {
    const place = join(folder, path);
    mkdirSync(path.endsWith("/") ? place : dirname(place), { recursive: true });
    if (!path.endsWith("/")) writeFileSync(place, "");
  }
  return folder;
}

const LOOKED_FOR = "Looked for: an ONNX file (*.onnx), a folder with one, an MLflow model";

test.each([
  ["an ONNX file", ["a/iris.onnx"], "a/iris.onnx", "onnx", "a/iris.onnx", "iris"],
  ["an ONNX file in capitals", ["IRIS.ONNX"], "IRIS.ONNX", "onnx", "IRIS.ONNX", "IRIS"],
  [
    "a folder with one ONNX file and others",
    ["a/iris.onnx", "a/iris.onnx.data", "a/README.md"],
    "a",
    "onnx",
    "a/iris.onnx",
    "iris",
  ],
  ["an MLflow model", ["m/MLmodel", "m/model.onnx", "m/1/model.onnx"], "m", "mlflow", "m", "m"],
  ["a folder whose name looks like a file", ["m.onnx/MLmodel"], "m.onnx", "mlflow", "m.onnx", "m"],
  ["a repository by its versions", ["r/iris/1/model.onnx", "r/notes.txt"], "r", "triton", "r", "r"],
  ["a repository by a configuration", ["r/iris/config.pbtxt"], "r", "triton", "r", "r"],
  ["a repository with an ONNX file beside", ["r/iris/1/model.onnx", "r/old.onnx"], "r", "triton", "r", "r"],
  [
    "a folder with one ONNX file, mounted by Kubernetes",
    ["a/iris.onnx", "a/..data/config.pbtxt", "a/.backup/1/model.onnx"],
    "a",
    "onnx",
    "a/iris.onnx",
    "iris",
  ],
  ["a file whose name paths cannot hold", ["größe (1).onnx"], "größe (1).onnx", "onnx", "größe (1).onnx", "gr_e_1_"],
  ["a file named by dots", ["...onnx"], "...onnx", "onnx", "...onnx", "model"],
])("%s is found (DESIGN 1, 2)", (_, files, given, kind, path, name) => {
  const folder = layOut(...files);
  expect(detectModel(join(folder, given))).toEqual({ model: { kind, path: join(folder, path), name } });
});

test.each([
  ["nothing", [], "gone", "is not there: there is no such file or folder"],
  ["another file", ["model.pkl"], "model.pkl", `is a file that is no *.onnx. ${LOOKED_FOR}`],
  ["an empty folder", ["a/"], "a", `holds no model. ${LOOKED_FOR}`],
  ["other files", ["a/model.pkl"], "a", `holds no model. ${LOOKED_FOR}`],
  ["two ONNX files", ["a/b.onnx", "a/a.onnx"], "a", `holds 2 ONNX files, a.onnx, b.onnx; name one. ${LOOKED_FOR}`],
  ["a version that is no number", ["r/iris/v1/model.onnx"], "r", `holds no model. ${LOOKED_FOR}`],
  ["a repository whose folders are hidden", ["r/.git/config.pbtxt"], "r", `holds no model. ${LOOKED_FOR}`],
  ["a folder called like a file", ["a/model.onnx/"], "a", `holds no model. ${LOOKED_FOR}`],
])("%s is no model, with what was looked for", (_, files, given, problem) => {
  const detected = detectModel(join(layOut(...files), given));
  expect(detected).toEqual({ problem: expect.stringContaining(problem) });
});

test("one model of a repository is no repository, with the way to serve it", () => {
  const folder = layOut("iris/1/model.onnx", "iris/config.pbtxt");
  expect(detectModel(join(folder, "iris"))).toEqual({
    problem: expect.stringContaining(`is one model of a repository; name the folder that holds it: ${folder}`),
  });
});

test("a path that cannot be looked at says why", () => {
  expect(detectModel(join(layOut(), "x".repeat(300)))).toEqual({
    problem: expect.stringMatching(/^cannot be read: ENAMETOOLONG/),
  });
});

test.skipIf(process.platform === "win32")("links are followed, and those that lead nowhere are passed over", () => {
  const folder = layOut("real/1/model.onnx", "r/", "far.onnx");
  symlinkSync(join(folder, "real"), join(folder, "r", "iris"));
  symlinkSync(join(folder, "nowhere"), join(folder, "r", "gone"));
  expect(detectModel(join(folder, "r"))).toMatchObject({ model: { kind: "triton" } });
  symlinkSync(join(folder, "far.onnx"), join(folder, "link.onnx"));
  expect(detectModel(join(folder, "link.onnx"))).toMatchObject({ model: { kind: "onnx", name: "link" } });
});
