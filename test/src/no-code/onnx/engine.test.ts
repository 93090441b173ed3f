import { mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { ScoreError } from "../../../../src/core/errors.ts";
import { findEngine, notLoaded } from "../../../../src/no-code/onnx/engine.ts";
import { threadsPerSession } from "../../../../src/no-code/onnx/threads.ts";
import { engineModules, missingEngine, modelFolder } from "../../../setup/onnx.ts";
import { temporaryFolder } from "../../../setup/service.ts";

/** A folder without an engine in or above it. */
async function emptyFolder(): Promise<string> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  return realpathSync(folder.file("."));
}

/** @param source of the package's only module */
function installEngine(folder: string, source: string): void {
  const place = join(folder, "node_modules", "onnxruntime-node");
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "package.json"), JSON.stringify({ name: "onnxruntime-node", main: "index.js" }));
  writeFileSync(join(place, "index.js"), source);
}

const engineOf = (version: string): string => `exports.env = { versions: { node: "${version}" } };`;

function failure(model: string, env: NodeJS.ProcessEnv = {}): ScoreError {
  try {
    findEngine(model, { env });
  } catch (error) {
    expect(error).toMatchObject({ code: "ERR_MODEL_LOAD" });
    return error as ScoreError;
  }
  return expect.unreachable("an engine was found");
}

