// Files that say only what is to change.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type DocumentKind, mergeDocuments, openUpdateFile, SpecError } from "../../../endpoint/spec/index.ts";
import type { Document, Overrides } from "../../../endpoint/types.ts";
import { tree, write } from "../../packaging/tree.ts";

const folder = tree({ "code/score.py": "", "other/score.py": "", "model.bin": "" });

const BLUE: Document = {
  name: "blue",
  endpoint_name: "prices",
  code_configuration: { code: join(folder, "code"), scoring_script: "score.py" },
  environment: "azureml:e:1",
  instance_type: "Standard_DS3_v2",
  tags: { team: "a" },
  environment_variables: { LEVEL: "info" },
};
const CLUSTER: Document = {
  ...BLUE,
  type: "kubernetes",
  scale_settings: { type: "target_utilization", min_instances: 1, max_instances: 3 },
};

let files = 0;
function open(text: string, overrides: Overrides = {}, kind: DocumentKind = "deployment") {
  const name = `${++files}.yml`;
  write(folder, { [name]: text });
  return openUpdateFile(kind, join(folder, name), overrides);
}

const NAMES = { name: "blue", endpointName: "prices" };

/** What a file makes of a document, by the way that it goes to the endpoint. */
function updated(text: string, old: Document = BLUE, overrides: Overrides = NAMES): Document {
  return mergeDocuments(old, open(text, overrides).mergedWith(old).document);
}

/** `line:column: message`, or `origin: message`. */
function problems(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    return (error as SpecError).problems.map(({ file, line, column, message }) =>
      line === null ? `${file}: ${message}` : `${line}:${column}: ${message}`,
    );
  }
  throw new Error("it was taken");
}

describe("a file that is no whole deployment", () => {
  test("changes what it says, and leaves the rest", () => {
    expect(updated("request_settings:\n  request_timeout_ms: 9000\n")).toEqual({
      ...BLUE,
      request_settings: { request_timeout_ms: 9000 },
    });
    expect(updated("tags: {stage: test}\nenvironment_variables: {LEVEL: debug, N: 1}\n")).toEqual({
      ...BLUE,
      tags: { team: "a", stage: "test" },
      environment_variables: { LEVEL: "debug", N: "1" },
    });
  });

  test("may have nothing that tells a deployment from an endpoint", () => {
    expect(updated("tags: {stage: test}\n").tags).toEqual({ team: "a", stage: "test" });
    expect(updated("name: blue\ndescription: new\n").description).toBe("new");
  });

  test("need not say that it is one for Kubernetes", () => {
    const found = updated("resources: {requests: {cpu: '1'}}\nscale_settings: {max_instances: '5'}\n", CLUSTER);
    expect(found).toMatchObject({
      type: "kubernetes",
      resources: { requests: { cpu: "1" } },
      scale_settings: { type: "target_utilization", min_instances: 1, max_instances: 5 },
    });
  });

  test("has paths that begin at its own folder", () => {
    const code = updated("code_configuration: {code: other, scoring_script: score.py}\n").code_configuration;
    expect(code).toEqual({ code: join(folder, "other"), scoring_script: "score.py" });
  });

  test("leaves what counts as false in Python as it is, as Azure does", () => {
    const old = { ...BLUE, app_insights_enabled: true };
    expect(updated("app_insights_enabled: false\ndescription: ''\n", old).app_insights_enabled).toBe(true);
  });
});

describe("what it is for", () => {
  test("is said by the file or by the command, which wins", () => {
    expect(open("name: Blue\nendpoint_name: Prices\ntags: {a: b}\n")).toMatchObject(NAMES);
    const overrides = { name: "Green", endpointName: "Other" };
    expect(open("name: blue\nendpoint_name: <ENDPOINT_NAME>\n", overrides)).toMatchObject({
      name: "green",
      endpointName: "other",
    });
    expect(open("tags: {a: b}\n", { name: "Prices" }, "endpoint")).toMatchObject({ name: "prices" });
  });

  test.each([
    ["is missing", "tags: {a: b}\n", ["1:1: endpoint_name is missing", "1:1: name is missing"]],
    ["is no text", "name: 1\nendpoint_name: e\n", ["1:7: name must be a string; found the number 1"]],
    ["is not filled in", "name: b\nendpoint_name: <E>\n", ["2:16: the placeholder <E> is not filled in"]],
    ["is another kind's", "auth_mode: key\n", [expect.stringContaining("the file describes an endpoint")]],
  ])("%s: the file is refused before anything is asked", (_what, text, expected) => {
    expect(problems(() => open(text)).sort()).toEqual(expected);
  });
});

