import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { typed } from "../../packaging/paths.ts";

test("paths in a report can be typed as they stand there", () => {
  expect(typed(process.cwd())).toBe(".");
  expect(typed(join(process.cwd(), "build/aws-lambda_1.0"))).toBe("build/aws-lambda_1.0");
  for (const name of ["a b", "it's", "$HOME", "a;b", "*", "é", "(x)", '"q"', "a&b"]) {
    const shown = String(execFileSync("sh", ["-c", `printf %s ${typed(join(process.cwd(), "below", name))}`]));
    expect(shown).toBe(`below/${name}`);
  }
});
