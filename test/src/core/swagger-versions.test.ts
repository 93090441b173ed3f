import { expect, test } from "vitest";
import { listVersions, parseSwaggerVersion, SWAGGER_VERSIONS } from "../../../src/core/swagger-versions.ts";

test("knows each version by its name, and 2 and 3 also by 2.0 and 3.0 (SW-2)", () => {
  expect(SWAGGER_VERSIONS.map(parseSwaggerVersion)).toEqual(["2", "3", "3.1"]);
  expect(["2.0", "3.0"].map(parseSwaggerVersion)).toEqual(["2", "3"]);
});

test.each(["", " 3", "4", "3.1.0", "3.10", "v2", "toString"])("does not know '%s' (SW-5)", (text) => {
  expect(parseSwaggerVersion(text)).toBeUndefined();
});

test("lists versions in brackets (SW-5)", () => {
  expect(listVersions(["3", "3.1"])).toBe("[3, 3.1]");
});
