// The model that a deployment without a script serves.
import { detectModel, type ModelKind, type ServedModel } from "../../src/host.ts";
import type { DeploymentSpec } from "../types.ts";
import type { FoundModel } from "./model-view.ts";

/** @returns null: there is a script, or the image brings a server, or the model cannot be served, which has been said */
export function findServed(
  { code, model, environment }: DeploymentSpec,
  { path, name: itsName }: FoundModel,
  name: string,
  add: (problem: string) => void,
): ServedModel | null {
  const hasServer = environment?.kind === "inline" && environment.inference !== null;
  if (code !== null || hasServer) return null;
  const cure = `name a server of your own with --upstream ${name}=http://localhost:${FOREIGN_PORT}`;
  const found = detectModel(path);
  if ("problem" in found) {
    add(
      `code_configuration is missing, and the model ${path} cannot be served without it: it ${found.problem}; or ${cure}`,
    );
    return null;
  }
  const { kind } = found.model;
  const type = model?.kind === "inline" ? model.type : "custom_model";
  if (type !== "custom_model" && type !== AZURE_TYPES[kind]) {
    add(`model.type is ${type}, but ${path} holds ${KINDS[kind]}; correct the type or the path, or ${cure}`);
    return null;
  }
  // Names of a workspace's models are as narrow.
  return kind !== "triton" && itsName !== null ? { ...found.model, name: itsName } : found.model;
}

/** Where a server in a container usually listens, for messages. */
export const FOREIGN_PORT = 8501;

const AZURE_TYPES: Readonly<Record<ModelKind, string>> = {
  mlflow: "mlflow_model",
  triton: "triton_model",
  onnx: "custom_model",
};

const KINDS: Readonly<Record<ModelKind, string>> = {
  mlflow: "an MLflow model",
  triton: "a repository in Triton's layout",
  onnx: "an ONNX model",
};
