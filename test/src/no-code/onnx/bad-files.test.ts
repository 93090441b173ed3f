// Files that cannot be served: each says why, and what to do.
import { chmodSync, mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ScoreError } from "../../../../src/core/errors.ts";
import { createLog } from "../../../../src/log/create.ts";
import { openOnnx } from "../../../../src/no-code/onnx/open-onnx.ts";
import { missingEngine, modelFolder } from "../../../setup/onnx.ts";

async function open(path: string) {
  const lines: string[] = [];
  const model = await openOnnx(
    { path, name: "m" },
    createLog((line) => lines.push(line), "INFO"),
  );
  return { model, log: lines.join("") };
}

/** What is said of it, without its path. */
async function failure(path: string): Promise<[string, string | undefined]> {
  const error = (await open(path).then(
    () => expect.unreachable(`${path} was loaded`),
    (thrown: unknown) => thrown,
  )) as ScoreError;
  expect(error).toMatchObject({ name: "ScriptLoadError", code: "ERR_MODEL_LOAD", report: { type: "ModelLoadError" } });
  expect(error.report!.message).toBe(error.message);
  expect(error.message).not.toMatch(/onnxruntime_src|\n/);
  return [error.message.replace(path, "PATH"), error.report!.hint];
}

function lay(...fixtures: string[]): string {
  return join(modelFolder(fixtures), fixtures[0]!);
}

