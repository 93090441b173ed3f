import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { ModelCache, openCacheFolder } from "../../../src/model/cache.ts";
import type { ModelFile } from "../../../src/model/store.ts";

const root = mkdtempSync(join(tmpdir(), "scorefn-cache-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("the folder of all models", () => {
  test("is the chosen one, else below the user's cache", async () => {
    const home = mkdtempSync(join(root, "home-"));
    expect(await openCacheFolder(join(home, "chosen"), { HOME: home })).toBe(join(home, "chosen"));
    expect(await openCacheFolder(null, { HOME: home })).toBe(join(home, ".cache/scorefn/models"));
    expect(await openCacheFolder(null, { HOME: home, XDG_CACHE_HOME: join(home, "xdg") })).toBe(
      join(home, "xdg/scorefn/models"),
    );
  });

  test.skipIf(process.platform === "win32")(
    "is one of the user's own among temporary files, where there is no other",
    async () => {
      const saved = process.env.TMPDIR;
      process.env.TMPDIR = mkdtempSync(join(root, "tmp-"));
      onTestFinished(() => {
        if (saved === undefined) delete process.env.TMPDIR;
        else process.env.TMPDIR = saved;
      });
      const folder = await openCacheFolder(null, { HOME: "/dev/null" });
      expect(dirname(folder)).toBe(process.env.TMPDIR);
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      expect(await openCacheFolder(null, { HOME: "/dev/null" })).toBe(folder);
      // Somebody else could have put a model there.
      chmodSync(folder, 0o777);
      await expect(openCacheFolder(null, { HOME: "/dev/null" })).rejects.toMatchObject({ code: "ERR_MODEL_DISK" });
      // A link could lead elsewhere tomorrow.
      renameSync(folder, `${folder}.own`);
      chmodSync(`${folder}.own`, 0o700);
      symlinkSync(`${folder}.own`, folder);
      await expect(openCacheFolder(null, { HOME: "/dev/null" })).rejects.toMatchObject({ code: "ERR_MODEL_DISK" });
    },
  );
});

const file = (path: string, tag: string): ModelFile => ({ path, name: path, bytes: tag.length, tag });

/** Fetches by writing the tags. */
async function fetchInto(cache: ModelCache, files: readonly ModelFile[]): Promise<string> {
  mkdirSync(cache.folder, { recursive: true });
  for (const missing of await cache.prepare(files)) {
    writeFileSync(join(cache.staging, missing.path), missing.tag);
    await cache.staged(missing);
  }
  return cache.complete(files);
}

describe("the cache of one model", () => {
  test("makes a folder of what was a file, and a file of what was a folder", async () => {
    const cache = new ModelCache(mkdtempSync(join(root, "c-")), "s3://bucket/m");
    mkdirSync(cache.folder, { recursive: true });
    for (const files of [[file("a", "1")], [file("a/b", "2")], [file("a", "3")]]) {
      // Begun, and left behind.
      for (const missing of await cache.prepare(files)) {
        writeFileSync(join(cache.staging, missing.path), missing.tag);
        await cache.staged(missing);
      }
    }
    const folder = await fetchInto(cache, [file("a", "3")]);
    expect(readFileSync(join(folder, "a"), "utf8")).toBe("3");
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  test("keeps the version in use and the one before, and shares what has not changed", async () => {
    const cache = new ModelCache(mkdtempSync(join(root, "c-")), "s3://bucket/m");
    const folders: string[] = [];
    for (const tag of ["1", "22", "333"])
      folders.push(await fetchInto(cache, [file("big", "same"), file("small", tag)]));
    expect(folders.map((folder) => existsSync(folder))).toEqual([false, true, true]);
    expect(statSync(join(folders[1]!, "big")).ino).toBe(statSync(join(folders[2]!, "big")).ino);
    expect(await cache.findLatest()).toBe(folders[2]);
    // Back to the one before: it is there.
    const before = [file("big", "same"), file("small", "22")];
    expect(await cache.find(before)).toBe(folders[1]);
    await cache.use(before);
    expect(await cache.findLatest()).toBe(folders[1]);
    // It is in use, so the next one removes the other.
    await fetchInto(cache, [file("small", "4444")]);
    expect(folders.map((folder) => existsSync(folder))).toEqual([false, true, false]);
  });

  test("believes no file that it cannot read", async () => {
    const cache = new ModelCache(mkdtempSync(join(root, "c-")), "s3://bucket/m");
    await fetchInto(cache, [file("a", "1")]);
    writeFileSync(join(cache.folder, "manifest.json"), '{"uri":');
    writeFileSync(join(cache.folder, "staging.jsonl"), '["a","22"]\n["a"');
    expect(await cache.findLatest()).toBeUndefined();
    const folder = await fetchInto(cache, [file("a", "22")]);
    expect(await cache.findLatest()).toBe(folder);
  });
});
