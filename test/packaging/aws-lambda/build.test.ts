import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { buildLambda, type LambdaBuildOptions } from "../../../packaging/aws-lambda/build.ts";
import { formatReport } from "../../../packaging/report.ts";
import { packageFile } from "../../../src/core/package-root.ts";

const folder = mkdtempSync(join(tmpdir(), "scorefn-build-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entryScript = packageFile("examples/hello-ts/score.ts");
const pythonScript = packageFile("examples/regression/score.py");
const fresh = () => join(mkdtempSync(join(folder, "b-")), "out");
const read = (out: string, file: string) => readFileSync(join(out, file), "utf8");

/** Files below `folder` that the host consists of before anything is asked of it. */
function startFiles(folder: string, file = "host.mjs"): string[] {
  const text = readFileSync(join(folder, file), "utf8");
  const imported = [...text.matchAll(/from"\.\/([\w.-]+\.mjs)"/g)].map(([, name]) => name!);
  return [...new Set([file, ...imported.flatMap((name) => startFiles(folder, name))])];
}

/** Whether a build works is tried in trial.test.ts. */
async function build(options: Partial<LambdaBuildOptions> = {}): Promise<string> {
  const out = fresh();
  await buildLambda({ entryScript, out, ...(options.try === undefined && { noTry: true }), ...options });
  return out;
}

let example: Promise<string> | undefined;
/** A build of the example that nobody changes. */
const builtExample = () => {
  example ??= build();
  return example;
};

describe("a TypeScript function", () => {
  test("is the host and the script, each one file, with neither compiler nor foreign sources", async () => {
    const out = await builtExample();
    const host = read(out, "function/scorefn/host.mjs");
    expect(host).not.toMatch(/["']esbuild["']/);
    expect(host).not.toContain("sourceMappingURL");
    expect(read(out, "function/score.bundle.mjs")).toContain("sourceMappingURL");
    const { sources, sourcesContent } = JSON.parse(read(out, "function/score.bundle.mjs.map"));
    expect(sourcesContent).toBeUndefined();
    expect(sources).toContain("score.ts");
    expect(sources.filter((source: string) => !source.startsWith("node_modules/"))).toEqual(["score.ts"]);
    expect(existsSync(join(out, "function/score.ts"))).toBe(true);
  });

  test("loads little at its start: what only some requests need is a file of its own", async () => {
    const own = join(await builtExample(), "function/scorefn");
    const loaded = startFiles(own);
    const bytes = loaded.reduce((sum, file) => sum + statSync(join(own, file)).size, 0);
    // Each kilobyte takes time of every cold start.
    expect(bytes).toBeLessThanOrEqual(65_000);
    const late = readdirSync(own).filter((file) => file.startsWith("late-") && file.endsWith(".mjs"));
    expect(late).toHaveLength(1);
    const inLate = readFileSync(join(own, late[0]!), "utf8");
    // One text of each part.
    for (const text of ["securityDefinitions", "Invalid config file!", "await it", "must return a Response"]) {
      expect(inLate).toContain(text);
      for (const file of loaded) expect(readFileSync(join(own, file), "utf8"), text).not.toContain(text);
    }
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
    expect(report).toContain("scorefn invoke ");
    expect(report).toContain("sam deploy --guided");
  });

  test("that Lambda would not take is not built", async () => {
    const modelDir = join(folder, "large-model");
    mkdirSync(modelDir);
    writeFileSync(join(modelDir, "weights.bin"), "");
    truncateSync(join(modelDir, "weights.bin"), 262_144_001);
    await expect(build({ modelDir })).rejects.toThrow(/function, unzipped: .* and the cloud takes 262\.1 MB/);
    rmSync(modelDir, { recursive: true });
  });
});

test("a Python function is the context of an image", async () => {
  const out = await build({ entryScript: pythonScript, modelDir: packageFile("examples/regression/model") });
  const dockerfile = read(out, "function/Dockerfile");
  expect(dockerfile).toContain('CMD ["index.handler"]');
  for (const file of [
    "score.py",
    "requirements.txt",
    "model",
    "scorefn/python/worker.py",
    "scorefn/host.mjs",
    "scorefn/runtime-client/package-lock.json",
    ".dockerignore",
  ]) {
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
    ["too little memory", { memoryMb: 64 }, /--memory_mb is a whole number from 128 to 10240 MB, not 64/],
    ["too much memory", { memoryMb: 10_241 }, /from 128 to 10240 MB/],
    ["no time", { timeoutSeconds: 0 }, /--timeout_seconds is a whole number from 1 to 900 seconds, not 0/],
    ["too much time", { timeoutSeconds: 901 }, /from 1 to 900 seconds/],
    [
      "a key to a door without a lock",
      { door: "http-api", auth: "AWS_IAM" },
      /--auth has no effect with --door http-api/,
    ],
    ["a list of packages for TypeScript", { requirements: "x" }, /--requirements has no effect/],
    ["a Python for TypeScript", { pythonVersion: "3.12" }, /--python_version has no effect/],
    ["a package for Python", { entryScript: pythonScript, external: ["x"] }, /--external has no effect/],
    ["a Python that no image has", { entryScript: pythonScript, pythonVersion: "3.8" }, /images for 3\.9 to 3\.14/],
    ["a trial that is none", { try: "init", noTry: true }, /contradict each other/],
    ["a check that is not there", { check: "@nowhere.json" }, /--check names nowhere\.json, which cannot be read/],
    ["a check that is not JSON", { check: "{" }, /is not JSON/],
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
});

describe("the request that a new version is checked with", () => {
  const request = join("check", "check-request.json");

  test("lies beside the check, and is the sample beside the script if nothing else is said", async () => {
    const sample = readFileSync(packageFile("examples/hello-ts/sample-request.json"), "utf8");
    expect(read(await builtExample(), request)).toBe(sample);
    expect(read(await build({ check: '{"name": 1}' }), request)).toBe('{"name": 1}');
    writeFileSync(join(folder, "other.json"), "[1]");
    expect(read(await build({ check: `@${join(folder, "other.json")}` }), request)).toBe("[1]");
  });

  test("is left out on demand, and where there is no sample, which is said", async () => {
    expect(existsSync(join(await build({ check: "none" }), request))).toBe(false);
    const script = join(mkdtempSync(join(folder, "bare-")), "score.mjs");
    writeFileSync(script, "export function init() {}\nexport function run() {}\n");
    const out = fresh();
    const { notes } = await buildLambda({ entryScript: script, out, noTry: true });
    expect(existsSync(join(out, request))).toBe(false);
    expect(notes.join("\n")).toContain("only asked for readiness: there is no sample-request.json beside score.mjs");
    const unwanted = await buildLambda({ entryScript: script, out: fresh(), check: "none", noTry: true });
    expect(unwanted.notes.join("\n")).toContain("only asked for readiness: --check none\n");
  });

  test("that is not JSON is refused even if nobody has asked for it", async () => {
    const script = join(mkdtempSync(join(folder, "wrong-")), "score.mjs");
    writeFileSync(script, "export function init() {}\nexport function run() {}\n");
    writeFileSync(join(script, "../sample-request.json"), "{'a': 1}");
    await expect(build({ entryScript: script })).rejects.toThrow(/sample-request\.json, is not JSON.*--check none/);
  });
});

test.each<[Partial<LambdaBuildOptions>, RegExp | undefined]>([
  [{}, undefined],
  [{ auth: "NONE" }, /PUBLIC: +the Function URL is for everybody/],
  [{ door: "http-api" }, /PUBLIC: +the HTTP API asks nobody/],
])("a build with %j says what is open to everybody", async (options, words) => {
  const report = formatReport(await buildLambda({ entryScript, out: fresh(), noTry: true, ...options }));
  if (words === undefined) expect(report).not.toContain("PUBLIC");
  else expect(report).toMatch(words);
});
