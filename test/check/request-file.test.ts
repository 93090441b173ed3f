// Files of checks: what is read, and what is said of files that cannot be used.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Validator } from "@cfworker/json-schema";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readRequestFile } from "../../check/request-file.ts";
import { packageFile } from "../../src/core/package-root.ts";

const folder = mkdtempSync(join(tmpdir(), "scorefn-checks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "in.json"), '{"a": 12345678901234567890}');
writeFileSync(join(folder, "in.bin"), Buffer.from([0, 255]));
writeFileSync(join(folder, "nan.json"), "[NaN]");
writeFileSync(join(folder, "broken.json"), "{");

function read(text: string | Buffer, name = "a.yaml") {
  const file = join(folder, name);
  writeFileSync(file, text);
  return readRequestFile(file, name);
}

describe("a file of checks", () => {
  test("holds one check or a list, with what stands for what is left out", () => {
    const { checks, problems } = read("request: {body: {data: [1, 2.0, 12345678901234567890]}}\n");
    expect(problems).toEqual([]);
    const [check] = checks;
    expect(check).toMatchObject({ name: "a.yaml", expect: {}, request: { method: "POST", path: "/score", query: "" } });
    expect(check!.request.headers).toEqual({ "content-type": "application/json" });
    expect(String(check!.request.body)).toBe('{"data": [1, 2.0, 12345678901234567890]}');
    const list = read(
      "- request: {}\n- name: two\n  request: {file: in.bin, path: /score?a=1, query: {b: [2, x y]}}\n",
    );
    expect(list.checks.map(({ name }) => name)).toEqual(["a.yaml: #1", "a.yaml: two"]);
    expect(list.checks[0]!.request).toMatchObject({ method: "GET", body: Buffer.alloc(0) });
    expect(list.checks[1]!.request).toMatchObject({
      method: "POST",
      query: "a=1&b=2&b=x+y",
      body: Buffer.from([0, 255]),
    });
    expect(list.checks[1]!.place).toMatchObject({ line: 2 });
  });

  test("means the same as JSON and as YAML", () => {
    const text =
      '{"name": "n", "request": {"body": [1.0, 1e2, 9007199254740993]}, "expect": {"body": {"x": 1}, "tolerance": 0.5, "status": [200, 201], "headers": {"A": "b", "c": null}, "max_ms": 9}}';
    const [yaml, json] = [read(text), read(text, "a.json")];
    expect(json.problems).toEqual([]);
    expect(String(json.checks[0]!.request.body)).toBe("[1.0, 100.0, 9007199254740993]");
    expect(String(yaml.checks[0]!.request.body)).toBe("[1.0, 100.0, 9007199254740993]");
    expect(json.checks[0]!.expect).toMatchObject({ status: [200, 201], headers: { a: "b", c: null }, maxMs: 9 });
    expect(yaml.checks[0]!.expect).toMatchObject({ status: [200, 201], headers: { a: "b", c: null }, maxMs: 9 });
  });

  test("sends a text as it stands where the content type is not JSON", () => {
    const { checks } = read("request: {body: 'a, b', headers: {Content-Type: text/csv}}");
    expect(String(checks[0]!.request.body)).toBe("a, b");
    expect(String(read("request: {body: 'a, b'}").checks[0]!.request.body)).toBe('"a, b"');
  });

  test.each<[string, string | Buffer, string, string?]>([
    ["no YAML", "a: [1", "a.yaml:1 is not YAML: "],
    ["no JSON", '{"request": }', "a.json:1 is not JSON: Expecting value", "a.json"],
    ["no text", Buffer.from([0xff, 0xfe]), "a.yaml is not UTF-8; save it as UTF-8"],
    ["nothing", "", "must hold a check, or a list of checks; it holds nothing"],
    ["a word", "hello", 'must hold a check, or a list of checks; it holds "hello"'],
    ["an empty list", "[]", "holds an empty list; write a check, or remove the file"],
    ["an entry that is no check", "- 1", "must be a map of keys, not 1"],
    ["no request", "name: x", "request is missing"],
    ["an unknown key", "requests: {}\nrequest: {}", 'a.yaml:1: a check has no key "requests"; did you mean request?'],
    ["an unknown key of a request", "request: {boddy: 1}", 'request has no key "boddy"; did you mean body?'],
    [
      "an unknown key of expect",
      "request: {}\nexpect:\n  maxms: 1",
      'a.yaml:3: expect has no key "maxms"; did you mean max_ms?',
    ],
    ["a key that is like none", "request: {}\nexpect: {zzzzzzzz: 1}", "the keys are status, headers, body"],
    ["two bodies", "request: {body: 1, file: in.json}", "request has body and file; keep one of them"],
    [
      "two expected bodies",
      "request: {}\nexpect: {body: 1, file: in.json}",
      "expect has body and file; keep one of them",
    ],
    [
      "a file that is not there",
      "request: {file: gone.json}",
      "request.file names gone.json, which does not exist; names are relative to the file of the check",
    ],
    [
      "an expected file that is not there",
      "request: {}\nexpect: {file: gone.json}",
      "expect.file names gone.json, which does not exist",
    ],
    ["a folder for a file", "request: {file: .}", "which is a folder"],
    [
      "an expected NaN",
      "request: {}\nexpect: {body: {a: [1, .nan]}}",
      "expect.body holds NaN at $.a[1], which no JSON can be like",
    ],
    [
      "an expected infinity",
      "request: {}\nexpect: {body: -.inf}",
      "expect.body holds -Infinity at $, which no JSON can be like",
    ],
    ["NaN in JSON", '{"request": {}, "expect": {"body": NaN}}', "expect.body holds NaN at $", "a.json"],
    ["NaN in an expected file", "request: {}\nexpect: {file: nan.json}", "expect.file holds NaN at $[0]"],
    ["an expected file that is no JSON", "request: {}\nexpect: {file: broken.json}", "broken.json is not JSON"],
    [
      "NaN that is sent",
      "request: {body: .nan}",
      "request.body holds NaN at $, which is not JSON; send it from a file",
    ],
    [
      "what is nested too deeply",
      `request: {}\nexpect: {body: ${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
      "a.yaml is nested too deeply",
    ],
    [
      "JSON that is nested too deeply",
      `{"request": {"body": ${"[".repeat(5_000)}${"]".repeat(5_000)}}}`,
      "a.json",
      "a.json",
    ],
    [
      "two checks of one name",
      "- name: x\n  request: {}\n- name: x\n  request: {}",
      'a.yaml:3: two checks are called "x"; give each a name of its own',
    ],
    ["a method that is none", "request: {method: FETCH}", "request.method must be GET, HEAD, POST"],
    ["a path without a slash", "request: {path: score}", "request.path must start with /"],
    ["a status that is none", "request: {}\nexpect: {status: 20}", "expect.status must be a status from 100 to 599"],
    ["a header that is none", "request: {headers: {'a b': c}}", '"a b" is no name of a header'],
    [
      "a header with a line end",
      'request: {headers: {a: "b\\nc"}}',
      "the header a holds a character that no header can have",
    ],
    [
      "a tolerance without a body",
      "request: {}\nexpect: {tolerance: 1}",
      "expect.tolerance is of no use without expect.body",
    ],
    [
      "a tolerance below zero",
      "request: {}\nexpect: {body: 1, tolerance: -1}",
      "expect.tolerance must be a number from 0, not -1",
    ],
    [
      "a time that is a text",
      "request: {}\nexpect: {max_ms: soon}",
      'expect.max_ms must be a number from 0, not "soon"',
    ],
    ["a path that is none", "request: {}\nexpect: {body: 1, ignore: time}", "expect.ignore: "],
    [
      "a schema that is none",
      "request: {}\nexpect: {schema: [1]}",
      "expect.schema must be a JSON Schema or the name of its file",
    ],
    [
      "a schema that refers to nothing",
      "request: {}\nexpect: {schema: {$ref: '#/$defs/x'}}",
      "expect.schema cannot be used: Unresolved $ref",
    ],
    ["a repeated key", "request: {}\nrequest: {}", "a.yaml:2 is not YAML: Map keys must be unique"],
  ])("that holds %s is refused in one line with the cure", (_what, text, line, name) => {
    const { problems } = read(text, name);
    expect(problems.join("\n")).toContain(line);
    for (const problem of problems) expect(problem).not.toContain("\n");
    expect(problems.length).toBeLessThanOrEqual(2);
  });
});

describe("the schema for editors", () => {
  const schema = JSON.parse(readFileSync(packageFile("check/schemas/checks.schema.json"), "utf8"));
  test.each([
    ["request: {}", true],
    ["- request: {body: [1]}\n  expect: {body: 1, tolerance: {absolute: 1, relative: 0.1}, ignore: $.a}", true],
    ["request: {method: post, path: /x, query: a=1, headers: {a: 1}}", true],
    ["request: {}\nexpect: {status: [200, 404], headers: {a: null}, schema: {type: object}, max_ms: 1.5}", true],
    ["[]", false],
    ["name: x", false],
    ["request: {boddy: 1}", false],
    ["request: {body: 1, file: in.json}", false],
    ["request: {method: FETCH}", false],
    ["request: {path: score}", false],
    ["request: {}\nexpect: {status: 20}", false],
    ["request: {}\nexpect: {tolerance: 1}", false],
    ["request: {}\nexpect: {body: 1, tolerance: -1}", false],
    ["request: {}\nexpect: {body: 1, tolerance: {about: 1}}", false],
    ["request: {}\nexpect: {schema: [1]}", false],
    ["request: {}\nexpect: {max_ms: soon}", false],
    ["request: {}\nother: 1", false],
  ])("and the command are of one mind about %j", (text, isGood) => {
    expect(new Validator(schema, "2020-12").validate(parse(text)).valid).toBe(isGood);
    expect(read(text).problems.length === 0).toBe(isGood);
  });
});
