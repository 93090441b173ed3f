// Reports as others read them: junitparser and sarif-tools from PyPI, the schema of SARIF, and what CI systems say of their
// own commands.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { azureIssues, disarmed, githubAnnotations, githubSummary } from "../../check/reports/ci.ts";
import { renderJson } from "../../check/reports/json.ts";
import { renderJunit, stripped } from "../../check/reports/junit.ts";
import { rootOf, shownFile } from "../../check/reports/places.ts";
import { renderSarif } from "../../check/reports/sarif.ts";
import { RULES, type RuleName } from "../../check/rules.ts";
import type { Finding, Report } from "../../check/types.ts";
import { packageFile } from "../../src/core/package-root.ts";
import { environment } from "../setup/environments.mjs";

const ROOT = "/home/me/repo";
const folder = mkdtempSync(join(tmpdir(), "scorefn-reports-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const finding = (over: Partial<Finding> = {}): Finding => ({
  rule: "answer-body",
  level: "error",
  message: "$ is 2, expected 1",
  ...over,
});

function report(findings: readonly Finding[], over: Partial<Report> = {}): Report {
  return {
    target: "score.py",
    script: `${ROOT}/score.py`,
    startedAt: new Date("2026-01-02T03:04:05.678Z"),
    ms: 1_234.5,
    checks: [
      { name: "the script loads", facts: "12 ms", ms: 12, findings: [] },
      { name: "a.yaml: one", ms: 3, findings, place: { file: `${ROOT}/checks/a.yaml`, line: 7 } },
    ],
    figures: { initMs: 12, memoryBytes: 1_000, requests: 2 },
    output: "printed <by> the & script\n",
    verdict: findings.some(({ level }) => level === "error") ? "failed" : "passed",
    strict: false,
    ...over,
  };
}

/** What `read_reports.py` prints of one file, of either kind. */
interface ReadReport {
  readonly tests: number;
  readonly failures: number;
  readonly suites: readonly {
    readonly name: string;
    readonly out: string | null;
    readonly cases: readonly {
      readonly name: string;
      readonly failures: readonly { readonly message: string; readonly type: string }[];
    }[];
  }[];
  readonly texts: readonly string[];
  readonly records: readonly { readonly Severity: string }[];
}

interface SarifResult {
  readonly locations?: readonly { readonly physicalLocation: object }[];
}

/** Reads what stands in the folder. */
function readAll(): Record<string, ReadReport> {
  const tools = environment("reports");
  if ("unavailable" in tools) throw new Error(tools.unavailable);
  const script = packageFile("test/check/read_reports.py");
  return JSON.parse(execFileSync(tools.python, [script, folder], { encoding: "utf8", maxBuffer: 1e9 }));
}

/** Any text, and what is likely to do harm. */
const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.string({
    unit: fc.constantFrom(
      "\u0000",
      "\u001b",
      "[31m",
      "]",
      "\u0085",
      "\ud800",
      "\udfff",
      "\uffff",
      "<",
      "&",
      '"',
      "'",
      "]]>",
      "\n",
      "\r",
      "\t",
      "%",
      ":",
      ",",
      ";",
      "é",
      "🙂",
      "|",
      "`",
      "##vso[",
    ),
    maxLength: 12,
  }),
);

const findings = fc.record({
  rule: fc.constantFrom(...(Object.keys(RULES) as RuleName[])),
  level: fc.constantFrom("error", "warning", "note" as const),
  message: texts,
  cure: fc.option(texts, { nil: undefined }),
  details: fc.option(texts, { nil: undefined }),
  place: fc.option(
    fc.record({
      file: fc.constantFrom(`${ROOT}/score.py`, `${ROOT}/a b/ü%.py`, "/elsewhere/x.py"),
      line: fc.option(fc.integer({ min: 1, max: 1e6 }), { nil: undefined }),
    }),
    { nil: undefined },
  ),
});

const reports = fc
  .record({
    output: texts,
    target: texts,
    strict: fc.boolean(),
    checks: fc.array(
      fc.record({
        name: texts,
        ms: fc.double({ min: 0, max: 1e6, noNaN: true }),
        findings: fc.array(findings, { maxLength: 3 }),
      }),
      { maxLength: 4 },
    ),
  })
  .map((parts): Report => report([], parts as Partial<Report>));

