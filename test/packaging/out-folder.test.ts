// The folder of a build, over the life of a project: nothing of the user's is ever removed.
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildLambda, type LambdaBuildOptions } from "../../packaging/aws-lambda/build.ts";
import { buildAzure } from "../../packaging/azure-functions/build.ts";
import { openOutFolder } from "../../packaging/out-folder.ts";
import { formatReport } from "../../packaging/report.ts";
import { packageFile } from "../../src/core/package-root.ts";
import { until } from "../setup/service.ts";
import { contents, JS_SCRIPT, PYTHON_SCRIPT, read, tree, write } from "./tree.ts";

/** A project with a build in it. */
async function project(options: Partial<LambdaBuildOptions> = {}) {
  const root = tree({ "score.mjs": JS_SCRIPT });
  const out = join(root, "build");
  const build = (more: Partial<LambdaBuildOptions> = {}) =>
    buildLambda({ entryScript: join(root, "score.mjs"), out, noTry: true, ...options, ...more });
  await build();
  return { root, out, build };
}

/** The function's time-out as it stands in a template, as a value or as the default of a parameter. */
const timeout = (seconds: number): RegExp => new RegExp(`(?:Timeout|Default): ${seconds}\\n`);

/** Leftovers of builds beside a folder. */
const beside = (out: string): string[] =>
  readdirSync(dirname(out)).filter((name) => name.startsWith(`.${basename(out)}`));

describe("a rebuild", () => {
  test("replaces what the build made, and removes what it makes no more", async () => {
    const { root, out, build } = await project();
    write(root, { "config.json": "{}" });
    await build();
    expect(existsSync(join(out, "function/config.json"))).toBe(true);
    rmSync(join(root, "config.json"));
    write(root, { "score.mjs": `${JS_SCRIPT}export const more = 1;\n` });
    const report = await build({ timeoutSeconds: 60 });
    expect(existsSync(join(out, "function/config.json"))).toBe(false);
    expect(read(out, "template.yaml")).toMatch(timeout(60));
    expect(report.kept).toEqual([]);
    expect(beside(out)).toEqual([]);
  });

  test("keeps what the user has added, as it is", async () => {
    const { out, build } = await project();
    write(out, { "samconfig.toml": "version = 0.1\n", ".azure/dev/.env": "KEY=1\n", "function/extra.txt": "mine" });
    chmodSync(join(out, ".azure/dev/.env"), 0o600);
    chmodSync(join(out, ".azure/dev"), 0o700);
    symlinkSync("../elsewhere", join(out, "link"));
    const report = await build();
    expect(report.kept).toEqual([".azure/dev/.env", "function/extra.txt", "link", "samconfig.toml"]);
    expect(read(out, "samconfig.toml")).toBe("version = 0.1\n");
    expect(statSync(join(out, ".azure/dev/.env")).mode & 0o777).toBe(0o600);
    expect(statSync(join(out, ".azure/dev")).mode & 0o777).toBe(0o700);
    expect(readlinkSync(join(out, "link"))).toBe("../elsewhere");
    expect(formatReport(report)).toContain("kept:       .azure/dev/.env, function/extra.txt, link, samconfig.toml");
    expect((await build()).kept).toEqual(report.kept);
  });

  test("keeps an edited file, and offers the new version only when there is one", async () => {
    const { out, build } = await project();
    write(out, { "template.yaml": "# mine\n" });
    const same = await build();
    expect([same.kept, same.news]).toEqual([["template.yaml"], []]);
    expect(formatReport(same)).not.toContain("compare:");
    expect(existsSync(join(out, "template.yaml.new"))).toBe(false);
    const changed = await build({ timeoutSeconds: 60 });
    expect(formatReport(changed)).toContain(
      "compare:    template.yaml.new (the new version of what you have edited)\n",
    );
    expect(read(out, "template.yaml")).toBe("# mine\n");
    const other = await project({ timeoutSeconds: 60 });
    expect(read(out, "template.yaml.new")).toBe(read(other.out, "template.yaml"));
    // It stays for as long as it has not been looked at.
    await build({ timeoutSeconds: 60 });
    expect(existsSync(join(out, "template.yaml.new"))).toBe(true);
    rmSync(join(out, "template.yaml.new"));
    await build({ timeoutSeconds: 60 });
    expect(existsSync(join(out, "template.yaml.new"))).toBe(false);
    expect(read(out, "template.yaml")).toBe("# mine\n");
  });

  test("keeps an edited offer, too", async () => {
    const { out, build } = await project();
    write(out, { "template.yaml": "# mine\n" });
    await build({ timeoutSeconds: 60 });
    write(out, { "template.yaml.new": "# half merged\n" });
    await build({ timeoutSeconds: 70 });
    expect([read(out, "template.yaml"), read(out, "template.yaml.new")]).toEqual(["# mine\n", "# half merged\n"]);
    expect(read(out, "template.yaml.new.new")).toMatch(timeout(70));
  });

  test("takes an edit that equals the new version for it", async () => {
    const { out, build } = await project();
    const other = await project({ timeoutSeconds: 60 });
    write(out, { "template.yaml": read(other.out, "template.yaml") });
    const report = await build({ timeoutSeconds: 60 });
    expect(report.kept).toEqual([]);
    expect(existsSync(join(out, "template.yaml.new"))).toBe(false);
  });

  test("brings back a file that was removed", async () => {
    const { out, build } = await project();
    rmSync(join(out, "template.yaml"));
    await build();
    expect(existsSync(join(out, "template.yaml"))).toBe(true);
  });

  test("does not keep what Python leaves where it runs", async () => {
    const root = tree({ "score.py": PYTHON_SCRIPT });
    const options = { entryScript: join(root, "score.py"), out: join(root, "build"), noTry: true };
    await buildLambda(options);
    write(options.out, { "function/__pycache__/score.cpython-312.pyc": "" });
    expect((await buildLambda(options)).kept).toEqual([]);
    expect(existsSync(join(options.out, "function/__pycache__"))).toBe(false);
  });

  test("that fails leaves the old build as it was, and nothing else", async () => {
    const { root, out, build } = await project();
    write(out, { "mine.txt": "mine" });
    const before = await contents(out);
    write(root, { "score.mjs": "export function run( {\n" });
    await expect(build()).rejects.toThrow(/^score\.mjs:2:1: Expected/);
    write(root, { "score.mjs": "export function init() {}\n" });
    await expect(build({ noTry: false })).rejects.toThrow("does not have a run() function");
    expect(await contents(out)).toEqual(before);
    expect(beside(out)).toEqual([]);
  });

  test("is refused where the build needs a folder and the user has put a file, and the reverse", async () => {
    const { root, out, build } = await project();
    write(out, { "function/config.json/mine.txt": "mine" });
    write(root, { "config.json": "{}" });
    const before = await contents(out);
    await expect(build()).rejects.toThrow(
      "function/config.json/mine.txt was edited or added by you, and cannot be kept",
    );
    expect(await contents(out)).toEqual(before);
  });
});

