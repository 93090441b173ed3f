import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createLog } from "../../../../src/log/create.ts";
import type { Ort } from "../../../../src/no-code/onnx/ort.ts";
import { openSession, type Session } from "../../../../src/no-code/onnx/session.ts";
import type { Tensor } from "../../../../src/no-code/types.ts";
import { engineModules, missingEngine, modelFolder } from "../../../setup/onnx.ts";

const log = createLog(() => {}, "CRITICAL");
/** More than one process should ever have. */
const MANY = 20;

function open(fixture: string, threads?: number): Promise<Session> {
  return openSession({ path: join(modelFolder([fixture]), fixture), log, threads });
}

function x(...values: number[]): Tensor {
  return { name: "x", datatype: "FP32", shape: [values.length], data: Float32Array.from(values) };
}

describe.skipIf(missingEngine())("a session", () => {
  test("runs beside others, and goes on when they are released (ONNX-17)", async () => {
    const sessions = await Promise.all(Array.from({ length: MANY }, () => open("type-float32.onnx", 1)));
    const answers = await Promise.all(sessions.map((session, index) => session.run([x(index)], ["y"])));
    expect(answers.map(([y]) => y!.data[0])).toEqual(sessions.map((_, index) => index));
    const [kept, ...others] = sessions;
    await Promise.all(others.map((session) => session.release()));
    expect((await kept!.run([x(7)], ["y"]))[0]!.data).toEqual(Float32Array.of(7));
    await kept!.release();
  });

  test("answers runs that were asked for together, each with its own", async () => {
    const session = await open("type-float32.onnx");
    const answers = await Promise.all(
      Array.from({ length: MANY }, (_, index) => session.run([x(index, index)], ["y"])),
    );
    expect(answers.map(([y]) => Array.from(y!.data as Float32Array))).toEqual(
      answers.map((_, index) => [index, index]),
    );
  });

  test("that is released runs no more, and says so", async () => {
    const session = await open("type-float32.onnx");
    await session.release();
    await expect(session.run([x(1)], ["y"])).rejects.toMatchObject({
      name: "ScriptRunError",
      code: "ERR_SCRIPT_RUN",
      message: "Session already disposed.",
    });
  });

  test("gives outputs in the order that they are asked for in", async () => {
    const session = await open("mixed.onnx");
    const feeds: Tensor[] = [
      x(1),
      { name: "k", datatype: "INT64", shape: [1], data: BigInt64Array.of(2n) },
      { name: "s", datatype: "BYTES", shape: [1, 1], data: ["three"] },
      { name: "f", datatype: "BOOL", shape: [1], data: Uint8Array.of(1) },
    ];
    expect((await session.run(feeds, ["S", "F", "X"])).map(({ name, data }) => [name, data])).toEqual([
      ["S", ["three"]],
      ["F", Uint8Array.of(1)],
      ["X", Float32Array.of(1)],
    ]);
  });

  test.each([
    ["unnamed-dim.onnx", [-1, 3], true],
    ["square.onnx", ["n", "n"], true],
    ["fixed.onnx", [2, 3], true],
    ["scalar.onnx", [], false],
    ["no-rank.onnx", [], false],
  ])("of %s tells what is known of the shape (ONNX-2, ONNX-3)", async (fixture, shape, hasRank) => {
    const { inputs } = await open(fixture);
    expect(inputs).toEqual([{ name: "x", datatype: "FP32", shape, hasRank }]);
  });

  test.each([
    ["4", undefined, (cores: number) => Math.max(1, Math.floor(cores / 4))],
    ["1", undefined, (cores: number) => cores],
    ["1", 1, () => 1],
  ])("with %s workers and %s threads asked for computes with its share", async (workers, threads, expected) => {
    const { threadsPerSession } = await import("../../../../src/no-code/onnx/threads.ts");
    const { InferenceSession }: Ort = createRequire(join(engineModules(), "x.js"))("onnxruntime-node");
    const create = vi.spyOn(InferenceSession, "create");
    vi.stubEnv("WORKER_COUNT", workers);
    onTestFinished(() => {
      vi.restoreAllMocks();
      vi.unstubAllEnvs();
    });
    await open("addsub.onnx", threads);
    const cores = threadsPerSession({});
    expect(create.mock.lastCall![1]).toEqual({ intraOpNumThreads: expected(cores) });
  });
});
