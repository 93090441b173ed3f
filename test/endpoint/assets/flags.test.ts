// Assets by what the flags of a command say.
import { chmodSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type AssetFlags, checkAssets, readPairs, resolveWithFlags } from "../../../endpoint/assets/flags.ts";
import { InvalidSettingsError } from "../../../src/host.ts";
import { tree } from "../../packaging/tree.ts";
import { env, setUp } from "./set-up.ts";

const none: AssetFlags = {
  models: {},
  environments: {},
  pythons: {},
  upstreams: {},
  secretsFile: null,
  makesEnvironments: true,
};
const registered = { kind: "registered", name: "m", version: "1", text: "azureml:m:1" } as const;

const work = () => ({ folder: join(tree(), "version"), progress: () => {}, signal: new AbortController().signal });

test("pairs survive being kept as JSON, names of every object too", async () => {
  const models = readPairs("model", ["m=/a", "__proto__=/b", "constructor=/c"]);
  const kept = JSON.parse(JSON.stringify({ ...none, models })) as AssetFlags;
  expect(Object.entries(kept.models)).toEqual([
    ["m", "/a"],
    ["__proto__", "/b"],
    ["constructor", "/c"],
  ]);
  expect(readPairs("upstream", ["Blue=http://h:1"])).toEqual({ blue: "http://h:1" });
  expect(() => readPairs("python", ["x"])).toThrow('--python "x" has no "="');
});

test("models, secrets and the rest reach the deployment", async () => {
  const root = tree({ "m/a.txt": "", "secrets.yml": "c: {target: s3cret}" });
  chmodSync(join(root, "secrets.yml"), 0o644);
  const { spec } = setUp({ model: registered, environmentVariables: { T: `\${{azureml://connections/c/target}}` } });
  const flags = { ...none, models: { m: join(root, "m") }, secretsFile: join(root, "secrets.yml") };
  const assets = await resolveWithFlags(spec, flags, work(), env);
  expect(readdirSync(assets.modelDir!)).toEqual(["m"]);
  expect(assets.environmentVariables.T).toBe("s3cret");
  expect(assets.warnings).toEqual([expect.stringContaining("other users can read")]);
  await expect(resolveWithFlags(spec, { ...flags, secretsFile: "/gone" }, work(), env)).rejects.toThrow(
    "--secrets: /gone cannot be read",
  );
});

test("a start of several is checked as a whole, and makes nothing", async () => {
  const blue = setUp({ model: registered }).spec;
  const green = setUp({ name: "green", code: null }).spec;
  const cache = join(tree(), "cache");
  const where = { ...env, XDG_CACHE_HOME: cache };
  const flags = { ...none, pythons: { bleu: "python3" } };
  const error: unknown = await checkAssets([blue, green], flags, where).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(InvalidSettingsError);
  expect((error as InvalidSettingsError).problems.map(({ text }) => text)).toEqual([
    "--python: there is no deployment bleu; there is blue, green",
    expect.stringMatching(/^deployment blue: model azureml:m:1 /),
    expect.stringMatching(/^deployment green: code_configuration is missing/),
  ]);
  await checkAssets([setUp().spec], none, where);
  expect(existsSync(cache)).toBe(false);
});
