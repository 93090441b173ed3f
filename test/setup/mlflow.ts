import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { environment } from "./environments.mjs";

const SCRIPT = fileURLToPath(new URL("../fixtures/mlflow/models.py", import.meta.url));

/** An interpreter with MLflow, and the folders of the models of test/fixtures/mlflow. */
export interface MlflowModels {
  readonly python: string;
  folderOf(name: string): string;
}

/** Makes the models where they are not there yet. @returns a text: why there are none */
export function mlflowModels(): MlflowModels | string {
  const found = environment("models");
  if ("unavailable" in found) return found.unavailable;
  const { python } = found;
  const printed = execFileSync(python, ["-B", "-W", "ignore", SCRIPT], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const folder = printed.trim().split("\n").at(-1)!;
  return { python, folderOf: (name) => join(folder, name) };
}