describe.skipIf(missingEngine())("an ONNX file is refused that", () => {
  test.each([
    [
      "is of a new IR version (ONNX-22)",
      "new-ir",
      "it is of ONNX IR version 14, and this onnxruntime-node takes 13 at most",
      "install a newer onnxruntime-node, or export the model with ir_version=13 or less",
    ],
    [
      "is of a new opset (ONNX-22)",
      "new-opset",
      "it is of opset 28 of ai.onnx, and this onnxruntime-node knows 26 at most",
      "install a newer onnxruntime-node, or export the model with opset 26 or less (target_opset, opset_version)",
    ],
    [
      "has an unknown operator (ONNX-21)",
      "unknown-op",
      "it has the operator NoSuchOp, which this onnxruntime-node does not have in opset 17",
      "export the model with standard operators only; operators of one's own need libraries that are not loaded here",
    ],
    [
      "has an operator of somebody's own (ONNX-21)",
      "custom-domain",
      "it has the operator com.example:Fancy, which this onnxruntime-node does not have",
      "export the model with standard operators only; operators of one's own need libraries that are not loaded here",
    ],
    [
      "takes bfloat16 (ONNX-4)",
      "type-bfloat16",
      "it has an input or output of type bfloat16, which onnxruntime-node cannot hand over",
      "add a Cast to float32 or float16 to the model",
    ],
    [
      "takes float8 (ONNX-4)",
      "type-float8",
      "it has an input or output of type float8e4m3fn, which onnxruntime-node cannot hand over",
      "add a Cast to float32 or float16 to the model",
    ],
    [
      "takes complex numbers (ONNX-4)",
      "type-complex64",
      "it has tensors of type complex64, which onnxruntime-node does not know",
      "export the model with real numbers",
    ],
    [
      "has an operator for other types",
      "type-int4",
      "it has the operator Identity, which this onnxruntime-node does not have for its types",
      "export the model with other types, such as float32",
    ],
    [
      "is half a model",
      "truncated",
      "it is no ONNX model, or only a part of one",
      "compare its size with that of the original, and export or copy it anew",
    ],
    [
      "is no model",
      "junk",
      "it is no ONNX model, or only a part of one",
      "compare its size with that of the original, and export or copy it anew",
    ],
    ["is empty (ONNX-21)", "empty", "it is empty", "export or copy it anew"],
    ["is a pointer", "lfs-pointer", "it is a pointer of Git LFS and not the model itself", "git lfs pull"],
  ])("%s", async (_, fixture, cause, hint) => {
    expect(await failure(lay(`${fixture}.onnx`))).toEqual([`PATH cannot be loaded: ${cause}`, hint]);
  });

  test("is inconsistent, in the engine's own words", async () => {
    const [message, hint] = await failure(lay("wrong-type.onnx"));
    expect(message).toMatch(
      /^PATH cannot be loaded: Type Error: Type parameter \(T\) of Optype \(Add\) bound to different/,
    );
    expect(hint).toBeUndefined();
  });

  test.each([undefined, 0, 7])("has weights of which %s bytes are there (ONNX-14)", async (bytes) => {
    const path = lay("external.onnx", "external.onnx.data");
    if (bytes === undefined) rmSync(`${path}.data`);
    else truncateSync(`${path}.data`, bytes);
    expect(await failure(path)).toEqual([
      "PATH cannot be loaded: its weights lie in a file of their own, which is not there or not complete",
      "put the file of the weights (often *.onnx.data) into the model's folder, under the name that it was exported with",
    ]);
  });

  test("is not there, or a folder", async () => {
    const folder = modelFolder([]);
    expect(await failure(join(folder, "a.onnx"))).toEqual(["PATH is not there", undefined]);
    mkdirSync(join(folder, "b.onnx"));
    expect(await failure(join(folder, "b.onnx"))).toEqual(["PATH cannot be loaded: it is no file", undefined]);
  });

  test.skipIf(process.getuid?.() === 0)("may not be read", async () => {
    const path = lay("addsub.onnx");
    chmodSync(path, 0);
    const [message, hint] = await failure(path);
    expect(message).toContain("PATH cannot be read: EACCES");
    expect(hint).toContain("the right to read it");
  });

  test("takes something else than tensors (ONNX-11)", async () => {
    const [message, hint] = await failure(lay("sequence-input.onnx"));
    expect(message).toBe(
      "PATH cannot be served: its input 's' is no tensor but a sequence, a map or an optional value",
    );
    expect(hint).toBe("export the model with tensors as inputs");
  });

  test("gives nothing but sequences (ONNX-11)", async () => {
    const [message, hint] = await failure(lay("sequence-only.onnx"));
    expect(message).toBe(
      "PATH cannot be served: 's' (a sequence, a map or an optional value): this output is no tensor that can be handed over, and there is no other",
    );
    expect(hint).toContain('options={"zipmap": False}');
  });

  test("has random bytes behind the first ones of a model", async () => {
    const path = lay("addsub.onnx");
    writeFileSync(path, Buffer.concat([Buffer.from("080812", "hex"), Buffer.alloc(4096, 0x7a)]));
    expect((await failure(path))[0]).toBe("PATH cannot be loaded: it is no ONNX model, or only a part of one");
  });
});

describe.skipIf(missingEngine())("an ONNX file is served that", () => {
  test("has a sequence beside its tensors, which is left out with a warning (ONNX-11)", async () => {
    const path = lay("sequence-and-tensor.onnx");
    const { model, log } = await open(path);
    expect(model.facts.outputs.map(({ name }) => name)).toEqual(["y"]);
    expect(log).toContain(`${path}: left out 's' (a sequence, a map or an optional value): this output is no tensor`);
    const x = { name: "x", datatype: "FP32", shape: [1], data: Float32Array.of(1) } as const;
    expect((await model.infer(undefined, [x], undefined)).outputs).toEqual([{ ...x, name: "y" }]);
    await expect(model.infer(undefined, [x], ["s"])).rejects.toMatchObject({ code: "ERR_BAD_INPUT" });
  });

  test("lies in a folder with blanks and letters of any kind (ONNX-21)", async () => {
    const folder = modelFolder({ "mit Leerzeichen/größe 模型.onnx": "addsub.onnx" });
    const { model } = await open(join(folder, "mit Leerzeichen", "größe 模型.onnx"));
    expect(model.facts.inputs.length).toBe(2);
  });
});
