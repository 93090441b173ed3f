// Environments are made once, whole or not at all.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeEnvironment } from "../../../endpoint/assets/environment.ts";
import { conda, type Machine, machine, STANDS_FOR_CONDA, STANDS_STILL } from "./machine.ts";
import { failureOf, make, never, recipeFor } from "./making.ts";

const imports = (python: string, name: string): string =>
  execFileSync(python, ["-c", `import sys, ${name}; print(${name}.__version__, sys.prefix)`], {
    encoding: "utf8",
  }).trim();
/** What the cache holds of an environment. */
const kept = (on: Machine): string[] =>
  readdirSync(on.cache)
    .flatMap((key) => readdirSync(join(on.cache, key)))
    .sort();

describe("with uv", () => {
  test("the packages are there, the second time at once, and other content gets another", async () => {
    const on = machine();
    const { python, lines } = await make("dependencies: [{pip: ['six==1.16.0']}]", on);
    expect(imports(python, "six")).toMatch(/^1\.16\.0 /);
    expect(lines[0]).toMatch(
      /^making an environment for Python 3\.\d+ with uv for \S+conda\.yml: six==1\.16\.0 \.\.\.$/,
    );
    expect(lines.at(-1)).toMatch(/^the environment is ready after \d+\.\d s$/);
    const again = await make("name: other\ndependencies: [{pip: ['six==1.16.0']}]", on);
    expect(again).toMatchObject({ python, lines: [expect.stringContaining("exists already")] });
    const other = await make("dependencies: [{pip: ['six==1.17.0']}]", on);
    expect(imports(other.python, "six")).toMatch(/^1\.17\.0 /);
    expect(imports(python, "six")).toMatch(/^1\.16\.0 /);
  });

  test("one whose Python is gone is made anew", async () => {
    const on = machine();
    const first = await make("dependencies: []", on);
    rmSync(first.python);
    const second = await make("dependencies: []", on);
    expect(second.python).not.toBe(first.python);
    expect(existsSync(second.python)).toBe(true);
    expect(kept(on)).toHaveLength(2);
  });

  test.each([
    ["six==99", '"six==99" cannot be installed: '],
    ["no_package-of.anybody-4711>=1", '"no_package-of.anybody-4711>=1" cannot be installed: '],
  ])("%s is named when it cannot be had, and nothing is left", async (line, reason) => {
    const on = machine();
    const message = await failureOf(make(`dependencies: [toolz, {pip: ['${line}']}]`, on));
    expect(message).toMatch(/^the environment of \S+conda\.yml could not be made: /);
    expect(message).toContain(reason);
    expect(message.endsWith("; name another")).toBe(true);
    expect(kept(on)).toEqual([]);
    await make("dependencies: [toolz]", on);
  });

  test("passwords of an index do not show", async () => {
    const on = machine();
    const lines: string[] = [];
    const index = "--index-url http://me:pass-word@127.0.0.1:9/simple";
    const recipe = await recipeFor(`dependencies: [{pip: ['${index}', six]}]`, on);
    const env = { ...on.env, UV_HTTP_RETRIES: "0", UV_HTTP_TIMEOUT: "5" };
    const options = { cacheFolder: on.cache, env, cure: "", progress: (line: string) => lines.push(line) };
    const message = await failureOf(makeEnvironment(recipe, options, never));
    expect([message, ...lines].join("\n")).not.toContain("pass-word");
  });
});

test("without uv, venv and pip do it", async () => {
  const on = machine({ uv: false });
  const { python, lines } = await make("dependencies: [{pip: ['six==1.16.0']}]", on);
  expect(imports(python, "six")).toMatch(/^1\.16\.0 /);
  expect(lines.some((line) => line.startsWith("Successfully installed six-1.16.0"))).toBe(true);
});

describe("a program that stands for micromamba", () => {
  test("is asked for what the file says", async () => {
    const on = conda(STANDS_FOR_CONDA);
    const { python, lines } = await make("channels: [c]\ndependencies: [numpy, {pip: [six, azureml-defaults]}]", on);
    const [asked] = readFileSync(join(on.bin, "asked"), "utf8").split("\n");
    const prefix = join(python, "../..");
    expect(asked).toBe(`create --yes --prefix ${prefix} --file ${join(prefix, "../conda.yml")}`);
    const file = JSON.parse(readFileSync(join(on.bin, "conda.json"), "utf8"));
    expect(file).toEqual({ channels: ["c"], dependencies: ["python>=3.9", "numpy", "pip", { pip: ["six"] }] });
    expect(lines).toContain("Linking packages ...");
    expect(lines).toContain("azureml-defaults is left out: it brings a server, and scorefn is one");
  });

  test("works once for many at a time", async () => {
    const on = conda(STANDS_FOR_CONDA);
    const made = await Promise.all(Array.from({ length: 4 }, () => make("dependencies: [numpy]", on)));
    expect(new Set(made.map(({ python }) => python)).size).toBe(1);
    expect(readFileSync(join(on.bin, "asked"), "utf8").trim().split("\n")).toHaveLength(1);
    expect(
      made.flatMap(({ lines }) => lines.filter((line) => line.startsWith("waiting for another process"))),
    ).toHaveLength(3);
  });

  test("that fails, and then works", async () => {
    const flaky = `here=$(dirname "$0"); if [ ! -e "$here/once" ]; then touch "$here/once"; echo "error    libmamba Could not solve"; exit 1; fi\n`;
    const on = conda(flaky + STANDS_FOR_CONDA);
    expect(await failureOf(make("dependencies: [numpy]", on))).toContain("could not be made: ");
    expect(kept(on)).toEqual([]);
    expect(existsSync((await make("dependencies: [numpy]", on)).python)).toBe(true);
  });

  test("that says all is well, and makes nothing", async () => {
    const on = conda("exit 0\n");
    expect(await failureOf(make("dependencies: [numpy]", on))).toContain("its Python does not start");
    expect(kept(on)).toEqual([]);
  });

  test.each([
    ["exit 3\n", "micromamba says nothing"],
    ["kill -9 $$\n", "micromamba says nothing"],
    ["head -c 3000000 /dev/zero | tr '\\0' x; exit 1\n", "xxx…"],
  ])("that ends in another way: %#", async (text, reason) => {
    expect(await failureOf(make("dependencies: [numpy]", conda(text)))).toContain(reason);
  });
});

