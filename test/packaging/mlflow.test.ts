// `scorefn build --model` with a real MLflow: what the trial says, and that the build answers.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { BUILD_DEADLINE_MS } from "../setup/command.mjs";
import { type MlflowModels, mlflowModels } from "../setup/mlflow.ts";
import { tree } from "./tree.ts";

function prepared(skip: (condition: boolean, note: string) => void): MlflowModels {
  const models = mlflowModels();
  if (typeof models !== "string") return models;
  skip(process.env.CI !== "true", models);
  throw new Error(models);
}

function scorefn(python: string, ...args: string[]) {
  const program = packageFile("dist/adapters/cli/scorefn.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: "utf8",
    timeout: BUILD_DEADLINE_MS,
    env: { ...process.env, SCOREFN_PYTHON: python },
  });
  return { status, stdout, stderr };
}

test("an MLflow model is loaded by the trial, and its build answers by all protocols", {
  timeout: BUILD_DEADLINE_MS,
}, ({ skip }) => {
  const { python, folderOf } = prepared(skip);
  const out = join(tree(), "build");
  const [version] = /\d+\.\d+/.exec(spawnSync(python, ["--version"], { encoding: "utf8" }).stdout)!;
  const model = folderOf("diabetes-example");
  const common = ["build", "--quiet", "--target", "aws-lambda", "--model", model, "--python_version", version];
  const built = scorefn(python, ...common, "--out", out);
  expect(built.status, built.stderr).toBe(0);
  expect(built.stdout).toContain(`tried:      diabetes-example was loaded with Python ${version}`);
  const checked = scorefn(python, "check", out);
  expect(checked.stdout).toContain("passed   diabetes-example: tensors as JSON (200");
  expect(checked.stdout).toContain("passed   /invocations (200");
  expect(checked.status).toBe(0);

  // skops, which the model is saved with, is installed here, and would not be in the image.
  const list = join(tree(), "requirements.txt");
  writeFileSync(list, "mlflow-skinny\npandas\nscikit-learn\n");
  const lacking = scorefn(python, ...common, "--out", `${out}-2`, "--requirements", list);
  expect(lacking.stderr).toContain("No module named 'skops' (add the package that brings it to the list)");
  writeFileSync(list, "numpy\n");
  const bare = scorefn(python, ...common, "--out", `${out}-2`, "--requirements", list);
  expect(bare.stderr).toContain("an MLflow model is loaded with mlflow, which the list of packages does not bring");
});
