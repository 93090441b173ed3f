// A thousand files may be looked at together, whose descriptors are the server's.
import { readdirSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import { hasChanged, stateOf } from "../../../src/reload/file-state.ts";
import { temporaryFolder } from "../../setup/service.ts";

/** Far more than are read at a time, far fewer than there are files. */
const FEW = 100;

test.skipIf(process.platform !== "linux")("files that are looked at together are read a few at a time", async () => {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const paths = Array.from({ length: 1_000 }, (_, index) => folder.file(`${index}.json`));
  for (const path of paths) await writeFile(path, path);
  const stats = await Promise.all(paths.map((path) => stat(path)));
  const descriptors = (): number => readdirSync("/proc/self/fd").length;
  const before = descriptors();
  let most = 0;
  let isDone = false;
  const look = (): void => {
    most = Math.max(most, descriptors() - before);
    if (!isDone) setImmediate(look);
  };
  look();
  const states = await Promise.all(paths.map((path, index) => stateOf(path, stats[index]!, undefined)));
  isDone = true;
  expect(new Set(states.map(({ hash }) => hash)).size).toBe(paths.length);
  expect(most).toBeLessThan(FEW);
});

test("a file that cannot be read keeps nobody from reading others", async () => {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const path = folder.file("x.py");
  await writeFile(path, "1");
  const stats = await stat(path);
  const missing = await Promise.all(
    Array.from({ length: 50 }, (_, index) => stateOf(folder.file(`none${index}.py`), stats, undefined)),
  );
  expect(missing.filter(({ hash }) => hash !== undefined)).toEqual([]);
  const before = await stateOf(path, stats, undefined);
  expect(before.hash).toBeDefined();
  await writeFile(path, "2");
  expect(hasChanged(before, await stateOf(path, await stat(path), before))).toBe(true);
});
