import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type AppProcess, startAppProcess } from "../../../packaging/azure-functions/app-client.ts";
import { type AzureBuildOptions, buildAzure } from "../../../packaging/azure-functions/build.ts";
import { invokeAzure } from "../../../packaging/azure-functions/invoke.ts";
import type { BuildReport } from "../../../packaging/report.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { preparedNode } from "../../setup/runtimes.ts";
import { SCRIPTS, type TemporaryFolder, temporaryFolder } from "../../setup/service.ts";

const run = promisify(execFile);
const EXAMPLES = packageFile("examples");

/** Bytes of our code and the library together that an app may have: 260 kB. */
const MAX_HOST_BYTES = 260_000;

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));

/** An app that ends with the test. */
async function load(directory: string, node?: string, env: Record<string, string> = {}): Promise<AppProcess> {
  const app = await startAppProcess(directory, { node, env });
  onTestFinished(app.close);
  return app;
}

async function post(app: AppProcess, text: string): Promise<{ status: number; text: string }> {
  const { status, body } = await app.send({ target: "/score", body: Buffer.from(text).toString("base64") });
  return { status, text: Buffer.from(body, "base64").toString() };
}

describe("an app for a TypeScript script", () => {
  let out: string;
  let report: BuildReport;
  beforeAll(async () => {
    out = folder.file("hello");
    await writeScript(folder.file("src/score.ts"), HELLO);
    await writeScript(folder.file("src/lib/words.ts"), WORDS);
    await writeScript(folder.file("model/name.txt"), "model");
    report = await buildAzure({ entryScript: folder.file("src/score.ts"), modelDir: folder.file("model"), out });
  });

  test("its zip has host.json at the root, the entry that package.json names, script and model, and nothing else", async () => {
    const { stdout } = await run("python3", ["-c", LIST_ZIP, join(out, "app.zip")]);
    const files = JSON.parse(stdout) as Record<string, number>;
    expect(Object.keys(files).sort()).toEqual([
      "dist/LICENSES.txt",
      "dist/fetch-model.cjs",
      "dist/index.cjs",
      "dist/index.cjs.map",
      "dist/package.json",
      "dist/telemetry-sdk.cjs",
      "host.json",
      "lib/words.ts",
      "model/name.txt",
      "package.json",
      "score.bundle.mjs",
      "score.bundle.mjs.map",
      "score.ts",
    ]);
    expect(json(join(out, "package.json")).main).toBe("dist/index.cjs");
    expect(files["dist/index.cjs"]).toBe(readFileSync(join(out, "dist/index.cjs")).length);
  });

  test("the same files make the same zip", async () => {
    const again = folder.file("again");
    await buildAzure({ entryScript: folder.file("src/score.ts"), modelDir: folder.file("model"), out: again });
    expect(readFileSync(join(again, "app.zip")).equals(readFileSync(join(out, "app.zip")))).toBe(true);
  });

  test("host.json has no prefix and no extension bundle", () => {
    const host = json(join(out, "host.json"));
    expect(host).toMatchObject({ version: "2.0", extensions: { http: { routePrefix: "" } } });
    expect(host.extensionBundle).toBeUndefined();
  });

  test("our code and the library keep to their size", () => {
    const size = report.sizes.find(({ name }) => name === "host and library");
    expect(size?.bytes).toBeGreaterThan(0);
    expect(size?.bytes).toBeLessThanOrEqual(MAX_HOST_BYTES);
  });

  test("what to do next is said", () => {
    expect(report.notes.join("\n")).toMatch(/scorefn invoke .*\n.*func start\n.*azd up\n.*--no-build\n.*config-zip/);
  });

  test("it answers from any folder it is copied to, with its model", async () => {
    const copy = folder.file("elsewhere");
    await cp(out, copy, { recursive: true });
    const app = await load(copy);
    expect(app.loaded.functions.map(({ name }) => name)).toEqual([
      "warmup",
      "liveness",
      "readiness",
      "score",
      "swagger",
    ]);
    expect(await post(app, "Ada")).toEqual({ status: 200, text: '"Hello, Ada, from model in elsewhere"' });
  });

  test("an error is located in the source", async () => {
    const app = await load(out);
    const { status, text } = await post(app, "fail");
    expect(status).toBe(500);
    expect(JSON.parse(text).error.location).toMatchObject({
      file: "score.ts",
      line: 12,
      source: 'if (data === "fail") throw new RangeError("asked to");',
    });
  });

  test("a promise that a script forgets does not end the app", async () => {
    const app = await load(out);
    await post(app, "forget");
    expect((await post(app, "Ada")).status).toBe(200);
    expect(app.output()).toContain("Unhandled rejection: Error: forgotten");
  });

  test("an error is not told where only the cloud's settings are", async () => {
    const app = await load(out, undefined, { SCOREFN_ERROR_DETAIL: "" });
    const { text } = await post(app, "fail");
    expect(Object.keys(JSON.parse(text))).toEqual(["message"]);
  });

  // Each has to be downloaded.
  test.runIf(process.env.CI === "true").for([22, 24] as const)(
    "it runs on Node %i",
    { timeout: 300_000 },
    async (version) => {
      const app = await load(out, await preparedNode(version));
      expect((await post(app, "Ada")).status).toBe(200);
      const streamed = await post(app, "stream");
      expect(streamed).toEqual({ status: 200, text: "onetwo" });
    },
  );

  test("invoke prints the answer and what it took", async () => {
    const printed = { out: "", error: "" };
    const code = await invokeAzure({
      directory: out,
      data: "Ada",
      write: (text) => {
        printed.out += text;
      },
      writeError: (text) => {
        printed.error += text;
      },
    });
    expect(code).toBe(0);
    expect(printed.out).toBe('"Hello, Ada, from model in hello"\n');
    expect(printed.error).toMatch(
      /Found user script[\s\S]*status +200\ncold start +[\d.]+ ms \(entry module [\s\S]*duration +[\d.]+ ms\nmemory +[\d.]+ MB\n/,
    );
  });
});

describe("an app for a Python script", () => {
  test("the container's app runs the script in a worker, and its errors are located", async () => {
    const out = folder.file("python");
    await buildAzure({
      entryScript: join(EXAMPLES, "regression/score.py"),
      modelDir: join(EXAMPLES, "regression/model"),
      out,
    });
    expect(readFileSync(join(out, "Dockerfile"), "utf8")).toContain("SCOREFN_PYTHON=");
    expect(readFileSync(join(out, "azure.yaml"), "utf8")).toContain("host: containerapp");
    for (const file of ["main.bicep", "app.bicep", "model-access.bicep", "main.parameters.json"]) {
      expect(existsSync(join(out, "infra", file)), file).toBe(true);
    }
    const app = await load(out);
    expect((await post(app, readFileSync(join(EXAMPLES, "regression/sample-request.json"), "utf8"))).status).toBe(200);
    const failed = await post(app, '{"data": [["x"]]}');
    expect(JSON.parse(failed.text).error.location.file).toBe("score.py");
  });
});

describe("a custom handler", () => {
  test("has the files the host looks for", async () => {
    const out = folder.file("handler");
    await buildAzure({
      entryScript: join(SCRIPTS, "echo.py"),
      out,
      template: "custom-handler",
      authLevel: "anonymous",
    });
    expect(json(join(out, "host.json")).customHandler).toEqual({
      description: { defaultExecutablePath: "node", arguments: ["dist/server.mjs"] },
      enableProxyingHttpRequest: true,
    });
    expect(json(join(out, "all/function.json")).bindings[0]).toMatchObject({
      route: "{*path}",
      authLevel: "anonymous",
    });
    expect(json(join(out, "local.settings.json")).Values.FUNCTIONS_WORKER_RUNTIME).toBe("custom");
    expect(readFileSync(join(out, "Dockerfile"), "utf8")).toContain("FUNCTIONS_WORKER_RUNTIME=custom");
  });
});

test("the app's name is one that azd takes, however long the folder's is", async () => {
  const script = folder.file(`${"a-folder-with-a-long-name-".repeat(4)}/score.mjs`);
  await writeScript(script, "export function init() {}\nexport function run() {}\n");
  const out = folder.file("long");
  await buildAzure({ entryScript: script, out, noTry: true });
  expect(json(join(out, "package.json")).name).toMatch(/^scorefn-[a-z0-9-]{1,31}[a-z0-9]$/);
});

describe("what cannot be built is said", () => {
  const script = join(EXAMPLES, "hello-ts/score.ts");
  test.for([
    ["no script", { entryScript: "no_such.ts" }, "check --entry_script"],
    ["no model", { entryScript: script, modelDir: "no_such" }, "check --model_dir"],
    ["Python in a zip", { entryScript: join(EXAMPLES, "regression/score.py"), template: "code" }, "brings no Python"],
    ["a Node that is not there", { entryScript: script, node: 20 }, "choose 22 or 24"],
    ["instances that are not there", { entryScript: script, memoryMb: 1_024 }, "512, 2048 or 4096"],
    ["a key where the app has a setting", { entryScript: script, authLevel: "admin" }, "--auth_level has no effect"],
    [
      "a processor of an image that docker chooses",
      { entryScript: join(EXAMPLES, "regression/score.py"), arch: "arm64" },
      "--arch has no effect",
    ],
    [
      "a folder that holds the script",
      { entryScript: script, out: join(EXAMPLES, "hello-ts") },
      "holds the score script",
    ],
    ["a folder of somebody else's", { entryScript: script, out: EXAMPLES }, "choose another folder"],
  ] as [string, Partial<AzureBuildOptions> & Pick<AzureBuildOptions, "entryScript">, string][])(
    "%s",
    async ([, options, words]) => {
      await expect(buildAzure({ out: folder.file("refused"), ...options })).rejects.toThrow(words);
    },
  );

  test("a script that does not compile, with the place", async () => {
    const entryScript = folder.file("broken.ts");
    await writeFile(entryScript, "export function run( {\n");
    await expect(buildAzure({ entryScript, out: folder.file("refused") })).rejects.toThrow(/^broken\.ts:\d+:\d+: /);
  });
});

describe("the package's own folder", () => {
  test("is a function app that serves the regression example", async () => {
    const app = await load(packageFile("."));
    const request = await readFile(join(EXAMPLES, "regression/sample-request.json"), "utf8");
    expect((await post(app, request)).text).toMatch(/^\[206\.1\d+, 68\.0\d+\]$/);
  });
});

async function writeScript(path: string, text: string): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, text);
}

const HELLO = `import { basename, dirname } from "node:path";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { greet } from "./lib/words.ts";

const place: string = await Promise.resolve(basename(dirname(fileURLToPath(import.meta.url))));
let model: string;
export async function init(): Promise<void> { model = await readFile(\`\${process.env.AZUREML_MODEL_DIR}/name.txt\`, "utf8"); }
export function run(data: string): unknown {
  if (data === "stream") return words();
  if (data === "forget") void Promise.reject(new Error("forgotten"));
  if (data === "fail") throw new RangeError("asked to");
  return \`\${greet(data)}, from \${model} in \${place}\`;
}
async function* words() { yield* ["one", "two"]; }
`;
const WORDS = 'export const greet = (name: string): string => ["Hello", name].join(", ");\n';

const LIST_ZIP = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as file:
    assert file.testzip() is None
    print(json.dumps({entry.filename: entry.file_size for entry in file.infolist()}))
`;
