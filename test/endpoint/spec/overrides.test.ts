import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  checkDocument,
  type DocumentKind,
  endpointDocument,
  kindOfFile,
  mergeDocuments,
  readDeploymentFile,
  readEndpointFile,
  SpecError,
  type SpecProblem,
  setValue,
} from "../../../endpoint/spec/index.ts";
import type { Overrides, ReadResult } from "../../../endpoint/types.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/endpoints");
const folder = mkdtempSync(join(tmpdir(), "scorefn-overrides-"));
afterAll(() => rmSync(folder, { recursive: true }));

function said(act: () => unknown): string[] {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    return (error as SpecError).problems.map(
      ({ file, line, message }: SpecProblem) => `${line === null ? file : line}: ${message}`,
    );
  }
  throw new Error("it was taken");
}

describe("what the command line says", () => {
  const read = (file: string, overrides: Overrides): Record<string, unknown> =>
    readDeploymentFile(join(FIXTURES, "managed", file), overrides).document;

  test("beats the names in the file, and stands in for those that are missing or not filled in", () => {
    expect(read("blue.yml", { name: "Green", endpointName: "other" })).toMatchObject({
      name: "green",
      endpoint_name: "other",
    });
    expect(read("no-endpoint-name.yml", { name: "a-b", endpointName: "e-1" })).toMatchObject({
      name: "a-b",
      endpoint_name: "e-1",
    });
    expect(read("key-vault.yml", { endpointName: "e-1" })).toMatchObject({ endpoint_name: "e-1" });
    expect(read("key-vault.yml", { set: ["endpoint_name=e-2"] })).toMatchObject({ endpoint_name: "e-2" });
    expect(read("key-vault.yml", { endpointName: "e-1", set: ["endpoint_name=e-2"] })).toMatchObject({
      endpoint_name: "e-1",
    });
  });

  test("is checked like the file, and paths in it begin at the file's folder", () => {
    const path = "../assets/house-prices/model/prices.pkl";
    const set = [`model.path=${path}`, "instance_count=2", 'tags={"a": 1}', "request_settings.request_timeout_ms=9"];
    expect(read("blue.yml", { set })).toMatchObject({
      model: { path: join(FIXTURES, "managed", path) },
      instance_count: 2,
      tags: { a: 1 },
      request_settings: { request_timeout_ms: 9 },
    });
  });

  test("is named in problems, not the file", () => {
    const overrides = {
      name: "a b",
      endpointName: "on",
      set: ["instance_count=0", "model.path=nowhere", "trafic.a=1"],
    };
    expect(said(() => read("blue.yml", overrides)).sort()).toEqual([
      "--set instance_count=0: instance_count must be at least 1; found 0",
      '--set model.path=nowhere: there is no model "nowhere"',
      "--set trafic.a=1: trafic is not a key of an online deployment",
      '-n a b: name must have only letters, digits and dashes, and begin with a letter; found "a b"',
    ]);
    expect(said(() => read("blue.yml", { set: ["nonsense"] }))).toEqual(["--set nonsense: the equals sign is missing"]);
    expect(said(() => read("registered.yml", { set: ["model.path=x"] }))).toEqual([
      '--set model.path=x: model is the text "azureml:house-prices:3", which has no keys',
    ]);
  });

  test("is enough for an endpoint without a file", () => {
    expect(endpointDocument({ name: "My-End", set: ["auth_mode=aml_token"] })).toEqual({
      document: { auth_mode: "aml_token", name: "my-end" },
      warnings: [],
    });
    expect(said(() => endpointDocument({}))).toEqual(["the command line: name is missing"]);
    expect(said(() => endpointDocument({ name: "a.b" }))[0]).toMatch(
      /^-n a\.b: an endpoint's name must have only letters/,
    );
  });
});