/** As an XML reader gives an attribute or a text back. */
const asRead = (text: string): string => stripped(text);

test("reports with any text in them are read back by the readers that people use", () => {
  const made = fc.sample(reports, { numRuns: 150, seed: 14 });
  made.forEach((one, index) => {
    writeFileSync(join(folder, `${index}.xml`), renderJunit(one, ROOT));
    writeFileSync(join(folder, `${index}.sarif`), renderSarif(one, ROOT));
  });
  const read = readAll();
  made.forEach((one, index) => {
    const junit = read[`${index}.xml`]!;
    const suite = junit.suites[0]!;
    const isFailing = ({ level }: Finding): boolean => level === "error" || (one.strict && level === "warning");
    const failing = one.checks.filter((check) => check.findings.some(isFailing));
    expect([junit.tests, junit.failures]).toEqual([one.checks.length, failing.length]);
    expect(suite.name).toBe(asRead(`scorefn check ${one.target}`));
    expect(suite.out ?? "").toBe(asRead(one.output));
    expect(suite.cases.map(({ name }) => name)).toEqual(one.checks.map(({ name }) => asRead(name)));
    one.checks.forEach((check, at) => {
      const [first] = check.findings.filter(isFailing);
      const [failure] = suite.cases[at]!.failures;
      expect(failure?.message).toBe(first === undefined ? undefined : asRead(first.message));
      expect(failure?.type).toBe(first?.rule);
    });
    const sarif = read[`${index}.sarif`]!;
    const all = one.checks.flatMap((check) => check.findings.map((found) => ({ check, found })));
    expect(sarif.texts).toEqual(
      all.map(({ check, found }) =>
        stripped(`${check.name}: ${found.message}${found.cure === undefined ? "" : `\n${found.cure}`}`),
      ),
    );
    expect(sarif.records.map((record) => record.Severity)).toEqual(all.map(({ found }) => found.level));
  });
});

test("SARIF is as its schema says", () => {
  const files = fc.sample(reports, { numRuns: 40, seed: 15 }).map((one, index) => {
    const file = join(folder, `schema-${index}.json`);
    writeFileSync(file, renderSarif(one, ROOT));
    return file;
  });
  const tools = environment("reports");
  if ("unavailable" in tools) throw new Error(tools.unavailable);
  const program = join(tools.python, "../check-jsonschema");
  const schema = packageFile("test/fixtures/sarif-2.1.0-rtm.5.schema.json");
  const check = (...names: string[]): string =>
    execFileSync(program, ["--regex-variant", "nonunicode", "--schemafile", schema, ...names], { encoding: "utf8" });
  expect(check(...files)).toContain("ok");
  // The schema finds what is wrong.
  const wrong = join(folder, "schema-wrong.json");
  writeFileSync(wrong, renderSarif(report([finding()]), ROOT).replace('"level": "error"', '"level": "bad"'));
  expect(() => check(wrong)).toThrow();
});

