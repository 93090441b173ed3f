import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SWAGGER_VERSIONS } from "../../../src/core/swagger-versions.ts";
import { readPythonJson } from "../../../src/json/python-json.ts";
import { createSwaggerBook, generateSwagger } from "../../../src/swagger/generate.ts";
import { swaggerSummary } from "../../../src/swagger/served.ts";

const DEFAULTS = { serviceName: "ML service", serviceVersion: "1.0", servicePathPrefix: "" };

/** One character of any kind; the ready-made unit "binary" costs a second to set up. */
const character = fc
  .oneof(fc.nat(0x2ff), fc.nat(0x10ffff))
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));

function fingerprint(text: string): { bytes: number; sha256: string } {
  return { bytes: Buffer.byteLength(text), sha256: createHash("sha256").update(text).digest("hex") };
}

describe("a generated document", () => {
  test.each([
    ["2", 2198, "4032327f37922c3a931426c67d5408722da9ee50b7934136099fef149016bb29"],
    ["3", 2359, "64838425e806784c4e451ed9a522c95b1662e0f54cd4ba50a2dbf7a8d70f9fb9"],
    ["3.1", 2359, "a2fe67495cc361363f22ebac4f8b6bc49555dbcb58eaf94eff46f4fb8c89aa85"],
  ] as const)("in version %s has the bytes of the reference server's (SW-13)", (version, bytes, sha256) => {
    expect(fingerprint(generateSwagger(DEFAULTS, version))).toEqual({ bytes, sha256 });
  });

  // Read off azmlinfsrv 1.5.1 started with these three variables.
  test.each([
    ["2", "0337861ddccf619316d7618aee0606a278343d610340b6905f8f5dff13a99000"],
    ["3", "f9da66b8535ba3d2d895cc0e7a09f0b07b41bca886f8d23e75ce234c4aaff014"],
    ["3.1", "bbb9e1eb8eaec226a87bcfb50586b08567d52e196942a87ca52b79f7dab011c6"],
  ] as const)(
    "in version %s carries name, version and prefix like the reference server's (SW-9)",
    (version, sha256) => {
      const service = { serviceName: "a b/é", serviceVersion: "2", servicePathPrefix: "/x/y/" };
      expect(fingerprint(generateSwagger(service, version)).sha256).toBe(sha256);
    },
  );

  test.each([
    ["/a/b/", "/a/b"],
    ["a", "/a"],
    ["//a//", "/a"],
    ["///", ""],
    ["", ""],
  ])("turns the prefix '%s' into '%s' (SW-9)", (servicePathPrefix, prefix) => {
    const document = JSON.parse(generateSwagger({ ...DEFAULTS, servicePathPrefix }, "2"));
    expect(Object.keys(document.paths)).toEqual([`${prefix}/`, `${prefix}/score`, `${prefix}/swagger.json`]);
  });

  test("takes any name, version and prefix as data (SW-9)", () => {
    const text = fc.string({ unit: character });
    fc.assert(
      fc.property(text, text, text, fc.constantFrom(...SWAGGER_VERSIONS), (name, number, prefix, version) => {
        const service = { serviceName: name, serviceVersion: number, servicePathPrefix: `p${prefix}p` };
        const document = JSON.parse(generateSwagger(service, version));
        expect([document.info.title, document.info.version]).toEqual([name, number]);
        expect(Object.keys(document.paths)[1]).toBe(`/p${prefix}p/score`);
      }),
    );
  });

  test.each([
    ["2", ["definitions"]],
    ["3", ["components", "schemas"]],
    ["3.1", ["components", "schemas"]],
  ] as const)("in version %s holds the script's schemas as they are (SW-12, SW-14)", (version, path) => {
    const input =
      '{"type": "object", "properties": {"data": {"type": "array", "items": {"type": "integer", "format": "int64"}, "format": "numpy.ndarray"}}, "example": {"data": [10, 9]}}';
    const output =
      '{"type": "array", "items": {"type": "number", "format": "double"}, "example": [3726.0, 1e-05], "format": "numpy.ndarray"}';
    const declared = { input: readPythonJson(input), output: readPythonJson(output) };
    const text = generateSwagger(DEFAULTS, version, declared);
    expect(text).toContain(`"ServiceInput": ${input}, "ServiceOutput": ${output}, "ErrorResponse": `);
    const holder = path.reduce((node: Record<string, never>, key) => node[key]!, JSON.parse(text));
    expect(Object.keys(holder)).toEqual(["ServiceInput", "ServiceOutput", "ErrorResponse"]);
  });
});

