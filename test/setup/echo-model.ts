// A model of the tests: what is asked of it is in its answer, so that a host that changes something is found out.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BadInputError, ScriptLoadError } from "../../src/core/errors.ts";

import type { ModelFacts, RunOutcome } from "../../src/core/types.ts";
import type { CreateRuntime } from "../../src/host.ts";
import { withRunErrors } from "../../src/no-code/engine-failure.ts";
import { InProcessRuntime } from "../../src/script/in-process.ts";
import type { ScriptInput } from "../../src/script/input.ts";
import type { LoadedScript } from "../../src/script/javascript.ts";
import { temporaryFolder } from "./service.ts";

const SHAPE = [-1, 4];

/** @param name with a blank and a percent sign it is a hard one for paths */
export function echoFacts(name: string): ModelFacts {
  return {
    name,
    platform: "onnxruntime_onnx",
    versions: [{ version: "1" }, { version: "3" }],
    inputs: [{ name: "INPUT0", datatype: "FP32", shape: SHAPE }],
    outputs: [{ name: "OUTPUT0", datatype: "FP32", shape: SHAPE }],
    config: { name, platform: "onnxruntime_onnx", max_batch_size: 8 },
  };
}

export const FAILURE = "failed to read text proto from /secret/config.pbtxt";

/** A repository of which one model is broken, and one version of another. */
export function brokenFacts(): readonly ModelFacts[] {
  const { config: _none, ...half } = echoFacts("half");
  return [
    echoFacts("good one"),
    { ...half, versions: [{ version: "1" }, { version: "2", failure: FAILURE }] },
    { ...half, name: "broken", versions: [{ version: "1", failure: FAILURE }] },
  ];
}

export interface EchoOptions {
  /** Default: one, by the name that the settings give it. */
  readonly models?: readonly ModelFacts[];
  /** Resolves when loading may go on; rejects when it fails. */
  readonly loading?: () => Promise<void>;
}

/** The runtime of a real server, with this model in the place of a real one. */
export function echoRuntime({ models, loading }: EchoOptions = {}): CreateRuntime {
  return (config, log, events) => {
    const { appRoot, scoringTimeoutMs, maxQueue } = config;
    const load = async (): Promise<LoadedScript> => {
      await loading?.();
      return withRunErrors(openEcho(models ?? [echoFacts(config.model!.name)]));
    };
    const options = { entryScript: "", appRoot, modelDir: null, scoringTimeoutMs, maxQueue, load };
    return new InProcessRuntime(options, log, events);
  };
}

export function loadFailure(message: string): ScriptLoadError {
  return new ScriptLoadError("ERR_MODEL_LOAD", message);
}

function openEcho(models: readonly ModelFacts[]): LoadedScript {
  return { facts: { takes: "model", concurrent: true, input: "json", models }, async init() {}, run: answer };
}

/** Told by the body: `bad …` is the client's fault, `boom …` the engine's, `never` has no end. */
function answer({ path, headers = {}, body, signal }: ScriptInput): RunOutcome | Promise<RunOutcome> {
  const text = Buffer.from(body).toString();
  if (text.startsWith("bad")) throw new BadInputError("ERR_BAD_INPUT", text);
  if (text.startsWith("boom")) throw new Error(text);
  if (text === "never") return new Promise((_resolve, reject) => signal().addEventListener("abort", reject));
  const length = headers["inference-header-content-length"];
  if (length === undefined) {
    const seen = { path, type: headers["content-type"] ?? null, bytes: Buffer.from(body).toString("hex") };
    return { kind: "json", body: JSON.stringify(seen), execMs: 1 };
  }
  return {
    kind: "response",
    status: 200,
    headers: [
      ["Content-Type", "application/octet-stream"],
      ["Inference-Header-Content-Length", length],
    ],
    body,
    execMs: 1,
    fromScript: true,
  };
}

/** Settings that name a model; nobody reads its file. */
export async function modelSettings(
  name = "iris",
): Promise<{ readonly env: Readonly<Record<string, string>>; remove(): Promise<void> }> {
  const folder = await temporaryFolder();
  const file = folder.file("iris.onnx");
  writeFileSync(file, "");
  const env = { AZUREML_ENTRY_SCRIPT: "", SCOREFN_MODEL: file, ...(name !== "iris" && { SCOREFN_MODEL_NAME: name }) };
  return { env, remove: folder.remove };
}

/** As `modelSettings`, of a repository. */
export async function repositorySettings(): ReturnType<typeof modelSettings> {
  const folder = await temporaryFolder();
  mkdirSync(join(folder.file("repository"), "half", "1"), { recursive: true });
  writeFileSync(join(folder.file("repository"), "half", "config.pbtxt"), "");
  const env = { AZUREML_ENTRY_SCRIPT: "", SCOREFN_MODEL: folder.file("repository") };
  return { env, remove: folder.remove };
}