describe("a report", () => {
  test("has places relative to the root, and none of files elsewhere", () => {
    const sarif = JSON.parse(
      renderSarif(
        report([
          finding(),
          finding({ place: { file: `${ROOT}/a b.py`, line: 3, column: 2 } }),
          finding({ place: { file: "/etc/x" } }),
        ]),
        ROOT,
      ),
    );
    const [one, other, last] = sarif.runs[0].results.map(
      ({ locations }: SarifResult) => locations?.[0]?.physicalLocation,
    );
    expect(one).toMatchObject({ artifactLocation: { uri: "checks/a.yaml" }, region: { startLine: 7 } });
    expect(other).toMatchObject({ artifactLocation: { uri: "a%20b.py" }, region: { startLine: 3, startColumn: 2 } });
    expect(last).toBeUndefined();
    expect(renderJunit(report([finding()]), ROOT)).toContain('file="checks/a.yaml" line="7"');
    expect(JSON.parse(renderJson(report([finding()]), ROOT)).checks[1].findings[0]).toMatchObject({
      file: "checks/a.yaml",
      line: 7,
    });
  });

  test("has fingerprints that stay while only figures and lines change", () => {
    const print = (over: Partial<Finding>): string =>
      JSON.stringify(JSON.parse(renderSarif(report([finding(over)]), ROOT)).runs[0].results[0].partialFingerprints);
    const one = print({ key: "body $.a: number", message: "$.a is 2, expected 1" });
    expect(
      print({ key: "body $.a: number", message: "$.a is 3, expected 1", place: { file: `${ROOT}/x`, line: 9 } }),
    ).toBe(one);
    expect(print({ key: "body $.b: number", message: "$.a is 2, expected 1" })).not.toBe(one);
    expect(print({ key: "body $.a: number", rule: "answer-schema" })).not.toBe(one);
  });

  test("finds the root where the CI system has checked the repository out", () => {
    expect(rootOf("/a/b/c", { GITHUB_WORKSPACE: "/a/b" })).toBe("/a/b");
    expect(rootOf("/a/b/c", { CI_PROJECT_DIR: "/a" })).toBe("/a");
    expect(rootOf("/a/b/c", { BUILD_SOURCESDIRECTORY: "/x" })).toBe("/a/b/c");
    expect(rootOf("/a/b/c", {})).toBe("/a/b/c");
    expect(shownFile("/a/bc/d", "/a/b")).toBeUndefined();
    expect(shownFile("/a/b/..x/d", "/a/b")).toBe("..x/d");
  });
});

describe("annotations", () => {
  test("of GitHub are one line each, with everything escaped that ends a part", () => {
    const bad = finding({ message: "50 %\r\nnext: a,b", cure: "do", place: { file: `${ROOT}/a,b:c.py`, line: 3 } });
    expect(githubAnnotations(report([bad, finding({ level: "note", message: "n" })]), ROOT)).toBe(
      "::error file=a%2Cb%3Ac.py,line=3,title=a.yaml%3A one (answer-body)::50 %25%0D%0Anext: a,b%0Ado\n" +
        "::notice file=checks/a.yaml,line=7,title=a.yaml%3A one (answer-body)::n\n",
    );
  });

  test("of Azure Pipelines are one line each, with everything escaped that ends a part", () => {
    const bad = finding({ message: "50 %\r\nnext]; a", place: { file: `${ROOT}/a;b].py`, line: 3 } });
    expect(azureIssues(report([bad, finding({ level: "warning", message: "w" })]), ROOT)).toBe(
      "##vso[task.logissue type=error;sourcepath=a%3Bb%5D.py;linenumber=3;code=answer-body;]a.yaml: one: 50 %AZP25%0D%0Anext]; a\n" +
        "##vso[task.logissue type=warning;sourcepath=checks/a.yaml;linenumber=7;code=answer-body;]a.yaml: one: w\n",
    );
  });

  test("hold any text in one line, and no more than GitHub shows", () => {
    fc.assert(
      fc.property(reports, (one) => {
        for (const text of [githubAnnotations(one, ROOT), azureIssues(one, ROOT)]) {
          for (const line of text.split("\n").slice(0, -1)) {
            expect(line).toMatch(/^(?:::(?:error|warning|notice) [^\n]*?::|##vso\[task\.logissue [^\]]*\])/);
            // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
            expect(line).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
          }
        }
      }),
    );
    const many = report(Array.from({ length: 30 }, (_, index) => finding({ message: `${index}` })));
    expect(githubAnnotations(many, ROOT).split("\n")).toHaveLength(11);
  });

  test("are not what answers can make up", () => {
    const text = "  x ##vso[task.setvariable variable=a]b\n  ::add-mask::c\n::error::d\nfine :: here\n##[section]e";
    const safe = disarmed(text);
    expect(safe).not.toMatch(/##vso\[|##\[|^\s*::/m);
    expect(safe).toContain("fine :: here");
  });
});

test("GitHub's table has a row for each check, and no text can break out of its cell", () => {
  fc.assert(
    fc.property(reports, (one) => {
      const lines = githubSummary(one).trimEnd().split("\n");
      expect(lines).toHaveLength(4 + one.checks.length);
      for (const row of lines.slice(4)) expect(row.match(/\|/g)).toHaveLength(4);
    }),
  );
});
