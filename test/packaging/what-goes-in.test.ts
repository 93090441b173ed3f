// Which files of the user's become part of a build, and as what.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildLambda } from "../../packaging/aws-lambda/build.ts";
import { buildAzure } from "../../packaging/azure-functions/build.ts";
import { listFiles } from "../../packaging/paths.ts";
import { type BuildReport, formatReport } from "../../packaging/report.ts";
import { contents, JS_SCRIPT, PYTHON_SCRIPT, read, type Tree, tree, write } from "./tree.ts";

/** Both clouds' builds of a Python script, and where the script's folder is in them. */
const BUILDS = [
  ["aws-lambda", buildLambda, "function"],
  ["azure-functions", buildAzure, ""],
] as const;

async function build(make: (typeof BUILDS)[number][1], files: Tree, model?: Tree): Promise<BuildReport> {
  const root = tree({ "score.py": PYTHON_SCRIPT, ...files });
  const modelDir = model === undefined ? undefined : tree(model);
  return make({ entryScript: join(root, "score.py"), modelDir, out: join(tree(), "out"), noTry: true });
}

const SECRETS = [
  ...[".env", ".env.production", "prod.env", ".aws/credentials", ".azure/accessTokens.json", ".ssh/id_ed25519"],
  ...[
    "server.pem",
    "tls/private.KEY",
    "id_rsa",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".docker/config.json",
    "a.p12",
    "b.pfx",
  ],
  ...["credentials.json", "credentials-prod.json", "service-account.json", "service_account_key.json"],
  ...["local.settings.json", ".git-credentials", "deep/er/.env", "terraform.tfstate"],
];
const TRASH = [
  ...[".git/config", ".hg/store", ".svn/entries", "__pycache__/score.cpython-311.pyc", "lib/x.pyc", ".mypy_cache/a"],
  ...[".venv/bin/python", "my-env/pyvenv.cfg", "my-env/lib/x.py", "node_modules/x/index.js", "old/scorefn-build.json"],
];

