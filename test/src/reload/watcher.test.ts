// Real files and the system's own events: what is told of, and what is not.
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { appendFile, mkdir, open, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { isAnyFile, isCode } from "../../../src/reload/names.ts";
import type { Target } from "../../../src/reload/tree.ts";
import { Watcher } from "../../../src/reload/watcher.ts";
import { temporaryFolder, until } from "../../setup/service.ts";

const deep = (path: string, counts = isCode): Target => ({ path, deep: true, counts, without: [], key: path });

interface Watched {
  readonly root: string;
  readonly warnings: string[];
  readonly watcher: Watcher;
  /** What has been told of since the last call, relative to the folder, when `name` has been. */
  told(name: string): Promise<string[]>;
  write(name: string, text: string): Promise<void>;
  batches(): number;
}

async function watched(files: Record<string, string>, isPolled: boolean, counts = isCode): Promise<Watched> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const root = folder.file("app");
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  };
  await mkdir(root);
  for (const [name, text] of Object.entries(files)) await write(name, text);
  let seen = new Set<string>();
  let batches = 0;
  const warnings: string[] = [];
  const watcher = new Watcher({
    isPolled,
    onWarning: (message) => warnings.push(message),
    onChange(paths) {
      batches++;
      for (const path of paths) seen.add(path.slice(root.length + 1));
    },
  });
  onTestFinished(() => watcher.close());
  await watcher.watch([deep(root, counts)], Number.POSITIVE_INFINITY);
  return {
    root,
    warnings,
    watcher,
    write,
    batches: () => batches,
    async told(name) {
      await until(() => seen.has(name), `${name} is told of; ${[...seen]}`);
      const all = [...seen].sort();
      seen = new Set();
      return all;
    },
  };
}

describe.each([
  ["by the system's events", false],
  ["by looking again and again", true],
])("files watched %s", (_name, isPolled) => {
  test("a write, a save that renames over, the write after it, and a deletion", async () => {
    const { root, write, told } = await watched({ "score.py": "1" }, isPolled);
    await write("score.py", "22");
    expect(await told("score.py")).toEqual(["score.py"]);
    await writeFile(join(root, "score.py~new"), "333");
    await rename(join(root, "score.py~new"), join(root, "score.py"));
    expect(await told("score.py")).toEqual(["score.py"]);
    await appendFile(join(root, "score.py"), "4");
    expect(await told("score.py")).toEqual(["score.py"]);
    await rm(join(root, "score.py"));
    expect(await told("score.py")).toEqual(["score.py"]);
    await write("score.py", "5");
    expect(await told("score.py")).toEqual(["score.py"]);
  });

  test("an edit of the same size and with the times of the one before it", async () => {
    const { root, write, told } = await watched({ "score.py": "AAAA" }, isPolled);
    const { atime, mtime } = await stat(join(root, "score.py"));
    await write("score.py", "BBBB");
    await utimes(join(root, "score.py"), atime, mtime);
    expect(await told("score.py")).toEqual(["score.py"]);
  });

  test("not what has the same content as before, whatever was done to it", async () => {
    const { root, write, told } = await watched({ "score.py": "same", "other.py": "1" }, isPolled);
    // At no moment is it empty, as it is while `writeFile` runs.
    const file = await open(join(root, "score.py"), "r+");
    await file.write("same");
    await file.close();
    await utimes(join(root, "score.py"), new Date(0), new Date(0));
    await writeFile(join(root, "copy.tmp"), "same");
    await rename(join(root, "copy.tmp"), join(root, "score.py"));
    await write("other.py", "2");
    expect(await told("other.py")).toEqual(["other.py"]);
  });

  test("not what editors, compilers, packages and logs leave", async () => {
    const { write, told } = await watched({ "score.py": "1" }, isPolled);
    const names = [".score.py.swp", "score.py~", "4913", "#score.py#", ".#score.py", "app.log", "out.csv"];
    const folders = ["node_modules", "__pycache__", ".git", ".venv", "venv", ".idea"];
    for (const name of [...names, ...folders.map((folder) => `${folder}/x.py`)]) await write(name, "x");
    await write("score.py", "2");
    expect(await told("score.py")).toEqual(["score.py"]);
  });

  test("folders that are new, deep, deleted and made again", async () => {
    const { root, write, told } = await watched({ "score.py": "1" }, isPolled);
    await write("lib/deep/er/x.py", "1");
    expect(await told("lib/deep/er/x.py")).toEqual(["lib/deep/er/x.py"]);
    await write("lib/deep/er/x.py", "2");
    expect(await told("lib/deep/er/x.py")).toEqual(["lib/deep/er/x.py"]);
    await rm(join(root, "lib"), { recursive: true });
    expect(await told("lib/deep/er/x.py")).toEqual(["lib/deep/er/x.py"]);
    await write("lib/deep/er/x.py", "3");
    expect(await told("lib/deep/er/x.py")).toEqual(["lib/deep/er/x.py"]);
    await write("lib/deep/er/x.py", "4");
    expect(await told("lib/deep/er/x.py")).toEqual(["lib/deep/er/x.py"]);
  });

  test("a folder deleted and made again at once, which may get the same number", async () => {
    const { root, write, told } = await watched({ "lib/x.py": "1" }, isPolled);
    rmSync(join(root, "lib"), { recursive: true });
    mkdirSync(join(root, "lib"));
    writeFileSync(join(root, "lib/x.py"), "2");
    expect(await told("lib/x.py")).toEqual(["lib/x.py"]);
    await write("lib/x.py", "33");
    expect(await told("lib/x.py")).toEqual(["lib/x.py"]);
  });

  test("the folder itself deleted and made again, with those above it", async () => {
    const { root, write, told } = await watched({ "score.py": "1" }, isPolled);
    await rm(dirname(root), { recursive: true });
    expect(await told("score.py")).toEqual(["score.py"]);
    await write("score.py", "2");
    expect(await told("score.py")).toEqual(["score.py"]);
    await write("score.py", "33");
    expect(await told("score.py")).toEqual(["score.py"]);
  });

  test("the folder replaced by a link, and the link by another", async () => {
    const { root, told } = await watched({ "score.py": "1", "kept.py": "1" }, isPolled);
    for (const [name, text] of [
      ["v2", "2"],
      ["v3", "3"],
    ] as const) {
      await mkdir(`${root}-${name}`);
      await writeFile(join(`${root}-${name}`, "score.py"), text);
      await writeFile(join(`${root}-${name}`, "kept.py"), "1");
    }
    // At once: whoever looks in between finds all files gone, and then all of them new.
    renameSync(root, `${root}-old`);
    symlinkSync(`${root}-v2`, root);
    expect(await told("score.py")).toEqual(["score.py"]);
    await symlink(`${root}-v3`, `${root}-new`);
    await rename(`${root}-new`, root);
    expect(await told("score.py")).toEqual(["score.py"]);
    await writeFile(join(`${root}-v3`, "score.py"), "3.1");
    expect(await told("score.py")).toEqual(["score.py"]);
  });

  test("a folder within it replaced by a link", async () => {
    const { root, told } = await watched({ "lib/x.py": "1" }, isPolled);
    await mkdir(`${root}-lib`);
    await writeFile(join(`${root}-lib`, "x.py"), "2");
    await rename(join(root, "lib"), `${root}-old`);
    await symlink(`${root}-lib`, join(root, "lib"));
    expect(await told("lib/x.py")).toEqual(["lib/x.py"]);
    await writeFile(join(`${root}-lib`, "x.py"), "3.1");
    expect(await told("lib/x.py")).toEqual(["lib/x.py"]);
  });

  test("links that lead round in a circle end", async () => {
    const { root, write, told } = await watched({ "lib/x.py": "1" }, isPolled);
    await symlink(root, join(root, "lib/again"));
    await write("lib/x.py", "2");
    expect(await told("lib/x.py")).toContain("lib/x.py");
  });
});