test("a lock that another process has taken over is waited for", async () => {
  const on = conda(STANDS_STILL);
  const recipe = await recipeFor("dependencies: [numpy]", on);
  const lock = join(on.cache, recipe.key, "lock");
  const lines: string[] = [];
  const progress = (line: string): void => {
    lines.push(line);
    if (line === "Downloading something ...") writeFileSync(lock, "another's");
    if (line.startsWith("waiting")) {
      writeFileSync(join(on.bin, "micromamba"), `#!/bin/sh\n${STANDS_FOR_CONDA}`);
      rmSync(lock);
    }
  };
  const options = { cacheFolder: on.cache, env: on.env, cure: "", progress };
  expect(existsSync(await makeEnvironment(recipe, options, never))).toBe(true);
  expect(lines).toContain("another process has taken over, because this one stood still");
  const [pid, below] = readFileSync(join(on.bin, "pids"), "utf8").split(" ").map(Number);
  await Promise.all([gone(pid!), gone(below!)]);
});

test("one for another Python than was asked for says so when it fails", async () => {
  const on = machine();
  const message = await failureOf(make("dependencies: [python=3.6, {pip: ['six==99']}]", on));
  expect(message).toContain("(the file asks for Python 3.6, but scorefn runs on 3.9 to 3.14; Python 3.");
});

/** Resolves when a process is gone. */
async function gone(pid: number): Promise<void> {
  const isThere = (): boolean => {
    try {
      process.kill(pid, 0);
      return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]![0] !== "Z";
    } catch {
      return false;
    }
  };
  while (isThere()) await new Promise((resolve) => setImmediate(resolve));
}

test("an abort ends all that runs, and leaves nothing", async () => {
  const on = conda(STANDS_STILL);
  const recipe = await recipeFor("dependencies: [numpy]", on);
  const stop = new AbortController();
  const progress = (line: string): void => {
    if (line === "Downloading something ...") stop.abort(new Error("the user says so"));
  };
  const options = { cacheFolder: on.cache, env: on.env, cure: "", progress };
  await expect(makeEnvironment(recipe, options, stop.signal)).rejects.toThrow("the user says so");
  const [pid, below] = readFileSync(join(on.bin, "pids"), "utf8").split(" ").map(Number);
  await Promise.all([gone(pid!), gone(below!)]);
  expect(kept(on)).toEqual([]);
  await expect(makeEnvironment(recipe, options, stop.signal)).rejects.toThrow("the user says so");
});

test("an abort ends the wait for another process", async () => {
  const on = conda(STANDS_FOR_CONDA);
  const recipe = await recipeFor("dependencies: [numpy]", on);
  const stop = new AbortController();
  mkdirSync(join(on.cache, recipe.key), { recursive: true });
  writeFileSync(join(on.cache, recipe.key, "lock"), "another's");
  const progress = (): void => stop.abort(new Error("the user says so"));
  const options = { cacheFolder: on.cache, env: on.env, cure: "", progress };
  await expect(makeEnvironment(recipe, options, stop.signal)).rejects.toThrow("the user says so");
  expect(kept(on)).toEqual(["lock"]);
  expect(existsSync(join(on.bin, "asked"))).toBe(false);
});

test("the programs get no variable that would lead them elsewhere, and no secret", async () => {
  const on = conda(`env > "$(dirname "$0")/env"\n${STANDS_FOR_CONDA}`);
  const misleading = { PYTHONPATH: "/x", VIRTUAL_ENV: "/x", PIP_TARGET: "/x", SCOREFN_SECRET_A_B: "s3cret" };
  const recipe = await recipeFor("dependencies: [numpy]", on);
  const env = { ...on.env, ...misleading, PIP_INDEX_URL: "https://index.example/simple" };
  await makeEnvironment(recipe, { cacheFolder: on.cache, env, cure: "", progress() {} }, never);
  const got = readFileSync(join(on.bin, "env"), "utf8");
  for (const name of Object.keys(misleading)) expect(got).not.toContain(`${name}=`);
  expect(got).toContain("UV_DEFAULT_INDEX=https://index.example/simple\n");
  expect(got).toContain("CONDA_ALWAYS_YES=1\n");
});