describe.each(BUILDS)("a build for %s", (_name, make, place) => {
  test("holds no credentials, no history, no environment, and says what it left out", async () => {
    const all = Object.fromEntries([...SECRETS, ...TRASH].map((path) => [path, "s3cr3t-marker"]));
    const report = await build(
      make,
      { ...all, "labels.txt": "kept", "lib/words.py": "" },
      { ...all, "model.bin": "m" },
    );
    const found = await contents(report.directory);
    const marker = Buffer.from("s3cr3t-marker").toString("base64");
    expect(Object.entries(found).filter(([, content]) => content === marker)).toEqual([]);
    for (const path of ["labels.txt", "lib/words.py", "score.py", "model/model.bin"]) {
      expect(Object.keys(found)).toContain(place === "" ? path : `${place}/${path}`);
    }
    const left = report.leftOut.map(({ path }) => path);
    for (const path of [".env", ".aws/", "server.pem", "id_rsa", ".git/", "my-env/", "old/", "model_dir/.env"]) {
      expect(left).toContain(path);
    }
    expect(formatReport(report)).toMatch(/left out: {3}.*\.env.*\(may hold credentials\)/);
    expect(formatReport(report)).toMatch(/left out: {3}.*\.git\/.*\(version control\)/);
  });

  test("leaves out what an ignore file of the user's names, and takes what it asks for", async () => {
    const report = await build(make, {
      ".scorefnignore": "notebooks/\n*.csv\n!keep.csv\n!ca.pem\n",
      "notebooks/a.ipynb": "",
      "data.csv": "",
      "keep.csv": "",
      "ca.pem": "",
      ".dockerignore": "docs\n*.md\n",
      "docs/a.txt": "",
      "README.md": "",
      "lib/notes.md": "",
    });
    const files = await listFiles(join(report.directory, place));
    expect(files).toEqual(expect.arrayContaining(["keep.csv", "ca.pem", "lib/notes.md"]));
    for (const path of ["notebooks/a.ipynb", "data.csv", "docs/a.txt", "README.md", ".scorefnignore"]) {
      expect(files).not.toContain(path);
    }
  });

  test("can be read by everybody", async () => {
    const root = tree({ "score.py": PYTHON_SCRIPT, "data/secret.txt": "x", "tool.sh": "#!/bin/sh" });
    const modelDir = tree({ "deep/model.bin": "m" });
    chmodSync(join(root, "score.py"), 0o600);
    chmodSync(join(root, "data/secret.txt"), 0o400);
    chmodSync(join(root, "data"), 0o700);
    chmodSync(join(root, "tool.sh"), 0o700);
    chmodSync(join(modelDir, "deep/model.bin"), 0o600);
    chmodSync(join(modelDir, "deep"), 0o700);
    const { directory } = await make({
      entryScript: join(root, "score.py"),
      modelDir,
      out: join(tree(), "o"),
      noTry: true,
    });
    const mode = (path: string): string => (statSync(join(directory, place, path)).mode & 0o777).toString(8);
    expect(["score.py", "data/secret.txt", "model/deep/model.bin"].map(mode)).toEqual(["644", "644", "644"]);
    expect(["tool.sh", "data", "model/deep", "."].map(mode)).toEqual(["755", "755", "755", "755"]);
    expect((statSync(directory).mode & 0o777).toString(8)).toBe("755");
  });

  test("follows links, and tells those it cannot follow", async () => {
    const elsewhere = tree({ "weights/w.bin": "w", "keys/.ssh/config": "s3cr3t" });
    const root = tree({ "score.py": PYTHON_SCRIPT, "data/real.txt": "r" });
    symlinkSync(join(elsewhere, "weights"), join(root, "weights"));
    symlinkSync("data/real.txt", join(root, "alias.txt"));
    symlinkSync("nowhere", join(root, "broken"));
    symlinkSync("..", join(root, "data/loop"));
    symlinkSync(join(elsewhere, "keys/.ssh/config"), join(root, "harmless.txt"));
    const { directory, leftOut } = await make({
      entryScript: join(root, "score.py"),
      out: join(tree(), "o"),
      noTry: true,
    });
    expect(read(directory, join(place, "weights/w.bin"))).toBe("w");
    expect(read(directory, join(place, "alias.txt"))).toBe("r");
    expect(existsSync(join(directory, place, "harmless.txt"))).toBe(false);
    expect(leftOut).toEqual(
      expect.arrayContaining([
        { path: "broken", why: "a link that leads nowhere" },
        { path: "data/loop/", why: "a link to a folder that holds it" },
        { path: "harmless.txt", why: "may hold credentials" },
      ]),
    );
  });

  test("has a Dockerfile of its own, and says so when the user has one, too", async () => {
    const { directory, leftOut } = await build(make, { Dockerfile: "FROM mine" });
    expect(read(directory, join(place, "Dockerfile"))).not.toContain("mine");
    expect(leftOut).toContainEqual({ path: "Dockerfile", why: "the build has its own, which you may edit" });
  });

  test("gives way to a package of the script's that is called model", async () => {
    const { directory } = await build(make, { "model/__init__.py": "NET = 1\n" }, { "model.bin": "m" });
    expect(read(directory, join(place, "model/__init__.py"))).toBe("NET = 1\n");
    expect(read(directory, join(place, "scorefn-model/model.bin"))).toBe("m");
    const host = place === "" ? "dist/index.cjs" : "function/scorefn/host.mjs";
    expect(read(directory, host)).toContain('"scorefn-model"');
  });

  test("of the same input has the same bytes, wherever it is made and whatever else differs", async () => {
    // Names are made from the folder of the script.
    const files = { "app/score.py": PYTHON_SCRIPT, "app/b/b.py": "B = 1\n", "app/a.txt": "a" };
    const [one, other] = [tree(files), tree(files)];
    chmodSync(join(other, "app/a.txt"), 0o600);
    const model = { "model.bin": "m" };
    const builds = [
      { entryScript: join(one, "app/score.py"), modelDir: tree(model), out: join(tree(), "one") },
      { entryScript: join(other, "app/score.py"), modelDir: tree(model), out: join(other, "build/two") },
    ];
    const [here, there] = [
      await contents((await make(builds[0]!)).directory),
      await contents((await make(builds[1]!)).directory),
    ];
    expect(there).toEqual(here);
  });

  test("takes neither itself along nor another build, nor what an interrupted one left", async () => {
    const root = tree({ "score.py": PYTHON_SCRIPT, "build/.x-building-abc/scorefn-build.json": "{}" });
    const options = { entryScript: join(root, "score.py"), noTry: true };
    await buildLambda({ ...options, out: join(root, "build/lambda") });
    await buildAzure({ ...options, out: join(root, "build/azure") });
    const { directory } = await make({ ...options, out: join(root, "build/again") });
    expect((await listFiles(directory)).filter((path) => path.includes("build/"))).toEqual([]);
    expect(readdirSync(join(root, "build")).sort()).toEqual([".x-building-abc", "again", "azure", "lambda"]);
  });
});

