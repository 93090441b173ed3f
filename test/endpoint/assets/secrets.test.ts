// References to secrets in environment variables.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readReference, resolveSecrets, secretVariable } from "../../../endpoint/assets/secrets.ts";
import { parseSecrets, readSecretsFile } from "../../../endpoint/assets/secrets-file.ts";
import { ConfigError } from "../../../src/host.ts";
import { tree as folder } from "../../packaging/tree.ts";

const braces = (text: string): string => `\${{${text}}}`;
const KEY = braces("azureml://connections/aoai/credentials/key");

function resolve(text: string, file: string | null, env: Record<string, string> = {}) {
  const read = file === null ? null : parseSecrets(file, "secrets.yml");
  const found = resolveSecrets({ V: text, OTHER: "plain" }, { file: read, env });
  return { ...found, value: found.variables.V };
}

describe("a file holds", () => {
  const tree = `connections:
  aoai:
    credentials: {key: 007}
    target: https://a.example
    metadata: {region: west}
  custom:
    credentials: {A: one, B: true}
  listed: {properties: {authType: CustomKeys, credentials: {keys: {A: two}}, target: t, metadata: {}}}
keyvault:
  my-vault: {db: p4ss}
`;
  test.each([
    ["azureml://connections/aoai/credentials/key", "007"],
    ["azureml://connections/aoai/target", "https://a.example"],
    ["azureml://connections/aoai/metadata/region", "west"],
    ["azureml://connections/custom/credentials/B", "true"],
    ["azureml://connections/listed/credentials/A", "two"],
    ["keyvault:https://my-vault.vault.azure.net/secrets/db", "p4ss"],
    ["keyvault:https://my-vault.vault.azure.net/secrets/db/0123", "p4ss"],
    [
      "azureml://connections/aoai",
      '{"properties":{"authType":"ApiKey","credentials":{"key":"007"},"target":"https://a.example","metadata":{"region":"west"}}}',
    ],
    [
      "azureml://connections/custom",
      '{"properties":{"authType":"CustomKeys","credentials":{"keys":{"A":"one","B":"true"}},"target":"","metadata":{}}}',
    ],
    [
      "azureml://connections/listed",
      '{"properties":{"authType":"CustomKeys","credentials":{"keys":{"A":"two"}},"target":"t","metadata":{}}}',
    ],
  ])("%s", (reference, value) => {
    expect(resolve(braces(reference), tree)).toMatchObject({ value, problems: [], warnings: [] });
    const flat = JSON.stringify({ [braces(reference)]: "by reference" });
    expect(resolve(braces(` ${reference} `), flat).value).toBe("by reference");
    expect(resolve(braces(reference), JSON.stringify({ [reference]: "bare" })).value).toBe("bare");
  });

  test("connections at its top, too", () => {
    expect(resolve(KEY, "aoai: {credentials: {key: x}}").value).toBe("x");
  });

  test.each([
    "a: [",
    "- s3cret",
    "s3cret",
    "",
    "a: &a [*a, s3cret]\nb: *c",
    "a: s3cret\na: s3cret",
    `a: &a [x,x,x,x,x,x,x,x,x,x]\n${[..."bcdefgh"].map((n, i) => `${n}: &${n} [${Array(10).fill(`*${"abcdefgh"[i]}`)}]`).join("\n")}`,
  ])("nothing that can be read: %#", (text) => {
    expect.assertions(2);
    try {
      parseSecrets(text, "secrets.yml");
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as Error).message).not.toContain("s3cret");
    }
  });

  test("what others may not read", () => {
    const file = join(folder(), "secrets.yml");
    writeFileSync(file, "a: b", { mode: 0o600 });
    expect(readSecretsFile(file).warnings).toEqual([]);
    chmodSync(file, 0o644);
    expect(readSecretsFile(file).warnings[0]).toContain(`chmod 600 ${file}`);
    expect(() => readSecretsFile(`${file}.gone`)).toThrow(`--secrets: ${file}.gone cannot be read`);
  });
});

describe("a variable of the process holds", () => {
  test.each([
    ["azureml://connections/my-aoai/credentials/api.key", "SCOREFN_SECRET_MY_AOAI_API_KEY"],
    ["azureml://connections/aoai/target", "SCOREFN_SECRET_AOAI_TARGET"],
    ["azureml://connections/aoai/metadata/region", "SCOREFN_SECRET_AOAI_METADATA_REGION"],
    ["azureml://connections/aoai", "SCOREFN_SECRET_AOAI"],
    ["keyvault:https://kv-1.vault.azure.net/secrets/db-pass/12", "SCOREFN_SECRET_KV_1_DB_PASS"],
  ])("%s as %s", (reference, variable) => {
    expect(secretVariable(readReference(reference)!)).toBe(variable);
    expect(resolve(braces(reference), null, { [variable]: " $& " })).toMatchObject({ value: " $& ", problems: [] });
  });

  test("what the file lacks", () => {
    const env = { SCOREFN_SECRET_AOAI_KEY: "e" };
    expect(resolve(KEY, "aoai: {credentials: {key: f}}", env).value).toBe("f");
    expect(resolve(KEY, "aoai: {credentials: {key: ''}}", env).value).toBe("e");
    expect(resolve(KEY, "aoai: {credentials: {other: f}}", env).value).toBe("e");
  });

  test("one secret, not two", () => {
    const [one, other] = [
      braces("azureml://connections/a-b/credentials/c"),
      braces("azureml://connections/a/credentials/b_c"),
    ];
    const env = { SCOREFN_SECRET_A_B_C: "x" };
    expect(resolveSecrets({ V: one, W: one }, { file: null, env }).problems).toEqual([]);
    expect(resolveSecrets({ V: one, W: other }, { file: null, env }).problems).toEqual([
      `environment_variables: W refers to ${other}, and SCOREFN_SECRET_A_B_C stands for ${one} already; put both into the file of --secrets`,
    ]);
  });
});

