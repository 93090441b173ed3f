// One file of a model, whatever becomes meanwhile of what is kept of it.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createLog } from "../../../src/log/create.ts";
import { download } from "../../../src/model/download.ts";
import type { ModelStore } from "../../../src/model/store.ts";

const root = mkdtempSync(join(tmpdir(), "scorefn-download-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const CONTENT = Buffer.from("a model of forty letters and some more ..");

test.each<[string, (part: string) => void]>([
  ["has written to it", (part) => appendFileSync(part, "of another")],
  ["has cut it off", (part) => truncateSync(part, 3)],
])("what another process %s is fetched anew, where no checksum would tell", async (_what, harm) => {
  const folder = mkdtempSync(join(root, "file-"));
  const [part, target] = [join(folder, "part"), join(folder, "model")];
  let opened = 0;
  const store: ModelStore = {
    list: async () => [],
    checksum: async () => undefined,
    async *openFrom(from: number) {
      for (let at = from; at < CONTENT.length; at += 8) {
        yield CONTENT.subarray(at, at + 8);
        if (opened === 1 && at === 16) harm(part);
      }
    },
    open(_file, from) {
      opened++;
      return Promise.resolve(this.openFrom(from));
    },
  } as ModelStore & { openFrom(from: number): AsyncGenerator<Uint8Array> };
  let log = "";
  let told = 0;
  await download({
    store,
    file: { path: "model", name: "model", bytes: CONTENT.length, tag: "1" },
    part,
    target,
    log: createLog((text) => {
      log += text;
    }, "DEBUG").server,
    signal: new AbortController().signal,
    onBytes: (count) => {
      told += count;
    },
  });
  expect(readFileSync(target).equals(CONTENT)).toBe(true);
  expect(existsSync(part)).toBe(false);
  expect([opened, told]).toEqual([2, CONTENT.length]);
  expect(log).toContain("what is kept of it has another length");
});