describe("names that the build needs", () => {
  test("a folder scorefn beside the script is fine, as long as no file is in the way", async () => {
    const { directory } = await build(buildLambda, { "scorefn/tools.py": "X = 1\n" });
    expect(read(directory, "function/scorefn/tools.py")).toBe("X = 1\n");
    expect(existsSync(join(directory, "function/scorefn/host.mjs"))).toBe(true);
  });

  test.each([
    [buildLambda, "scorefn/package.json", "scorefn/package.json, which the build needs; rename it"],
    [buildLambda, "index.mjs", "index.mjs, which the build needs; rename it"],
    [buildLambda, "scorefn/python/worker.py", "where scorefn has a file of its own; rename it"],
    [buildAzure, "dist/index.cjs", "dist/index.cjs, which the build needs; rename it"],
    [buildAzure, "dist/python", "where scorefn has a file of its own; rename it"],
  ])("%o refuses %s", async (make, path, message) => {
    await expect(build(make, { [path]: "" })).rejects.toThrow(message);
  });

  test("a host.json of the user's is not taken for the build's", async () => {
    const { directory, leftOut } = await build(buildAzure, { "host.json": "{}", "azure.yaml": "" });
    expect(JSON.parse(read(directory, "host.json")).version).toBe("2.0");
    expect(leftOut.map(({ path }) => path)).toEqual(["azure.yaml", "host.json"]);
  });

  test("a module of a TypeScript script may lie in a folder called like ours", async () => {
    const root = tree({
      "score.ts":
        'import { a } from "./scorefn/host.mjs";\nimport { b } from "../lib/b.ts";\nimport { c } from "./lib/b.ts";\nexport const init = () => {};\nexport const run = () => a() + b() + c();\n',
      "scorefn/host.mjs": "export const a = () => 1;\n",
      "lib/b.ts": "export const c = () => 3;\n",
    });
    const nested = tree();
    write(nested, { "lib/b.ts": "export const b = () => 2;\n" });
    for (const path of ["score.ts", "scorefn/host.mjs", "lib/b.ts"])
      write(nested, { [`app/${path}`]: read(root, path) });
    const out = join(tree(), "o");
    await buildLambda({ entryScript: join(nested, "app/score.ts"), out });
    expect(await listFiles(join(out, "function"))).toEqual(
      expect.arrayContaining(["_/scorefn/host.mjs", "_/lib/b.ts", "lib/b.ts", "scorefn/host.mjs"]),
    );
  });
});

test("a script that imports a file of credentials is refused", async () => {
  const root = tree({
    "score.ts":
      'import key from "./service-account.json";\nexport const init = () => {};\nexport const run = () => key;\n',
    "service-account.json": "{}",
  });
  const options = { entryScript: join(root, "score.ts"), out: join(tree(), "o") };
  await expect(buildLambda(options)).rejects.toThrow(/imports .*service-account\.json, which by its name may hold/);
  write(root, { ".scorefnignore": "!service-account.json\n" });
  await buildLambda(options);
});

test("what is too large is refused before anything is copied", async () => {
  const root = tree({ "score.mjs": JS_SCRIPT });
  const modelDir = tree({ "weights.bin": "" });
  // A hole: a terabyte that no disk could take.
  truncateSync(join(modelDir, "weights.bin"), 1_000_000_000_000);
  const out = join(tree(), "build");
  await expect(buildLambda({ entryScript: join(root, "score.mjs"), modelDir, out })).rejects.toThrow(
    /function, unzipped: 1000\.00 GB, and the cloud takes 262\.1 MB; load the model from S3/,
  );
  expect(existsSync(out)).toBe(false);
});

test("a pipe is not waited for", async () => {
  const { execFileSync } = await import("node:child_process");
  const root = tree({ "score.py": PYTHON_SCRIPT });
  execFileSync("mkfifo", [join(root, "pipe")]);
  mkdirSync(join(root, "empty"));
  writeFileSync(join(root, "name with spaces ü.txt"), "x");
  const { leftOut, directory } = await buildLambda({
    entryScript: join(root, "score.py"),
    out: join(tree(), "o"),
    noTry: true,
  });
  expect(leftOut).toEqual([{ path: "pipe", why: "not a file" }]);
  expect(existsSync(join(directory, "function/name with spaces ü.txt"))).toBe(true);
});
