// The files for CI systems in docs/ci, against the schemas of those systems, and their command against ours.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readCheck } from "../../adapters/cli/check/command-line.ts";
import { packageFile } from "../../src/core/package-root.ts";
import { project } from "../adapters/cli/check/scorefn-check.ts";
import { environment } from "../setup/environments.mjs";

const FILES = [
  ["github-actions.yml", "vendor.github-workflows", []],
  ["azure-pipelines.yml", "vendor.azure-pipelines", ["--data-transform", "azure-pipelines"]],
  ["gitlab-ci.yml", "vendor.gitlab-ci", ["--data-transform", "gitlab-ci"]],
] as const;

describe.each(FILES)("docs/ci/%s", (name, schema, flags) => {
  const file = packageFile(`docs/ci/${name}`);

  test("is what the CI system's schema takes, which finds what is wrong", () => {
    const tools = environment("reports");
    if ("unavailable" in tools) throw new Error(tools.unavailable);
    const program = join(tools.python, "../check-jsonschema");
    const validate = (path: string): string =>
      execFileSync(program, ["--regex-variant", "nonunicode", "--builtin-schema", schema, ...flags, path], {
        encoding: "utf8",
      });
    expect(validate(file)).toContain("ok");
    const text = readFileSync(file, "utf8").replace(/^( *)steps:$|^( *)script:$/m, "$1$2stepps:");
    const wrong = project({ [name]: text });
    expect(() => validate(join(wrong, name))).toThrow();
  });

  test("calls the command as it is", () => {
    const commands = textsOf(parse(readFileSync(file, "utf8"))).flatMap(
      (text) => /npx --yes scorefn check (.*)/s.exec(text)?.[1] ?? [],
    );
    expect(commands).toHaveLength(1);
    const command = readCheck(commands[0]!.trim().split(/\s+/), project({}));
    expect(command.problems).toEqual([]);
    expect(command.reports.map(({ form }) => form)).toContain("junit");
    expect(command.what).toMatchObject({ kind: "script", flags: { entry_script: "score.py", model_dir: "model" } });
  });
});

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
