import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { buildLambda, type LambdaBuildOptions } from "../../../packaging/aws-lambda/build.ts";
import { formatReport } from "../../../packaging/report.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { environment } from "../../setup/environments.mjs";

const folder = mkdtempSync(join(tmpdir(), "scorefn-build-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entryScript = packageFile("examples/hello-ts/score.ts");
const pythonScript = packageFile("examples/regression/score.py");
const fresh = () => join(mkdtempSync(join(folder, "b-")), "out");
const read = (out: string, file: string) => readFileSync(join(out, file), "utf8");

async function build(options: Partial<LambdaBuildOptions> = {}): Promise<string> {
  const out = fresh();
  await buildLambda({ entryScript, out, ...options });
  return out;
}

describe("a TypeScript function", () => {
  test("is the host and the script, each one file, with neither compiler nor foreign sources", async () => {
    const out = await build();
    const host = read(out, "function/scorefn/host.mjs");
    expect(host).not.toMatch(/["']esbuild["']/);
    expect(host).not.toContain("sourceMappingURL");
    expect(host.length).toBeLessThan(90_000);
    expect(read(out, "function/score.bundle.mjs")).toContain("sourceMappingURL");
    const { sources, sourcesContent } = JSON.parse(read(out, "function/score.bundle.mjs.map"));
    expect(sourcesContent).toBeUndefined();
    expect(sources).toContain("score.ts");
    expect(sources.filter((source: string) => !source.startsWith("node_modules/"))).toEqual(["score.ts"]);
    expect(existsSync(join(out, "function/score.ts"))).toBe(true);
  });

  test("takes the model along", async () => {
    const out = await build({ modelDir: packageFile("examples/regression/model") });
    expect(existsSync(join(out, "function/model"))).toBe(true);
    expect(read(out, "function/scorefn/host.mjs")).toContain('modelDir:"model"');
  });

  test("takes along what a server would read at its start (CFG-1, SW-7)", async () => {
    const source = mkdtempSync(join(folder, "source-"));
    for (const name of ["config.json", "swagger.json", "swagger3.1.json"])
      writeFileSync(join(source, name), `"${name}"`);
    writeFileSync(join(source, "score.ts"), "export function init() {}\nexport function run() {}\n");
    const out = await build({ entryScript: join(source, "score.ts") });
    expect(read(out, "function/config.json")).toBe('"config.json"');
    expect(read(out, "function/swagger3.1.json")).toBe('"swagger3.1.json"');
    expect(existsSync(join(out, "function/swagger2.json"))).toBe(false);
  });

  test("reports sizes and what to do next", async () => {
    const report = formatReport(await buildLambda({ entryScript, out: fresh() }));
    expect(report).toMatch(/function, unzipped\s+[\d.]+ kB of 262\.1 MB/);
    expect(report).toContain("scorefn invoke --target aws-lambda");
    expect(report).toContain("sam deploy --guided");
  });

  test("that Lambda would not take is not built", async () => {
    const modelDir = join(folder, "large-model");
    mkdirSync(modelDir);
    writeFileSync(join(modelDir, "weights.bin"), "");
    truncateSync(join(modelDir, "weights.bin"), 262_144_001);
    await expect(build({ modelDir })).rejects.toThrow(/function, unzipped: .* AWS Lambda takes 262\.1 MB/);
    rmSync(modelDir, { recursive: true });
  });
});

test("a Python function is the context of an image", async () => {
  const out = await build({ entryScript: pythonScript, modelDir: packageFile("examples/regression/model") });
  const dockerfile = read(out, "function/Dockerfile");
  expect(dockerfile).toContain('CMD ["index.handler"]');
  expect(dockerfile).toContain("aws-lambda-ric@4.0.2");
  for (const file of ["score.py", "requirements.txt", "model", "scorefn/python/worker.py", "scorefn/host.mjs"]) {
    expect(existsSync(join(out, "function", file)), file).toBe(true);
  }
  expect(existsSync(join(out, "function/scorefn/python/scorefn_worker/__pycache__"))).toBe(false);
});

describe("what cannot be built", () => {
  test.for<[string, Partial<LambdaBuildOptions>, RegExp]>([
    [
      "a script that is not there",
      { entryScript: "nowhere.ts" },
      /there is no score script .*nowhere\.ts; check --entry_script/,
    ],
    ["a model that is not there", { modelDir: "nowhere" }, /there is no folder .*nowhere; check --model_dir/],
    ["a stream behind an HTTP API", { streams: true, door: "http-api" }, /an HTTP API cannot stream/],
    ["a Node that Lambda does not have", { node: 20 }, /choose 22 or 24/],
  ])("%s is refused with the reason", async ([, options, reason]) => {
    await expect(build(options)).rejects.toThrow(reason);
  });

  test("a script that does not compile is located", async () => {
    const script = join(folder, "broken.ts");
    writeFileSync(script, "export function init() {}\nexport function run( {}\n");
    await expect(build({ entryScript: script })).rejects.toThrow(/^broken\.ts:\d+:\d+: /);
  });

  test("a folder with something else in it is left alone", async () => {
    const out = fresh();
    mkdirSync(out);
    writeFileSync(join(out, "precious"), "");
    await expect(buildLambda({ entryScript, out })).rejects.toThrow("neither empty nor a build");
    expect(existsSync(join(out, "precious"))).toBe(true);
  });

  test("an older build is replaced", async () => {
    const out = await build();
    writeFileSync(join(out, "function/old"), "");
    await buildLambda({ entryScript, out });
    expect(existsSync(join(out, "function/old"))).toBe(false);
  });
});

describe("the template", () => {
  const variants: [string, Partial<LambdaBuildOptions>][] = [
    ["a Function URL", {}],
    ["a Function URL that streams, for everybody", { streams: true, auth: "NONE" }],
    ["an HTTP API", { door: "http-api", arch: "arm64", node: 22 }],
    ["an image", { entryScript: pythonScript }],
  ];

  test("names the handler and the runtime of what was built", async () => {
    const plain = read(await build({ node: 22 }), "template.yaml");
    expect(plain).toContain("Handler: index.handler\n      Runtime: nodejs22.x");
    expect(plain).toContain("InvokeMode: BUFFERED");
    const out = await build({ streams: true });
    expect(read(out, "template.yaml")).toContain("Handler: stream.handler");
    expect(read(out, "template.yaml")).toContain("InvokeMode: RESPONSE_STREAM");
    expect(existsSync(join(out, "function/stream.mjs"))).toBe(true);
  });

  test("passes cfn-lint, in all its variants", async ({ skip }) => {
    const tools = environment("tools");
    const linter = "unavailable" in tools ? "" : join(tools.python, "../cfn-lint");
    skip(
      !existsSync(linter) && process.env.CI !== "true",
      "cfn-lint is not installed: node test/setup/environments.mjs",
    );
    const templates = await Promise.all(
      variants.map(async ([, options]) => join(await build(options), "template.yaml")),
    );
    await promisify(execFile)(linter, ["--non-zero-exit-code", "informational", ...templates]);
  });
});
