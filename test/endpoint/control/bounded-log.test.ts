import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBoundedLog } from "../../../endpoint/control/bounded-log.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "scorefn-log-"));
  path = join(folder, "endpoint.log");
});
afterEach(() => rm(folder, { recursive: true }));

test("writes lines in order, for its user alone", async () => {
  const log = openBoundedLog(path);
  for (let line = 0; line < 100; line++) log.write(`line ${line}\n`);
  await log.flush();
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  expect(lines).toEqual(Array.from({ length: 100 }, (_, line) => `line ${line}`));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("goes on where the log of the process before ends", async () => {
  const first = openBoundedLog(path);
  first.write("one\n");
  await first.flush();
  const second = openBoundedLog(path);
  second.write("two\n");
  await second.flush();
  expect(await readFile(path, "utf8")).toBe("one\ntwo\n");
});

test("never takes more than twice its size", async () => {
  const log = openBoundedLog(path, 1_000);
  for (let line = 0; line < 200; line++) {
    log.write(`line ${String(line).padStart(3, "0")}, of some length\n`);
    await log.flush();
    expect((await stat(path)).size).toBeLessThanOrEqual(1_000);
  }
  const old = await readFile(`${path}.1`, "utf8");
  expect(old.length).toBeLessThanOrEqual(1_000);
  const all = (old + (await readFile(path, "utf8"))).trimEnd().split("\n");
  expect(all.at(-1)).toBe("line 199, of some length");
  expect(all.length).toBeGreaterThan(40);
});

test("counts what a disk does not take, and says so when it does again", async () => {
  const log = openBoundedLog(join(folder, "later", "endpoint.log"));
  log.write("one\ntwo\n");
  await log.flush();
  const { mkdir } = await import("node:fs/promises");
  await mkdir(join(folder, "later"));
  log.write("three\n");
  await log.flush();
  expect(await readFile(join(folder, "later", "endpoint.log"), "utf8")).toBe(
    "2 lines of this log are missing: they could not be written\nthree\n",
  );
});
