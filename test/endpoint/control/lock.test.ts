import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockHolder, startOf, takeLock } from "../../../endpoint/control/state/lock.ts";
import { packageFile } from "../../../src/core/package-root.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "scorefn-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const MODULE = pathToFileURL(packageFile("dist/endpoint/control/state/lock.js")).href;

/** Takes the lock in a process of its own, which says whether it has it and stays until it is killed. */
function taker(): { readonly answer: Promise<string>; readonly end: (signal?: NodeJS.Signals) => Promise<void> } {
  const program = `import { takeLock } from ${JSON.stringify(MODULE)};
    process.stdout.write("release" in takeLock(${JSON.stringify(folder)}) ? "taken" : "held");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return {
    answer: once(child.stdout, "data").then(([data]) => String(data)),
    end: async (signal = "SIGKILL") => {
      child.kill(signal);
      await once(child, "close");
    },
  };
}

test("is had by one at a time, and by the next when it is released", () => {
  const first = takeLock(folder);
  if (!("release" in first)) throw new Error("the first has not got it");
  expect(takeLock(folder)).toEqual({ heldBy: { pid: process.pid, started: startOf(process.pid) } });
  expect(lockHolder(folder)?.pid).toBe(process.pid);
  first.release();
  expect(lockHolder(folder)).toBeUndefined();
  expect("release" in takeLock(folder)).toBe(true);
});

test("falls to somebody else when its process is killed", async () => {
  const dead = taker();
  expect(await dead.answer).toBe("taken");
  expect("heldBy" in takeLock(folder)).toBe(true);
  await dead.end();
  expect("release" in takeLock(folder)).toBe(true);
});

test("is had by exactly one of many who find a dead one's", async () => {
  for (let turn = 0; turn < 3; turn++) {
    const dead = taker();
    await dead.answer;
    await dead.end();
    const all = Array.from({ length: 6 }, taker);
    const answers = await Promise.all(all.map(({ answer }) => answer));
    expect(answers.filter((answer) => answer === "taken")).toHaveLength(1);
    await Promise.all(all.map(({ end }) => end()));
  }
  const leftOver = readdirSync(folder).filter((name) => name.startsWith("draft."));
  expect(leftOver).toEqual([]);
});

test.each([
  ["a number that another process has now", JSON.stringify({ pid: process.pid, started: "another boot" })],
  ["nothing", ""],
  ["words", "hello"],
  ["no process", JSON.stringify({ pid: 0, started: "" })],
  ["a negative number", JSON.stringify({ pid: -1, started: "x" })],
])("is free when its file holds %s", (_what, text) => {
  writeFileSync(join(folder, "lock.7"), text);
  expect("release" in takeLock(folder)).toBe(true);
  expect(readdirSync(folder)).toEqual(["lock.8"]);
});