describe("mistakes", () => {
  test.each<[what: string, text: string, old: Document, expected: unknown[]]>([
    [
      "of the file",
      "tags: {a: b}\nrequest_settings:\n  request_timeout_ms: x\n",
      BLUE,
      [expect.stringMatching(/^3:23: /)],
    ],
    [
      "that Azure would ignore",
      "request_settings:\n  request_timeout_ms: 0\n",
      BLUE,
      [expect.stringMatching(/^2:23: /)],
    ],
    ["of keys", "tag: {a: b}\n", BLUE, [expect.stringMatching(/^1:1: tag is not a key/)]],
    ["of paths", "model: {path: no.bin}\n", BLUE, [expect.stringMatching(/^1:15: there is no model "no.bin"/)]],
    ["of the other kind", "resources: {}\n", BLUE, [expect.stringMatching(/^1:1: resources is for Kubernetes/)]],
    [
      "that both make together",
      "scale_settings: {min_instances: 5}\n",
      CLUSTER,
      ["1:1: max_instances is 3, which is less than min_instances 5"],
    ],
    [
      "that the old document has by now",
      "tags: {a: b}\n",
      { ...BLUE, model: { path: join(folder, "gone.bin") } },
      [`the deployment blue: there is no model "${join(folder, "gone.bin")}"`],
    ],
  ])("%s have their place", (_what, text, old, expected) => {
    expect(problems(() => open(text, NAMES).mergedWith(old))).toEqual(expected);
  });

  test("of the command line are told with its flag, and --set fills in what the file leaves open", () => {
    const text = "model: {path: <MODEL>}\n";
    expect(problems(() => open(text, NAMES).mergedWith(BLUE))).toEqual([
      expect.stringMatching(/^1:15: the placeholder/),
    ]);
    const set = ["model.path=model.bin"];
    expect(open(text, { ...NAMES, set }).mergedWith(BLUE).document).toEqual({
      model: { path: join(folder, "model.bin") },
    });
    const wrong = { ...NAMES, set: ["instance_count=many"] };
    expect(problems(() => open("tags: {a: b}\n", wrong).mergedWith(BLUE))).toEqual([
      expect.stringMatching(/^--set instance_count=many: instance_count must be a whole number/),
    ]);
  });
});

describe("warnings", () => {
  test("are told of what changes, and not again of what was so before", () => {
    const old = { ...BLUE, instance_type: undefined, environment_variables: { WORKER_COUNT: "2" } };
    const { instance_type: _none, ...bare } = old;
    expect(open("tags: {a: b}\n", NAMES).mergedWith(bare).warnings).toEqual([]);
    const found = open("request_settings: {max_concurrent_requests_per_instance: 4}\n", NAMES).mergedWith(bare);
    expect(found.warnings).toEqual([expect.stringContaining("WORKER_COUNT is")]);
    const short = { name: "b", endpointName: "e" };
    const told = open("tags: {a: b}\n", short).mergedWith({ ...BLUE, name: "b", endpoint_name: "e" });
    expect(told.warnings).toEqual([]);
    const probe = open("startup_probe: {period: 1}\n", NAMES).mergedWith(bare);
    expect(probe.warnings).toEqual([expect.stringMatching(/\.yml:1:1: az ml rejects startup_probe/)]);
  });
});

test("a file for an endpoint is checked with the endpoint, too", () => {
  const old = { name: "prices", compute: "azureml:k", auth_mode: "key" };
  expect(open("auth_mode: AMLToken\n", { name: "prices" }, "endpoint").mergedWith(old).document).toEqual({
    auth_mode: "aml_token",
  });
  expect(
    problems(() => open("tags: {}\nauth_mode: aad_token\n", { name: "prices" }, "endpoint").mergedWith(old)),
  ).toEqual([expect.stringMatching(/^2:12: aad_token is for managed endpoints/)]);
});

test("text that is no YAML, or empty, is refused where it is read", () => {
  expect(problems(() => open("a: [", NAMES))).toHaveLength(1);
  expect(problems(() => open("", NAMES))).toEqual([expect.stringContaining("the file is empty")]);
  expect(problems(() => open("- a\n", NAMES))).toEqual([expect.stringContaining("the file holds a list")]);
});
