// The hosts' documents say all that a build takes.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseDocument } from "yaml";
import { readTemplate } from "../../packaging/templates/index.ts";
import { packageFile } from "../../src/core/package-root.ts";
import { preparedTool } from "../setup/tools.ts";

const DOCS = Object.fromEntries(
  ["aws-lambda", "azure-functions"].map((host) => [host, readFileSync(packageFile(`docs/${host}.md`), "utf8")]),
) as Record<"aws-lambda" | "azure-functions", string>;

test("every flag of the build stands in a document", () => {
  const help = String(execFileSync(process.execPath, [packageFile("dist/adapters/cli/scorefn.js"), "build", "--help"]));
  const flags = new Set([...help.matchAll(/^ {2}(--[a-z_]+)/gm)].map(([, flag]) => flag!));
  flags.delete("--target");
  expect(flags.size).toBeGreaterThan(10);
  const text = [...Object.values(DOCS), readFileSync(packageFile("docs/building.md"), "utf8")].join("\n");
  expect([...flags].filter((flag) => !text.includes(`\`${flag} `) && !text.includes(`\`${flag}\``))).toEqual([]);
});

test("every parameter of the SAM template does", () => {
  const { Parameters } = parseDocument(readTemplate("aws-lambda/template.yaml")).toJSON();
  const missing = Object.keys(Parameters).filter((name) => !DOCS["aws-lambda"].includes(`\`${name}\``));
  expect(missing).toEqual([]);
});

test.for(["zip", "image"])("every parameter of the Bicep for the %s does, with its variable", (kind) => {
  const { parameters } = JSON.parse(readTemplate(`azure-functions/${kind}/main.parameters.json`)) as {
    parameters: Record<string, { value: string }>;
  };
  const rows = Object.entries(parameters).filter(([name]) => !["environmentName", "location"].includes(name));
  const names = rows.flatMap(([name, { value }]) => [name, /\w+/.exec(value)![0]]);
  expect(names.filter((name) => !DOCS["azure-functions"].includes(`\`${name}\``))).toEqual([]);
});

describe.each(["aws-lambda", "azure-functions"] as const)("the programs of %s.md", (host) => {
  const programs = (language: string) =>
    [...DOCS[host].matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, "g"))].map(([, text]) => text!);

  test("are Python", ({ skip }) => {
    const python = preparedTool("python", skip);
    expect(programs("python").length).toBeGreaterThan(0);
    for (const input of programs("python"))
      execFileSync(python, ["-c", "import ast, sys; ast.parse(sys.stdin.read())"], { input });
  });

  test("are JavaScript", () => {
    expect(programs("js").length).toBeGreaterThan(0);
    for (const input of programs("js")) {
      execFileSync(process.execPath, ["--check", "--input-type=module", "-"], { input });
    }
  });

  test("are commands of a shell", () => {
    expect(programs("sh").length).toBeGreaterThan(0);
    for (const input of programs("sh")) execFileSync("sh", ["-n"], { input });
  });
});
