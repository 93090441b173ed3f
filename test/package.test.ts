// What is published: built from nothing, packed, installed.
import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../src/core/package-root.ts";
import { preparedYarn } from "./setup/runtimes.ts";
import { freePort, startServer } from "./setup/server.ts";

const SETUP_MS = 10 * 60_000;
const run = promisify(execFile);
const WINDOWS = process.platform === "win32";
const folder = mkdtempSync(join(tmpdir(), "scorefn-package-"));
const checkout = join(folder, "checkout");
const installed = join(folder, "installed");
const tarball = join(folder, "scorefn.tgz");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SOURCES = ["src", "endpoint", "adapters", "packaging", "check", "templates", "functions", "python", "docs"];
const PAGE = "dist/endpoint/page/static/";
const FILES = [
  "bundles.mjs",
  "unused.mjs",
  "package.json",
  "tsconfig.json",
  "tsconfig.build.json",
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
];

beforeAll(async () => {
  mkdirSync(join(checkout, "dist/src"), { recursive: true });
  for (const name of [...SOURCES, ...FILES]) cpSync(packageFile(name), join(checkout, name), { recursive: true });
  symlinkSync(packageFile("node_modules"), join(checkout, "node_modules"), "junction");
  for (const stale of ["dist/gone.js", "dist/src/index.js.map"]) writeFileSync(join(checkout, stale), "");
  await run("npm", ["run", "build"], { cwd: checkout, shell: WINDOWS });
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    cwd: checkout,
    shell: WINDOWS,
  });
  cpSync(join(folder, JSON.parse(stdout)[0].filename), tarball);
  mkdirSync(installed);
  await run("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
}, SETUP_MS);

const filesOf = (root: string): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));

/** 1.5 MB. */
const MAX_BYTES = 1_500_000;

