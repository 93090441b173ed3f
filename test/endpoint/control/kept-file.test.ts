import { spawn } from "node:child_process";
import { once } from "node:events";
import * as promises from "node:fs/promises";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Disk, readKept, setAside, writeKept } from "../../../endpoint/control/state/kept-file.ts";
import { packageFile } from "../../../src/core/package-root.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "scorefn-kept-"));
  path = join(folder, "state.json");
});
afterEach(() => rm(folder, { recursive: true }));

const asNumber = (content: unknown): number => {
  const { value } = content as { value?: number };
  if (typeof value !== "number") throw new Error("there is no value in it");
  return value;
};

class Killed extends Error {}

/** Ends everything at its n-th step, as a kill does: what comes after it does nothing either. */
function killedAt(step: number): { readonly disk: Disk; readonly steps: () => number } {
  let count = 0;
  const next = (): void => {
    count++;
    if (count >= step) throw new Killed();
  };
  const handle = (file: promises.FileHandle): promises.FileHandle =>
    new Proxy(file, {
      get(target, key) {
        const member = target[key as keyof promises.FileHandle] as unknown;
        if (typeof member !== "function") return member;
        return async (...args: unknown[]) => {
          if (key === "close") return target.close();
          // Half of the text is there when the process dies.
          if (key === "writeFile" && count + 1 >= step) await target.writeFile(String(args[0]).slice(0, 5));
          next();
          return (member as (...all: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  const disk = {
    open: async (...args: Parameters<typeof promises.open>) => {
      next();
      return handle(await promises.open(...args));
    },
    link: async (...args: Parameters<typeof promises.link>) => {
      next();
      return promises.link(...args);
    },
    rename: async (...args: Parameters<typeof promises.rename>) => {
      next();
      return promises.rename(...args);
    },
    rm: async (...args: Parameters<typeof promises.rm>) => {
      next();
      return promises.rm(...args);
    },
  };
  return { disk: disk as Disk, steps: () => count };
}

test("keeps the old value or the new one, whichever step of writing it is killed at", async () => {
  const whole = killedAt(Number.POSITIVE_INFINITY);
  await writeKept(path, { value: 0 });
  await writeKept(path, { value: 1 }, whole.disk);
  expect(whole.steps()).toBeGreaterThan(7);
  for (let step = 1; step <= whole.steps(); step++) {
    await writeKept(path, { value: step });
    // Opening the folder may fail by rights, so a kill there does not show.
    await writeKept(path, { value: step + 100 }, killedAt(step).disk).catch((error) => {
      expect(error).toBeInstanceOf(Killed);
    });
    const { value, notes } = await readKept(path, asNumber);
    expect([step, step + 100]).toContain(value);
    expect(notes).toEqual([]);
    await writeKept(path, { value: -1 });
    expect((await readKept(path, asNumber)).value).toBe(-1);
  }
});

test("keeps a whole value when its process is killed while it writes", async () => {
  const module = pathToFileURL(packageFile("dist/endpoint/control/state/kept-file.js")).href;
  const program = `import { writeKept } from ${JSON.stringify(module)};
    for (let value = 1; ; value++) { await writeKept(${JSON.stringify(path)}, { value, text: "x".repeat(100000) }); process.stdout.write("."); }`;
  for (let turn = 0; turn < 5; turn++) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    for (let written = 0; written <= turn * 3; written++) await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "close");
    const { value, notes } = await readKept(path, asNumber);
    expect(value).toBeGreaterThan(0);
    expect(notes).toEqual([]);
  }
});

test.each([
  ["half of it", '{"value":'],
  ["nothing", ""],
  ["zeros", "\0\0\0\0"],
  ["a list", "[1]"],
  ["null", "null"],
  ["somebody else's", '{"other": 1}'],
])("takes the one before when the file holds %s, and says so", async (_what, text) => {
  await writeKept(path, { value: 1 });
  await writeKept(path, { value: 2 });
  await writeFile(path, text);
  const kept = await readKept(path, asNumber);
  expect(kept.value).toBe(1);
  expect(kept.notes).toHaveLength(2);
  expect(kept.notes[0]).toContain(path);
  await setAside(kept);
  expect(await readFile(`${path}.unreadable`, "utf8")).toBe(text);
  await writeKept(path, { value: 3 });
  await writeKept(path, { value: 4 });
  expect((await readKept(path, asNumber)).value).toBe(4);
});

test("does not lose the last good one to the write after a broken one", async () => {
  await writeKept(path, { value: 1 });
  await writeKept(path, { value: 2 });
  await writeFile(path, "{");
  await setAside(await readKept(path, asNumber));
  const { disk } = killedAt(6);
  await writeKept(path, { value: 3 }, disk).catch(() => {});
  expect((await readKept(path, asNumber)).value).toBe(1);
});

test("says when nothing can be used, and when nothing is there", async () => {
  expect(await readKept(path, asNumber)).toEqual({ value: undefined, notes: [], broken: [], isNew: true });
  await writeFile(path, "{");
  const kept = await readKept(path, asNumber);
  expect(kept).toMatchObject({ value: undefined, isNew: false, broken: [path] });
});

test("is readable by its user alone", async () => {
  await writeKept(path, { value: 1 });
  await writeKept(path, { value: 2 });
  for (const file of [path, `${path}.previous`]) expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test("reports a folder that cannot be written, and leaves the file", async () => {
  await writeKept(path, { value: 1 });
  await expect(writeKept(join(path, "no-folder"), 1)).rejects.toThrow(/ENOTDIR/);
  expect((await readKept(path, asNumber)).value).toBe(1);
});