describe("looking a version up", () => {
  const book = createSwaggerBook(DEFAULTS);
  const texts = new Map(SWAGGER_VERSIONS.map((version) => [version, generateSwagger(DEFAULTS, version)]));

  test.each([
    ["", "2"],
    ["version=2", "2"],
    ["version=2.0", "2"],
    ["version=3", "3"],
    ["version=3.0", "3"],
    ["version=3.1", "3.1"],
    ["version=%33", "3"],
    ["x=1&version=3", "3"],
    ["version=3&version=2", "3"],
    ["Version=4", "2"],
    ["version%3D3", "2"],
  ] as const)("with '%s' gives version %s (SW-1, SW-2)", (query, version) => {
    expect(book.lookup(query)).toBe(texts.get(version));
  });

  test.each([
    ["version=4", "4"],
    ["version=3.1.0", "3.1.0"],
    ["version=2.00", "2.00"],
    ["version=+3", " 3"],
    ["version=", ""],
    ["version", ""],
    ["version=4&version=3", "4"],
    ["version=%C3%A9", "é"],
    ["version=%ff", "%FF"],
    ["version=%22x", '"x'],
  ])("with '%s' answers 404 and names [%s] (SW-5, ERR-4)", (query, shown) => {
    const message = `Swagger version [${shown}] is not valid. Supported versions: [2, 3, 3.1].`;
    expect(book.lookup(query)).toMatchObject({ code: "ERR_NOT_FOUND", message });
  });

  test("answers 404 for a version the script cannot be described in, and lists the others (SW-6, ERR-4)", () => {
    const { lookup, versions } = createSwaggerBook({ ...DEFAULTS, schemas: { versions: ["3", "3.1"] } });
    expect(versions).toEqual(["3", "3.1"]);
    for (const [query, shown] of [
      ["", "2"],
      ["version=2", "2"],
      ["version=2.0", "2.0"],
    ] as const) {
      const message = `Swagger version [${shown}] is not supported for the scoring script. Supported swagger versions: [3, 3.1].`;
      expect(lookup(query)).toMatchObject({ code: "ERR_NOT_FOUND", message });
    }
    expect((lookup("version=4") as Error).message).toContain("Supported versions: [3, 3.1].");
    expect(JSON.parse(lookup("version=3") as string).openapi).toMatch(/^3/);
  });

  test("gives the user's own document in place of a generated one, also where none could be (SW-7)", () => {
    const swaggerFiles = [
      { version: "2", path: "/swagger.json", text: undefined },
      { version: "2", path: "/swagger2.json", text: '{"mine": true}' },
    ] as const;
    const own = createSwaggerBook({ ...DEFAULTS, schemas: { versions: ["3"] }, swaggerFiles });
    expect(own.versions).toEqual(["2", "3"]);
    expect(own.lookup("")).toBe('{"mine": true}');
    expect(own.lookup("version=3")).toBe(texts.get("3"));
  });

  test.each([
    [["2", "3", "3.1"], "Swaggers are prepared for the following versions: [2, 3, 3.1]."],
    [["3", "3.1"], "Swaggers are prepared for versions [3, 3.1] and skipped for versions [2]."],
    [[], "No swagger is prepared."],
  ] as const)("is announced for %j by its record (SW-4)", (versions, record) => {
    expect(swaggerSummary({ schemas: { versions } })).toBe(record);
  });
});