test("a document that was changed is checked again, by its name", () => {
  const { document }: ReadResult = readDeploymentFile(join(FIXTURES, "managed/blue.yml"));
  const changed = setValue(document, "instance_count=none");
  expect(said(() => checkDocument("deployment", changed))).toEqual([
    'the deployment blue: instance_count must be a whole number; found "none"',
  ]);
  const update = { request_settings: { request_timeout_ms: 9000 } };
  expect(checkDocument("deployment", mergeDocuments(document, update)).document).toEqual({ ...document, ...update });
});

test("a file of the other kind is refused by its kind", () => {
  const [endpoint, deployment] = ["endpoint.yml", "blue.yml"].map((name) => join(FIXTURES, "managed", name)) as [
    string,
    string,
  ];
  const kinds: DocumentKind[] = [kindOfFile(endpoint), kindOfFile(deployment)];
  expect(kinds).toEqual(["endpoint", "deployment"]);
  expect(said(() => readDeploymentFile(endpoint))[0]).toMatch(
    /the file describes an endpoint, but a deployment is expected$/,
  );
  expect(said(() => readEndpointFile(deployment))[0]).toMatch(
    /the file describes a deployment, but an endpoint is expected$/,
  );
});

test("names that could lead out of a folder or end a header are refused", () => {
  for (const name of [
    "../x",
    "a/b",
    "a\nb",
    "a\r\nX: y",
    ".",
    "..",
    "-a",
    "a".repeat(64),
    "ä",
    "a\0",
    "__proto__",
    " a",
  ]) {
    expect(() => checkDocument("endpoint", { name })).toThrow(SpecError);
    const code = { code: "assets/house-prices/script", scoring_script: "score.py" };
    const document = { name, endpoint_name: "e-1", code_configuration: code };
    expect(() => checkDocument("deployment", document, FIXTURES)).toThrow(SpecError);
    expect(() => checkDocument("deployment", { ...document, name: "blue", endpoint_name: name }, FIXTURES)).toThrow(
      SpecError,
    );
  }
});

test("a script that leads out of its folder is refused, and so is one that is not there", () => {
  const check = (scoring_script: string): unknown =>
    checkDocument(
      "deployment",
      { name: "blue", endpoint_name: "e-1", code_configuration: { code: "assets", scoring_script } },
      FIXTURES,
    );
  expect(check("house-prices/script/score.py")).toBeDefined();
  expect(said(() => check("../managed/blue.yml"))).toEqual([
    'the deployment blue: scoring_script lies in the folder of code; "../managed/blue.yml" leads out of it',
  ]);
  expect(said(() => check("/etc/passwd"))[0]).toMatch(/leads out of it$/);
  expect(said(() => check("house-prices"))).toEqual(['the deployment blue: there is no script "house-prices"']);
});

test("the file is shown as the user has named it", () => {
  const path = join(folder, "a.yml");
  writeFileSync(path, "name: a-b\ntrafic: {}\n");
  const shown = join(folder, "..", folder.split("/").at(-1)!, "a.yml");
  try {
    readEndpointFile(shown);
    throw new Error("it was read");
  } catch (error) {
    expect((error as Error).message).toBe(
      `${shown}:2:1: trafic is not a key of an endpoint\n  1 | name: a-b\n> 2 | trafic: {}\n    | ^\n  3 |\nDid you mean traffic?`,
    );
  }
});

test("a message is one line, whatever the command line or a key holds", () => {
  const check = (act: () => unknown): string => {
    try {
      act();
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error("it was taken");
  };
  expect(check(() => endpointDocument({ name: "a\n\u001b[31mb" }))).toMatch(
    /^-n a\\u000a\\u001b\[31mb: an endpoint's name/,
  );
  const document = {
    name: "blue",
    endpoint_name: "e-1",
    model: "azureml:m:1",
    environment_variables: { "a\nb": null },
  };
  expect(check(() => checkDocument("deployment", document))).toBe(
    'the deployment blue: a\\u000ab is empty; a variable must be a string\nWrite a\\u000ab: "" for an empty text.',
  );
});