describe("the engine", () => {
  test("is looked for from the model's folder upwards, then from the current one, then from the application's", async () => {
    const [beside, cwd, app] = [await emptyFolder(), await emptyFolder(), await emptyFolder()];
    vi.spyOn(process, "cwd").mockReturnValue(cwd);
    onTestFinished(() => void vi.restoreAllMocks());
    // Node remembers what it found from a folder.
    let folders = 0;
    const find = (): string | undefined => {
      const model = join(beside, "deep", `${folders++}`, "model.onnx");
      return findEngine(model, { env: { AML_APP_ROOT: app } }).env.versions?.node;
    };
    installEngine(app, engineOf("1.22.3"));
    expect(find()).toBe("1.22.3");
    installEngine(cwd, engineOf("1.22.2"));
    expect(find()).toBe("1.22.2");
    installEngine(beside, engineOf("1.22.1"));
    expect(find()).toBe("1.22.1");
    installEngine(join(beside, "deep"), engineOf("2.0.0"));
    expect(find()).toBe("2.0.0");
  });

  test("is missed with the command that installs it, and found once it was run", async () => {
    const folder = await emptyFolder();
    const model = join(folder, "model.onnx");
    vi.spyOn(process, "cwd").mockReturnValue(folder);
    onTestFinished(() => void vi.restoreAllMocks());
    const { message, report } = failure(model);
    expect(message).toBe("an ONNX model needs the package onnxruntime-node, which is not installed");
    expect(report!.hint).toBe(
      `npm install onnxruntime-node --ignore-scripts. Looked for from ${folder} upwards, and beside scorefn.`,
    );
    installEngine(folder, engineOf("1.30.0"));
    expect(findEngine(model, { env: {} }).env.versions?.node).toBe("1.30.0");
  });

  test("is looked for though the current folder is gone", async () => {
    const folder = await emptyFolder();
    installEngine(folder, engineOf("1.30.0"));
    vi.spyOn(process, "cwd").mockImplementation(() => {
      throw new Error("ENOENT: no such file or directory, uv_cwd");
    });
    onTestFinished(() => void vi.restoreAllMocks());
    expect(findEngine(join(folder, "model.onnx"), { env: {} }).env.versions?.node).toBe("1.30.0");
  });

  test.each(["1.21.0", "0.30.0", undefined])("of version %s is too old (ONNX-1)", async (version) => {
    const folder = await emptyFolder();
    installEngine(folder, version === undefined ? "exports.env = {};" : engineOf(version));
    const { message, report } = failure(join(folder, "model.onnx"));
    expect(message).toContain(`onnxruntime-node ${version === undefined ? "is" : `${version} is`} too old`);
    expect(message).toContain("1.22 or newer is needed");
    expect(report!.hint).toBe("npm install onnxruntime-node@latest --ignore-scripts");
  });

  test("that cannot be loaded says why, in one line", async () => {
    const folder = await emptyFolder();
    installEngine(folder, `require("../bin/napi-v6/plan9/mips/onnxruntime_binding.node");`);
    const { message, report } = failure(join(folder, "model.onnx"));
    expect(message).toMatch(/^onnxruntime-node \(.*index\.js\) cannot be loaded: Cannot find module '.*plan9.*'$/);
    expect(report!.hint).toContain("install it on this system: npm install onnxruntime-node --ignore-scripts");
  });

  test.each([
    [
      { platform: "linux", arch: "x64", glibc: "" },
      "Error loading shared library ld-linux-x86-64.so.2: No such file or directory",
      "onnxruntime-node has no library for musl (Alpine); take an image with glibc, such as node:22-slim.",
    ],
    [
      { platform: "linux", arch: "x64", glibc: "2.26" },
      "/lib64/libm.so.6: version `GLIBC_2.27' not found (required by libonnxruntime.so.1)",
      "onnxruntime-node needs glibc 2.28 or newer and this system has 2.26; take a newer system, such as Debian 12 or Amazon Linux 2023.",
    ],
    [
      { platform: "darwin", arch: "x64", glibc: "" },
      "Cannot find module '../bin/napi-v6/darwin/x64/onnxruntime_binding.node'",
      "newer onnxruntime-node have no library for Macs with Intel processors: npm install onnxruntime-node@1.22.0 --ignore-scripts",
    ],
    [
      { platform: "linux", arch: "arm64", glibc: "2.36" },
      "Cannot find module '../bin/napi-v6/linux/arm64/onnxruntime_binding.node'\nRequire stack:\n- a.js",
      "it has no library for linux arm64, or is not complete; install it on this system: npm install onnxruntime-node --ignore-scripts",
    ],
    [
      { platform: "win32", arch: "x64", glibc: "" },
      "The specified procedure could not be found.",
      "install it anew: npm install onnxruntime-node --ignore-scripts",
    ],
  ])("has a hint for what a system lacks: %o (ONNX-26)", (system, said, hint) => {
    const error = notLoaded("/m/index.js", new Error(said), system) as ScoreError;
    expect(error.message).toBe(`onnxruntime-node (/m/index.js) cannot be loaded: ${said.split("\n")[0]}`);
    expect(error.report!.hint).toBe(hint);
  });

  test.skipIf(missingEngine())("keeps what it says to itself unless the log's level is DEBUG (ONNX-23)", () => {
    const { env } = createRequire(join(engineModules(), "x.js"))("onnxruntime-node");
    onTestFinished(() => {
      env.logLevel = "warning";
    });
    const model = join(modelFolder([]), "model.onnx");
    env.logLevel = "warning";
    findEngine(model, { verbose: true });
    expect(env.logLevel).toBe("warning");
    findEngine(model);
    expect(env.logLevel).toBe("fatal");
  });

  test.skipIf(missingEngine())("whose libraries are missing is reported as such, by the real package", async () => {
    const folder = await emptyFolder();
    const { cpSync } = await import("node:fs");
    for (const name of ["onnxruntime-node", "onnxruntime-common"]) {
      cpSync(join(engineModules(), name), join(folder, "node_modules", name), {
        recursive: true,
        filter: (path) => !/[\\/](bin|script|test)$|\.map$/.test(path),
      });
    }
    const { message, report } = failure(join(folder, "model.onnx"));
    expect(message).toContain("cannot be loaded: Cannot find module '../bin/napi-");
    expect(report!.hint).toContain("or is not complete; install it on this system");
    rmSync(join(folder, "node_modules"), { recursive: true });
  });
});

describe("threads of a session", () => {
  test.each([
    [{}, 8, 8],
    [{ WORKER_COUNT: "1" }, 8, 8],
    [{ WORKER_COUNT: "3" }, 8, 2],
    [{ WORKER_COUNT: "8" }, 8, 1],
    [{ WORKER_COUNT: "20" }, 8, 1],
    [{ WORKER_COUNT: "1_0" }, 32, 3],
    [{ WORKER_COUNT: "" }, 4, 4],
    [{ WORKER_COUNT: "many" }, 4, 4],
    [{ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128" }, 2, 1],
    [{ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "3008" }, 2, 1],
    [{ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "3538" }, 2, 2],
    [{ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "10240", WORKER_COUNT: "1" }, 6, 6],
  ])("with %o on %i processors: %i", (env, cores, threads) => {
    expect(threadsPerSession(env, cores)).toBe(threads);
  });

  test("are at least one, and no more than this machine's processors", async () => {
    const { availableParallelism } = await import("node:os");
    expect(threadsPerSession({})).toBeGreaterThanOrEqual(1);
    expect(threadsPerSession({})).toBeLessThanOrEqual(availableParallelism());
  });
});
