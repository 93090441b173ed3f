import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ERROR_CODES } from "../../src/core/errors.ts";
import { VERSION } from "../../src/core/version.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("the version in the code is that of the package", () => {
  expect(VERSION).toBe(JSON.parse(read("package.json")).version);
});

test("docs/errors.md lists the codes of the code with their status, and when each happens", () => {
  const rows = read("docs/errors.md")
    .split("\n")
    .filter((line) => line.startsWith("| `ERR_"))
    .map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  expect(rows.map(([code, status]) => [code, status])).toEqual(
    Object.entries(ERROR_CODES).map(([code, { status }]) => [`\`${code}\``, String(status)]),
  );
  for (const [, , when] of rows) expect(when).toMatch(/\w+\S* \w+/);
});
