// Every numbered statement of the behaviour contract is named by a test, or stands in contract/left-out.json with the reason.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import leftOut from "./contract/left-out.json" with { type: "json" };
import rules from "./contract/rules.json" with { type: "json" };
import statements from "./contract/statements.json" with { type: "json" };
import { known } from "./differential/known.ts";

const TESTS = import.meta.dirname;
/** What names statements without testing them. */
const NOT_TESTS = ["contract.test.ts", "differential/known.ts"];

const ids = Object.keys(statements);
const prefixes = [...new Set(ids.map((id) => id.slice(0, id.indexOf("-"))))];
const CITATION = new RegExp(`\\b(?:${prefixes.join("|")})-\\d+\\b`, "g");

/** Id to the test files that name it. */
const citations = new Map<string, string[]>();
for (const file of testFiles(TESTS)) {
  for (const [id] of readFileSync(join(TESTS, file), "utf8").matchAll(CITATION)) {
    const files = citations.get(id) ?? [];
    if (!files.includes(file)) citations.set(id, [...files, file]);
  }
}

test("every statement is named by a test or left out with a reason", () => {
  const silent = ids.filter((id) => !citations.has(id) && !(id in leftOut));
  expect(silent.map(describe)).toEqual([]);
});

test("no statement is left out that a test names", () => {
  const tested = Object.keys(leftOut).filter((id) => citations.has(id));
  expect(tested.map((id) => `${describe(id)}: ${citations.get(id)}`)).toEqual([]);
});

test("every statement that is named or left out exists", () => {
  const unknown = [...citations.keys(), ...Object.keys(leftOut)].filter((id) => !(id in statements));
  expect(unknown.map((id) => `${id}: ${citations.get(id) ?? "left-out.json"}`)).toEqual([]);
});

test("every reason for leaving a statement out is given, and names only statements that are tested", () => {
  for (const [id, reason] of Object.entries<string>(leftOut)) {
    expect(reason, id).not.toBe("");
    const untested = [...reason.matchAll(CITATION)].filter(([named]) => !citations.has(named));
    expect(untested.flat(), id).toEqual([]);
  }
});

// rules.json: the statements that decide, by a RULE, where we differ from the reference.
const ruled = new Set(rules);
test("every known difference from the reference is decided by a RULE, or says its reason", () => {
  const open = known.filter(({ rule, reason }) => !(rule in statements) || (!ruled.has(rule) && reason === undefined));
  expect(open).toEqual([]);
});

// To write it anew: npx vitest run test/contract.test.ts -u
test("docs/contract.md lists the statements with the tests that hold them", async () => {
  await expect(contractPage()).toMatchFileSnapshot("../docs/contract.md");
});

function contractPage(): string {
  const lines = [INTRODUCTION.trim()];
  for (const [prefix, title] of Object.entries(SECTIONS)) {
    lines.push("", `## ${title}`, "", "| id | statement | tests |", "| --- | --- | --- |");
    for (const [id, sentence] of Object.entries(statements)) {
      if (id.startsWith(`${prefix}-`))
        lines.push(`| ${id}${ruled.has(id) ? "*" : ""} | ${sentence} | ${holders(id)} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}

const INTRODUCTION = `
# The server's contract

What the server does, sentence by sentence, with the tests that hold each; paths are below \`test/\`. The command
\`azmlinfsrv\` keeps to all of it. \`scorefn serve\` has its own command line and banner and shares the rest. Where a sentence
differs from the reference server (\`azureml-inference-server-http\` 1.5.1) on purpose, its id is marked with \`*\`.
[migrating.md](migrating.md) says the same from a user's point of view.

This page is made from \`test/contract/statements.json\` by \`test/contract.test.ts\`. Change a sentence there, then run
\`npx vitest run test/contract.test.ts -u\`.
`;

/** Statements about older documentation and judgements of the reference are not part of what the server does. */
const SECTIONS = {
  CLI: "Command line of azmlinfsrv",
  BAN: "Start-up output of azmlinfsrv",
  ENV: "Environment variables",
  CFG: "config.json",
  PROC: "Processes and exit codes",
  LOAD: "Loading the script",
  SIG: "Shape of run()",
  INIT: "init()",
  RT: "Routes",
  IN: "Input",
  API: "The script's Python API",
  OUT: "Results",
  HDR: "Headers",
  ERR: "Errors",
  TMO: "Time limits",
  SW: "Swagger",
  IS: "inference-schema",
  CORS: "CORS",
  LOG: "Log",
  TEL: "Telemetry",
  DBG: "Debugger",
  WIN: "Windows",
  JSON: "JSON",
};

/** The test files, or why there is none. */
function holders(id: string): string {
  const files = citations.get(id)?.map((file) => `\`${file}\``);
  return files?.sort().join(", ") ?? `none: ${(leftOut as Record<string, string>)[id]}`;
}

function describe(id: string): string {
  return `${id} ${(statements as Record<string, string>)[id] ?? ""}`;
}

/** Paths below the folder, without those of environments, packages and the lists themselves. */
function testFiles(folder: string, below = ""): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.name.startsWith(".") || entry.name === "node_modules" || NOT_TESTS.includes(path)) return [];
    if (entry.isDirectory()) return testFiles(folder, path);
    return /\.(ts|py)$/.test(entry.name) ? [path] : [];
  });
}