describe("the package", () => {
  test("is small, and holds neither parts of bundles nor types that nobody can import", () => {
    expect(statSync(tarball).size).toBeLessThan(MAX_BYTES);
    const files = filesOf(installed);
    const delivery = files.filter((file) => /^dist\/src\/telemetry\/app-insights-(?:delivery|rows)\.js$/.test(file));
    expect(delivery).toEqual([]);
    const types = files.filter((file) => file.startsWith("dist/") && file.endsWith(".d.ts"));
    expect(types).toContain("dist/src/index.d.ts");
    // All that one of them needs is there.
    const missing = types.flatMap((file) =>
      [
        ...readFileSync(join(installed, file), "utf8")
          .replaceAll(/\/\*.*?\*\//gs, "")
          .matchAll(/(?:from|import\()\s*"(\.[^"]+)\.[jt]s"/g),
      ]
        .map(([, to]) => `${join(dirname(file), to!).replaceAll("\\", "/")}.d.ts`)
        .filter((other) => !files.includes(other)),
    );
    expect(missing).toEqual([]);
  });

  test("holds what was built of today's sources, and nothing older", () => {
    const files = filesOf(installed);
    expect(files).toContain("dist/adapters/cli/scorefn.js");
    expect(files).toContain("python/worker.py");
    // As the page stands, and the library that it loads.
    const page = readdirSync(packageFile("endpoint/page/static")).filter((file) => !/\.(?:d\.ts|json)$/.test(file));
    const library = ["uplot.js", "uplot.css"];
    expect(files.filter((file) => file.startsWith(PAGE)).sort()).toEqual(
      [...page, ...library].map((file) => PAGE + file).sort(),
    );
    expect(files.filter((file) => file.includes("gone") || file.includes("__pycache__"))).toEqual([]);
    const sources = files
      .filter((file) => /^dist\/.*\.[cm]?js$/.test(file) && !file.startsWith(PAGE))
      .map((file) => file.slice("dist/".length).replace(/js$/, "ts"));
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.filter((file) => !existsSync(packageFile(file)))).toEqual([]);
  });

  test("holds the library that writes metrics as one file", async () => {
    const bundle = join(installed, "dist/src/metrics/prom.js");
    const specifiers = [...readFileSync(bundle, "utf8").matchAll(/(?:require\(|from\s*|import\()"([^"]+)"/g)];
    expect(specifiers.map(([, name]) => name!.replace("node:", "")).filter((name) => !isBuiltin(name))).toEqual([]);
    const { Registry } = await import(pathToFileURL(bundle).href);
    expect(await new Registry().metrics()).toBe("\n");
    const { dependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    expect(Object.keys(dependencies)).not.toContain("prom-client");
  });

  test("has the licences of the libraries in it, each text once", () => {
    const licences = readFileSync(join(installed, "dist/LICENSES.txt"), "utf8");
    for (const name of [
      ...["prom-client", "@opentelemetry/api", "tdigest", "bintrees", "@azure/monitor-opentelemetry-exporter"],
      ...["@jmespath-community/jmespath", "swagger-ui-dist", "uplot", "ajv-draft-04"],
    ]) {
      expect(licences).toMatch(new RegExp(`^${name} [\\d.]+(?:-beta\\.\\d+)?(?:, git:\\S+)?$`, "m"));
    }
    expect(licences).toContain("Copyright 2020-2021 SmartBear Software Inc.");
    for (const title of [/^ *Apache License$/gm, /^Mozilla Public License Version 2\.0$/gm]) {
      expect(licences.match(title)?.length, String(title)).toBeLessThanOrEqual(2);
    }
    expect(filesOf(installed).filter((file) => file.endsWith("LICENSES.txt"))).toEqual(["dist/LICENSES.txt"]);
  });

  test("has no source map, and nothing that asks for one", () => {
    const files = filesOf(installed);
    expect(files.filter((file) => file.endsWith(".map"))).toEqual([]);
    const asking = files.filter((file) =>
      /^\/\/# sourceMappingURL=/m.test(readFileSync(join(installed, file), "utf8")),
    );
    expect(asking).toEqual([]);
  });

  test("has the documents, whose links to each other lead somewhere", () => {
    const documents = filesOf(join(installed, "docs")).map((file) => join("docs", file));
    expect(documents).toContain(join("docs", "configuration.md"));
    const broken = documents.flatMap((file) => {
      const text = readFileSync(join(installed, file), "utf8");
      // Pictures stay at home: they would be a good part of the package.
      const links = [...text.matchAll(/(?<!!\[[^\]]*)\]\((?!https?:)([\w./-]+)(?:#[^)]*)?\)/g)].map(([, target]) =>
        join(dirname(file), target!),
      );
      return links.filter((link) => link.startsWith("docs") && !existsSync(join(installed, link)));
    });
    expect(broken).toEqual([]);
  });

  test("brings none of the packages that fetch models", () => {
    const { dependencies, peerDependenciesMeta, peerDependencies } = JSON.parse(
      readFileSync(join(installed, "package.json"), "utf8"),
    );
    for (const name of Object.keys(peerDependencies)) {
      expect(peerDependenciesMeta[name]).toEqual({ optional: true });
      expect(dependencies).not.toHaveProperty(name);
    }
  });
});

const SCRIPTS = {
  "score.py": "def init():\n    pass\n\ndef run(data):\n    return {'python': data}\n",
  "score.ts":
    "export const init = (): void => {};\nexport const run = (data: string): unknown => ({ typescript: data });\n",
};

test(
  "Yarn's Plug'n'Play installs it so that it runs scripts of both languages",
  async () => {
    const { program, cache } = await preparedYarn();
    const app = mkdtempSync(join(folder, "app-"));
    for (const [name, text] of Object.entries(SCRIPTS)) writeFileSync(join(app, name), text);
    writeFileSync(join(app, "package.json"), '{"name":"app","private":true}\n');
    writeFileSync(join(app, "yarn.lock"), "");
    cpSync(tarball, join(app, "scorefn.tgz"));
    const env = {
      ...process.env,
      YARN_ENABLE_TELEMETRY: "0",
      YARN_GLOBAL_FOLDER: cache,
      YARN_ENABLE_IMMUTABLE_INSTALLS: "0",
    };
    await run(process.execPath, [program, "add", "./scorefn.tgz"], { cwd: app, env });
    expect(existsSync(join(app, "node_modules"))).toBe(false);
    for (const [script, language] of [
      ["score.py", "python"],
      ["score.ts", "typescript"],
    ] as const) {
      const port = await freePort();
      const args = [program, "scorefn", "serve", "--entry_script", script, "--port", String(port)];
      const server = startServer({ command: process.execPath, args, cwd: app, env, port });
      await server.waitReady();
      const answer = await fetch(`${server.url}/score`, { method: "POST", body: "{}" });
      expect(await answer.json()).toEqual({ [language]: "{}" });
      await server.stop();
    }
  },
  SETUP_MS,
);

describe("scorefn serve", () => {
  test.each([
    ["score.py", ["argparse"]],
    ["score.ts", ["argparse", "esbuild"]],
  ])("of %s loads no package but those it needs", async (script, needed) => {
    const app = mkdtempSync(join(folder, "app-"));
    for (const [name, text] of Object.entries(SCRIPTS)) writeFileSync(join(app, name), text);
    // Tells of every module that Node loads, in the server and in its workers.
    const seen = join(app, "seen.txt");
    const hooks = `
      import { appendFileSync } from "node:fs";
      export const load = (url, context, next) => { appendFileSync(${JSON.stringify(seen)}, url + "\\n"); return next(url, context); };`;
    writeFileSync(join(app, "hooks.mjs"), hooks);
    writeFileSync(
      join(app, "register.mjs"),
      'import { register } from "node:module"; register("./hooks.mjs", import.meta.url);',
    );
    const port = await freePort();
    const env = { ...process.env, NODE_OPTIONS: `--import=${pathToFileURL(join(app, "register.mjs"))}` };
    const cli = packageFile("dist/adapters/cli/scorefn.js");
    const args = [cli, "serve", "--entry_script", script, "--port", String(port)];
    const server = startServer({ command: process.execPath, args, cwd: app, env, port });
    onTestFinished(async () => void (await server.stop()));
    await server.waitReady();
    const answer = await fetch(`${server.url}/score`, { method: "POST", body: "{}" });
    expect(answer.status).toBe(200);
    const urls = readFileSync(seen, "utf8").split("\n");
    const packages = urls.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []);
    expect([...new Set(packages)].filter((name) => !needed.includes(name))).toEqual([]);
    expect(urls.some((url) => url.includes("/dist/adapters/http/"))).toBe(true);
    expect(urls.filter((url) => url.endsWith("/metrics/prom.js"))).toEqual([]);
    expect(
      urls.filter((url) =>
        /\/dist\/(?:packaging\/(?!targets\.js|aws-lambda\/limits\.js)|src\/model\/fetch|src\/model\/(?:s3|blob))/.test(
          url,
        ),
      ),
    ).toEqual([]);
  });
});
