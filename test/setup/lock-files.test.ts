import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";

interface LockedPackage {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly libc?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const INSIDE = "node_modules/";

describe.each([
  "package-lock.json",
  "bench/package-lock.json",
  "examples/onnx/package-lock.json",
  "packaging/templates/aws-lambda/runtime-client/package-lock.json",
])("%s", (file) => {
  const packages = JSON.parse(readFileSync(packageFile(file), "utf8")).packages as Record<string, LockedPackage>;
  const { "": root, ...installed } = packages;

  /** Where Node finds a package from within another: beside it, or beside one that holds it. */
  function isNamed(from: string, name: string): boolean {
    const holder = from.slice(0, Math.max(0, from.lastIndexOf(INSIDE) - 1));
    if (`${from === "" ? "" : `${from}/`}${INSIDE}${name}` in packages) return true;
    return from !== "" && isNamed(holder, name);
  }

  test("names every package of every platform: npm ci refuses one that does not", () => {
    const missing = Object.entries(packages).flatMap(([from, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => !isNamed(from, name)),
    );
    expect(root).toBeDefined();
    expect(missing).toEqual([]);
  });

  test("says of each what its bytes are, and of none where it came from", () => {
    for (const [name, { integrity, resolved }] of Object.entries(installed)) {
      expect(integrity, name).toMatch(/^sha512-/);
      expect(resolved, name).toBeUndefined();
    }
  });

  test("is as npm 10 and npm 11 leave it: npm 10 takes out which C library a package is for", () => {
    expect(Object.keys(installed).filter((name) => installed[name]!.libc !== undefined)).toEqual([]);
  });
});