test("a thousand files at once are one change", async () => {
  const { root, told, batches } = await watched({ "score.py": "1" }, false);
  const names = Array.from({ length: 1_000 }, (_, index) => `f${index % 10}/m${index}.py`);
  // In one go, for writing them may take a slow machine longer than files are waited for.
  for (const folder of new Set(names.map((name) => dirname(name)))) mkdirSync(join(root, folder));
  for (const name of [...names, "score.py"]) writeFileSync(join(root, name), "22");
  expect(await told("score.py")).toEqual([...names, "score.py"].sort());
  expect(batches()).toBe(1);
});

test("what was written while the folder was looked at for the first time has changed", async () => {
  const { root, watcher, told } = await watched({ "score.py": "1" }, false);
  await mkdir(`${root}/../late`);
  await writeFile(join(root, "../late/x.py"), "1");
  const seen: string[] = [];
  const late = new Watcher({ onChange: (paths) => seen.push(...paths), onWarning: () => {} });
  onTestFinished(() => late.close());
  await late.watch([deep(join(root, "../late"))], Date.now() - 60_000);
  expect(seen).toEqual([join(root, "../late/x.py")]);
  await late.watch([deep(join(root, "../late"))], Date.now() - 60_000);
  expect(seen).toHaveLength(1);
  await writeFile(join(root, "score.py"), "2");
  await told("score.py");
  watcher.close();
});

test("what is watched no longer is not told of", async () => {
  const { root, watcher, write, told } = await watched({ "a/x.py": "1", "b/x.py": "1" }, false);
  await watcher.watch([deep(join(root, "b"))], Number.POSITIVE_INFINITY);
  await write("a/x.py", "2");
  await write("b/x.py", "2");
  expect(await told("b/x.py")).toEqual(["b/x.py"]);
});

test("of a folder that was asked for every file counts, but what editors leave", async () => {
  const { write, told } = await watched({ "model.pkl": "1" }, false, isAnyFile);
  await write("model.pkl~", "2");
  await write("model.pkl", "2");
  expect(await told("model.pkl")).toEqual(["model.pkl"]);
});

test("names that count as code", () => {
  const yes = [
    "score.py",
    "a.ts",
    "a.mts",
    "a.cjs",
    "a.tsx",
    "config.json",
    "a.yaml",
    "a.yml",
    "a.toml",
    ".env",
    ".env.local",
  ];
  const no = ["a.pyc", "a.log", "a.txt", "a.csv", "a.pkl", "a.onnx", "x.py.swp", ".x.py.swo", "a.py~", "4913", "a.db"];
  expect([...yes, ...no].filter(isCode)).toEqual(yes);
});
