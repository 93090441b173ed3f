import { execFile, execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, symlinkSync, truncateSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { zipFolder } from "../../../packaging/azure-functions/zip.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { tree } from "../tree.ts";

/** What Python reads in a zip. */
const LIST = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as file:
    assert file.testzip() is None
    print(json.dumps([[i.filename, i.file_size, i.date_time, oct(i.external_attr >> 16), len(i.extra)] for i in file.infolist()]))
`;
const list = (file: string): unknown => JSON.parse(execFileSync("python3", ["-c", LIST, file], { encoding: "utf8" }));

test("a zip has sorted names, one date and one mode, whatever the files have", async () => {
  const folder = tree({ "b.txt": "b", "a/ü.txt": "ü", "a/empty": "", "left/out.txt": "x", "a/left.txt": "x" });
  chmodSync(join(folder, "b.txt"), 0o600);
  symlinkSync("nowhere", join(folder, "broken"));
  const file = join(tree(), "app.zip");
  const report = await zipFolder(folder, file, ["left", "a/left.txt"]);
  expect(report.files).toEqual(["a/empty", "a/ü.txt", "b.txt"]);
  expect(report.bytes).toBe(readFileSync(file).length);
  const date = [1980, 1, 1, 0, 0, 0];
  expect(list(file)).toEqual([
    ["a/empty", 0, date, "0o100755", 0],
    ["a/ü.txt", 2, date, "0o100755", 0],
    ["b.txt", 1, date, "0o100755", 0],
  ]);
});

test("the time zone does not count", async () => {
  const folder = tree({ "a.txt": "a" });
  const program = `import { zipFolder } from ${JSON.stringify(packageFile("dist/packaging/azure-functions/zip.js"))};
await zipFolder(process.argv[1], process.argv[2], []);`;
  const zips = await Promise.all(
    ["Pacific/Auckland", "America/Los_Angeles"].map(async (zone) => {
      const file = join(tree(), "app.zip");
      const args = ["--input-type=module", "-e", program, folder, file];
      await promisify(execFile)(process.execPath, args, { env: { ...process.env, TZ: zone } });
      return readFileSync(file);
    }),
  );
  expect(zips[0]!.equals(zips[1]!)).toBe(true);
});

/** Bytes of a file in the zip, and of memory that packing it may take: Node itself has some 60 MB. */
const LARGE = 350_000_000;
const MAX_MEMORY_KB = 300_000;

test("a large file is not read into memory", async () => {
  const folder = tree({ "weights.bin": "" });
  truncateSync(join(folder, "weights.bin"), LARGE);
  const file = join(tree(), "app.zip");
  const program = `import { zipFolder } from ${JSON.stringify(packageFile("dist/packaging/azure-functions/zip.js"))};
await zipFolder(process.argv[1], process.argv[2], []);
console.log(process.resourceUsage().maxRSS);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program, folder, file]);
  expect(Number(stdout)).toBeLessThan(MAX_MEMORY_KB);
  unlinkSync(join(folder, "weights.bin"));
});

test("a file that cannot be read is an error that names it", async () => {
  const folder = tree({ "a.txt": "a" });
  const file = join(tree(), "no/such/folder/app.zip");
  await expect(zipFolder(folder, file, [])).rejects.toThrow(/no\/such\/folder\/app\.zip/);
  expect(existsSync(file)).toBe(false);
});
