import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Logger } from "../../../src/core/log.ts";
import { logModelDirectory } from "../../../src/script/model-directory.ts";

function logged(modelDir: string | null): string[] {
  const lines: string[] = [];
  logModelDirectory(modelDir, { info: (line: string) => lines.push(line) } as unknown as Logger);
  return lines;
}

/** A folder `mdl` with so many lines to show, itself included. */
function models(count: number): string {
  const folder = join(mkdtempSync(join(tmpdir(), "scorefn-models-")), "mdl");
  mkdirSync(join(folder, "a", "b"), { recursive: true });
  writeFileSync(join(folder, "a", "b", "deep.bin"), "");
  for (let index = 0; index < count - 4; index++)
    writeFileSync(join(folder, `file${String(index).padStart(3, "0")}`), "");
  return folder;
}

test.each([200, 201])("INIT-3, INIT-4: %i lines are shown as a tree, 200 at the most", (count) => {
  const lines = logged(`${models(count)}/`);
  expect(lines.slice(0, 6)).toEqual([
    "Model Directory Contents:",
    "mdl/",
    "    a/",
    "        b/",
    "            deep.bin",
    "    file000",
  ]);
  const truncated = lines.at(-1) === "Output Truncated. First 200 lines shown.";
  expect(truncated).toBe(count > 200);
  expect(lines).toHaveLength(1 + 200 + Number(truncated));
});

test("INIT-3: nothing is said of a directory that is not set or not there", () => {
  expect(logged(null)).toEqual([]);
  expect(logged(join(tmpdir(), "no-such-model-directory"))).toEqual([]);
});

test("INIT-4: a file shows its name, a link to nowhere does no harm", () => {
  const folder = models(4);
  symlinkSync("nowhere", join(folder, "broken"));
  expect(logged(join(folder, "a", "b", "deep.bin"))).toEqual(["Model Directory Contents:", "deep.bin"]);
  expect(logged(folder)).toContain("            deep.bin");
});
