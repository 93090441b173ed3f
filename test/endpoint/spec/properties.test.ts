import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import {
  checkDocument,
  deploymentSpec,
  endpointSpec,
  kindOfFile,
  readDeploymentFile,
  readEndpointFile,
  SpecError,
} from "../../../endpoint/spec/index.ts";
import { TEST_DEADLINE_MS } from "../../setup/deadline.ts";
import { deployments, endpoints, spoiled } from "./documents.ts";

let folder: string;
const FIXTURES = join(import.meta.dirname, "../../fixtures/endpoints");
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "scorefn-documents-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The document as a file. Paths in it begin at the fixtures' folder, so a file there would be read by other tests. */
function written(document: unknown): string {
  const path = join(folder, "file.yml");
  const text = stringify(document, { version: "1.1", aliasDuplicateObjects: false });
  writeFileSync(path, text.replaceAll(/(?<=(?:path|code|conda_file): )(?:\.\/)?(?=assets)/g, `${FIXTURES}/`));
  return path;
}

const RUNS = { numRuns: 200 };

describe("documents that are right", () => {
  test(
    "are read as deployments, are the same when checked again, and are whole when filled in",
    () => {
      fc.assert(
        fc.property(deployments, (source) => {
          const path = written(source);
          expect(kindOfFile(path)).toBe("deployment");
          const { document } = readDeploymentFile(path);
          expect(checkDocument("deployment", document, "/").document).toEqual(document);
          expect(JSON.parse(JSON.stringify(document))).toEqual(document);
          const spec = deploymentSpec(document);
          expect(spec).toMatchObject({
            name: (source.name as string).toLowerCase(),
            instanceCount: Number(source.instance_count ?? 1),
            code: { folder: join(FIXTURES, "assets/house-prices/script"), scoringScript: "score.py" },
          });
          for (const value of Object.values(spec.environmentVariables)) expect(typeof value).toBe("string");
          expect(undefinedIn(spec)).toEqual([]);
        }),
        RUNS,
      );
    },
    TEST_DEADLINE_MS,
  );

  test(
    "are read as endpoints, are the same when checked again, and are whole when filled in",
    () => {
      fc.assert(
        fc.property(endpoints, (source) => {
          const path = written(source);
          expect(kindOfFile(path)).toBe("endpoint");
          const { document } = readEndpointFile(path);
          expect(checkDocument("endpoint", document, "/").document).toEqual(document);
          const spec = endpointSpec(document);
          expect(undefinedIn(spec)).toEqual([]);
          const sum = Object.values(spec.traffic).reduce((total, share) => total + share, 0);
          expect([0, 100]).toContain(sum);
        }),
        RUNS,
      );
    },
    TEST_DEADLINE_MS,
  );
});

describe("documents that are spoiled", () => {
  test.each([
    ["deployments", deployments, readDeploymentFile],
    ["endpoints", endpoints, readEndpointFile],
  ] as const)(
    "among %s are read, or refused with problems that have a place in the file",
    (_kind, documents, read) => {
      let refused = 0;
      fc.assert(
        fc.property(spoiled(documents), (document) => {
          const path = written(document);
          try {
            read(path);
          } catch (error) {
            expect(error).toBeInstanceOf(SpecError);
            refused++;
            const lines = readFileSync(path, "utf8").split("\n");
            const { problems, message } = error as SpecError;
            expect(problems.length).toBeGreaterThan(0);
            for (const { file, line, column, frame, message: text } of problems) {
              expect(file).toBe(path);
              expect(text).not.toMatch(/(?<!\$)schema|undefined|\[object|\n/);
              if (line === null) continue;
              expect(lines[line - 1]!.length + 1).toBeGreaterThanOrEqual(column!);
              expect(frame).toContain(`> `);
              expect(message).toContain(`${path}:${line}:${column}: ${text}`);
            }
          }
        }),
        { numRuns: 500 },
      );
      expect(refused).toBeGreaterThan(0);
    },
    TEST_DEADLINE_MS,
  );

  test(
    "are refused as plain data, too",
    () => {
      fc.assert(
        fc.property(spoiled(deployments), (document) => {
          try {
            checkDocument("deployment", document as Record<string, unknown>, FIXTURES);
          } catch (error) {
            expect(error).toBeInstanceOf(SpecError);
          }
        }),
        { numRuns: 500 },
      );
    },
    TEST_DEADLINE_MS,
  );
});

/** Paths of what is not filled in. */
function undefinedIn(value: unknown, path = "$"): string[] {
  if (value === undefined || Number.isNaN(value)) return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => undefinedIn(child, `${path}.${key}`));
}

test(
  "what is set on the command line is taken, or refused by its own words, whatever it is",
  () => {
    const path = join(FIXTURES, "managed/blue.yml");
    const key = fc.constantFrom(
      "name",
      "tags",
      "model",
      "path",
      "traffic",
      "a",
      "__proto__",
      "instance_count",
      "[0]",
      "",
    );
    const expression = fc
      .tuple(fc.array(key, { minLength: 1, maxLength: 4 }), fc.oneof(fc.json(), fc.string({ unit: "binary" })))
      .map(([keys, value]) => `${keys.join(".")}=${value}`);
    fc.assert(
      fc.property(fc.array(fc.oneof(expression, fc.string()), { minLength: 1, maxLength: 3 }), (set) => {
        try {
          readDeploymentFile(path, { set });
        } catch (error) {
          expect(error).toBeInstanceOf(SpecError);
          const flags = set.map((one) => `--set ${one}`);
          for (const { file } of (error as SpecError).problems) expect([...flags, path]).toContain(file);
        }
      }),
      { numRuns: 300 },
    );
  },
  TEST_DEADLINE_MS,
);

test(
  "any map of keys is told to be one kind, or refused",
  () => {
    const keys = fc.constantFrom(
      "name",
      "$schema",
      "type",
      "path",
      "traffic",
      "model",
      "resources",
      "properties",
      "nodes",
      "services",
      "defaults",
      "settings",
      "endpoint_name",
      "inputs",
      "kind",
      "apiVersion",
    );
    fc.assert(
      fc.property(
        fc.dictionary(
          keys,
          fc.json({ maxDepth: 1 }).map((json) => JSON.parse(json) as unknown),
        ),
        (document) => {
          const path = written(document);
          try {
            expect(["endpoint", "deployment"]).toContain(kindOfFile(path));
          } catch (error) {
            expect(error).toBeInstanceOf(SpecError);
            expect((error as SpecError).problems).toHaveLength(1);
          }
        },
      ),
      { numRuns: 500 },
    );
  },
  TEST_DEADLINE_MS,
);