describe("without a value", () => {
  test("all are named, with the cure", () => {
    const { problems } = resolve(KEY, "aoai: {credentials: {other: s3cret}}", { SCOREFN_SECRET_AOAI_KEY: "" });
    expect(problems).toEqual([
      `environment_variables: there is no value for ${KEY}, which V refers to; put it into the file of --secrets, or set SCOREFN_SECRET_AOAI_KEY for this command`,
    ]);
  });

  test.each([
    "azureml://connections",
    "azureml://connections/a/b/c",
    "azureml://connections/a/credentials",
    "azureml://connection/a",
    "keyvault:my-vault/secrets/x",
    "keyvault:https://my-vault.vault.azure.net/keys/x",
  ])("%s is told as no reference", (text) => {
    expect(resolve(braces(text), null).problems[0]).toContain(
      `V holds ${braces(text)}, which is not a reference to a secret`,
    );
  });

  test("a reference that does not end is told", () => {
    expect(resolve(`a ${KEY.slice(0, -1)}`, null).problems[0]).toContain("does not end with }}");
  });

  test("no key of every object is taken for one", () => {
    for (const key of ["constructor", "__proto__", "toString"]) {
      const text = braces(`azureml://connections/${key}/credentials/${key}`);
      expect(resolve(text, "aoai: {credentials: {}}").problems).toHaveLength(1);
    }
  });
});

test("text around a reference stays, and is told", () => {
  const found = resolve(`Bearer ${KEY};${KEY}`, "aoai: {credentials: {key: k}}");
  expect(found.value).toBe("Bearer k;k");
  expect(found.warnings[0]).toContain("V has text around");
});

test("other braces stay, and are told", () => {
  const found = resolve(braces("inputs.x"), null);
  expect(found).toMatchObject({ value: braces("inputs.x"), problems: [] });
  expect(found.warnings).toHaveLength(1);
  expect(resolve("a {{b}} $c", null)).toMatchObject({ value: "a {{b}} $c", warnings: [] });
});

test("values show neither when printed nor as JSON, and are there when copied", () => {
  const { variables } = resolve(`x${KEY}`, "aoai: {credentials: {key: s3cret}}");
  for (const shown of [inspect({ variables }, { depth: 9 }), JSON.stringify({ a: [variables] }), `${variables}`]) {
    expect(shown).not.toContain("s3cret");
  }
  expect(inspect(variables)).toContain("OTHER: 'plain'");
  expect({ ...variables }).toEqual({ V: "xs3cret", OTHER: "plain" });
  expect(Object.keys(variables)).toEqual(["V", "OTHER"]);
});

test("whatever the file holds and the variables refer to, no message shows a value", () => {
  const name = fc.stringMatching(/^[a-z]{1,3}$/);
  const reference = fc.oneof(
    fc
      .tuple(name, fc.constantFrom("credentials", "metadata", "target", "x"), name)
      .map((p) => `azureml://connections/${p.join("/")}`),
    name.map((n) => `azureml://connections/${n}`),
    fc.string(),
  );
  const around = fc.constantFrom("", " ", "a", "${{", "}}");
  const text = fc.tuple(around, reference, around).map(([before, inner, after]) => before + braces(inner) + after);
  const leaf = fc.constant("S3CRET-VALUE");
  const tree = fc.dictionary(
    name,
    fc.oneof(
      leaf,
      fc.dictionary(fc.constantFrom("credentials", "metadata", "target"), fc.oneof(leaf, fc.dictionary(name, leaf))),
    ),
  );
  fc.assert(
    fc.property(fc.dictionary(name, text), tree, (variables, content) => {
      const file = parseSecrets(JSON.stringify(content), "f");
      const { problems, warnings, variables: resolved } = resolveSecrets(variables, { file, env: {} });
      expect([...problems, ...warnings, inspect(resolved), JSON.stringify(resolved)].join("\n")).not.toContain(
        "S3CRET-VALUE",
      );
      for (const problem of problems) expect(problem).toMatch(/^environment_variables: /);
    }),
  );
});