test("an app's package holds what the user edited, and nothing that azd keeps secret", async () => {
  const root = tree({ "score.mjs": JS_SCRIPT });
  const options = { entryScript: join(root, "score.mjs"), out: join(root, "build"), noTry: true };
  await buildAzure(options);
  const host = read(options.out, "host.json").replace("00:10:00", "00:09:00");
  write(options.out, { "host.json": host, ".azure/dev/.env": "KEY=s3cr3t\n", "app.zip": "mine" });
  const { kept } = await buildAzure(options);
  expect(kept).toEqual([".azure/dev/.env", "app.zip", "host.json"]);
  // The package is made anew, and the user's own lies where it was.
  expect(read(options.out, "app.zip")).toBe("mine");
  const zipped = await listZip(join(options.out, "app.zip.new"));
  expect(zipped["host.json"]).toBe(host);
  expect(Object.keys(zipped).filter((path) => path.includes(".azure"))).toEqual([]);
  // What func packs itself leaves them out by this list.
  expect(read(options.out, ".funcignore")).toMatch(/^\/\*\.new\n\/\.azure\n/);
});

describe("what is in the way", () => {
  let root: string;
  beforeAll(async () => {
    root = tree({ "score.mjs": JS_SCRIPT, "other/precious.txt": "p" });
    await buildLambda({ entryScript: join(root, "score.mjs"), out: join(root, "old"), noTry: true });
    write(root, {
      "old/model/weights.bin": "w",
      "older/scorefn-build.json": '{"target":"aws-lambda"}',
      "older/a": "a",
    });
    write(root, { "broken/scorefn-build.json": "{", "broken/a": "a" });
    symlinkSync(join(root, "old"), join(root, "link"));
  });

  test.each<[string, (root: string) => Partial<LambdaBuildOptions>, RegExp]>([
    [
      "the model",
      (root) => ({ out: join(root, "old"), modelDir: join(root, "old/model") }),
      /holds the model directory/,
    ],
    [
      "the model itself",
      (root) => ({ out: join(root, "old/model"), modelDir: join(root, "old/model") }),
      /holds the model/,
    ],
    ["the script", (root) => ({ out: root }), /holds the score script/],
    ["a folder above the script", (root) => ({ out: dirname(root) }), /holds the score script/],
    [
      "the model, by a link",
      (root) => ({ out: join(root, "link"), modelDir: join(root, "old/model") }),
      /holds the model/,
    ],
    ["a file", (root) => ({ out: join(root, "score.mjs") }), /is not a folder/],
    ["somebody else's folder", (root) => ({ out: join(root, "other") }), /neither empty nor a build of scorefn/],
    ["a build of another version", (root) => ({ out: join(root, "older") }), /of another version of scorefn/],
    ["a build that is broken", (root) => ({ out: join(root, "broken") }), /cannot be read/],
  ])("%s is refused and stays", async (_what, options, message) => {
    const before = await contents(root);
    await expect(buildLambda({ entryScript: join(root, "score.mjs"), out: "", ...options(root) })).rejects.toThrow(
      message,
    );
    expect(await contents(root)).toEqual(before);
  });

  test("a folder whose name only begins like the build's is not", async () => {
    const root = tree({ "builder/score.mjs": JS_SCRIPT, "build-model/w.bin": "w" });
    const options = { entryScript: join(root, "builder/score.mjs"), modelDir: join(root, "build-model"), noTry: true };
    await buildLambda({ ...options, out: join(root, "build") });
    await buildAzure({ ...options, out: join(root, "bui") });
    expect(readdirSync(root).sort()).toEqual(["bui", "build", "build-model", "builder"]);
  });

  test("a build may lie in the model directory, and is not part of it", async () => {
    const root = tree({ "score.mjs": JS_SCRIPT, "w.bin": "w" });
    const options = { entryScript: join(root, "score.mjs"), modelDir: root, out: join(root, "build"), noTry: true };
    await buildLambda(options);
    await buildLambda(options);
    expect(readdirSync(join(root, "build/function/model")).sort()).toEqual(["score.mjs", "w.bin"]);
  });

  test("a link to the build stays a link", async () => {
    const root = tree({ "score.mjs": JS_SCRIPT });
    mkdirSync(join(root, "disk/build"), { recursive: true });
    symlinkSync(join(root, "disk/build"), join(root, "build"));
    const options = { entryScript: join(root, "score.mjs"), out: join(root, "build"), noTry: true };
    await buildLambda(options);
    await buildLambda({ ...options, timeoutSeconds: 60 });
    expect(readlinkSync(join(root, "build"))).toBe(join(root, "disk/build"));
    expect(read(root, "disk/build/template.yaml")).toMatch(timeout(60));
  });
});

