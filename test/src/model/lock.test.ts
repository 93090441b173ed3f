import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { LockLost, withLock } from "../../../src/model/lock.ts";

const root = mkdtempSync(join(tmpdir(), "scorefn-lock-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const never = new AbortController().signal;

test("of many that find a lock whose owner is gone, one works at a time", async () => {
  const folder = mkdtempSync(join(root, "many-"));
  const file = join(folder, "lock");
  writeFileSync(file, "gone");
  writeFileSync(`${file}.guard`, "");
  for (const name of [file, `${file}.guard`]) utimesSync(name, new Date(0), new Date(0));
  let working = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++working);
    await delay(5);
    working--;
  };
  await Promise.all(Array.from({ length: 12 }, () => withLock(file, new AbortController().signal, () => {}, work)));
  expect(most).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
});

test("is given back when the work fails, and is not waited for when the signal aborts", async () => {
  const file = join(mkdtempSync(join(root, "fails-")), "lock");
  await expect(
    withLock(
      file,
      never,
      () => {},
      () => Promise.reject(new Error("no")),
    ),
  ).rejects.toThrow("no");
  expect(existsSync(file)).toBe(false);
  writeFileSync(file, "another");
  const stop = new AbortController();
  const waiting = withLock(
    file,
    stop.signal,
    () => stop.abort(),
    async () => "worked",
  );
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  expect(existsSync(file)).toBe(true);
});

test("that another has taken over, because its owner stood still, is found out by the owner, and stays the other's", async () => {
  const file = join(mkdtempSync(join(root, "lost-")), "lock");
  const found = withLock(
    file,
    never,
    () => {},
    async ({ lost, check }) => {
      await check();
      writeFileSync(file, "another");
      await once(lost, "abort");
      await check();
    },
  );
  await expect(found).rejects.toBeInstanceOf(LockLost);
  expect(readFileSync(file, "utf8")).toBe("another");
});