test("two builds into the same folder at a time leave one of them, whole", async () => {
  const { out, build } = await project();
  write(out, { "mine.txt": "mine" });
  const results = await Promise.allSettled([build({ timeoutSeconds: 61 }), build({ timeoutSeconds: 62 })]);
  expect(results.some(({ status }) => status === "fulfilled")).toBe(true);
  expect(read(out, "mine.txt")).toBe("mine");
  expect([61, 62].filter((seconds) => timeout(seconds).test(read(out, "template.yaml")))).toHaveLength(1);
  expect(beside(out)).toEqual([]);
});

test("a build that is interrupted removes what it began", async () => {
  const root = tree({
    "score.mjs":
      "export const init = () => {};\nexport const run = () => 1;\nawait new Promise(() => setInterval(() => {}, 1000));\n",
  });
  const args = [
    "build",
    "--target",
    "aws-lambda",
    "--entry_script",
    join(root, "score.mjs"),
    "--out",
    join(root, "out"),
  ];
  const child = spawn(process.execPath, [packageFile("dist/adapters/cli/scorefn.js"), ...args], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = new Promise((settle) => child.once("exit", settle));
  await until(
    () => existsSync(join(root, readdirSync(root).find((name) => name.startsWith(".out-")) ?? "-", "check")),
    "laid out",
  );
  child.kill("SIGINT");
  expect(await exited).toBe(130);
  expect(readdirSync(root)).toEqual(["score.mjs"]);
});

test("what stands in scorefn-build.json is every file that the build made", async () => {
  const folder = await openOutFolder(join(tree(), "out"));
  write(folder.staging, { "b.txt": "b", "a/a.txt": "" });
  await folder.keepEdits();
  write(folder.staging, { "late.zip": "z" });
  const out = folder.staging.replace(/\.out-building-.*$/, "out");
  await folder.finish({ target: "t", settings: { x: 1 } });
  expect(JSON.parse(read(out, "scorefn-build.json"))).toMatchObject({
    target: "t",
    settings: { x: 1 },
    files: {
      "a/a.txt": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "b.txt": "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
      "late.zip": expect.stringMatching(/^[0-9a-f]{64}$/),
    },
  });
});

/** Texts of a zip, as Python reads it. */
async function listZip(file: string): Promise<Record<string, string>> {
  const { execFileSync } = await import("node:child_process");
  const program =
    "import json, sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; " +
    "print(json.dumps({i.filename: z.read(i).decode('latin-1') for i in z.infolist()}))";
  return JSON.parse(execFileSync("python3", ["-c", program, file], { encoding: "utf8" }));
}
