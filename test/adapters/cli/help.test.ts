// Help as it is printed, to the letter: the golden texts stand in help/.
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { formatHelp, type HelpPage } from "../../../adapters/cli/help/page.ts";
import { VERBS } from "../../../adapters/cli/online/flags.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { runInTerminal } from "../../setup/terminal.ts";

const SCOREFN = packageFile("dist/adapters/cli/scorefn.js");
const COMMAND = [process.execPath, SCOREFN];
const run = promisify(execFile);

/** What a pipe gets. */
async function printed(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [SCOREFN, ...args], {
    env: { ...process.env, FORCE_COLOR: undefined, COLUMNS: "200" },
  });
  expect(stderr).toBe("");
  return stdout;
}

const PAGES: readonly (readonly string[])[] = [
  [],
  ["init"],
  ["dev"],
  ["check"],
  ["serve"],
  ["build"],
  ["invoke"],
  ["online-endpoint"],
  ["online-deployment"],
  ["online-endpoint", "create"],
  ["online-deployment", "create"],
];

describe("help", () => {
  test.each(PAGES)("of %s %s is what it was, whatever COLUMNS says", async (...words) => {
    const name = words.filter((word) => word !== undefined).join("-");
    const text = await printed(...words, "--help");
    await expect(text).toMatchFileSnapshot(`help/${name || "scorefn"}.txt`);
    expect(text.split("\n").filter((line) => line.length > 80 || /\s$/.test(line))).toEqual([]);
    expect(text).not.toContain("\u001b");
    expect(text).not.toContain("undefined");
  });

  test("no command of endpoints and deployments has a line of more than 80 columns", async () => {
    const pages = Object.entries(VERBS).flatMap(([noun, verbs]) => verbs.map(({ name }) => [noun, name]));
    const { parseOnline } = await import("../../../adapters/cli/online/command-line.ts");
    for (const [noun, verb] of pages) {
      const line = parseOnline(noun as keyof typeof VERBS, [verb!, "--help"]);
      if (line.kind !== "exit") throw new Error(verb);
      expect(line.stdout.split("\n").filter((text) => text.length > 80)).toEqual([]);
    }
  });

  test("ends quietly with 0 when its reader has left", () => {
    const script = `"${process.execPath}" "${SCOREFN}" serve --help | head -1; echo "$${"{PIPESTATUS[0]}"}"`;
    const { stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    expect([stdout, stderr]).toEqual(["usage: scorefn serve [SCRIPT] [--flag value ...]\n0\n", ""]);
  });

  test("fits terminals that are narrow, and is not wider than 80 columns in wide ones", async () => {
    for (const [columns, most] of [
      [50, 50],
      [72, 72],
      [200, 80],
    ] as const) {
      const { output, code } = await runInTerminal([...COMMAND, "serve", "--help"], {
        columns,
        env: { NO_COLOR: "1" },
      });
      // Examples and names are not broken.
      const texts = output.split("\n").filter((line) => /^ {6}/.test(line) && !/https:/.test(line));
      expect(Math.max(...texts.map((line) => line.length))).toBeLessThanOrEqual(most);
      expect([texts.length > 50, code]).toEqual([true, 0]);
    }
  });

  test("a page has all of what it was given, in order, and nothing else", () => {
    const page: HelpPage = {
      usage: "scorefn x",
      about: "Does x.",
      examples: ["scorefn x 1"],
      groups: [
        {
          title: "some",
          rows: [
            { name: "--a", text: "One two" },
            { name: `--${"b".repeat(30)}`, text: "Three" },
          ],
        },
      ],
      notes: ["More."],
    };
    expect(formatHelp(page)).toBe(`usage: scorefn x

Does x.

examples:
  scorefn x 1

some:
  --a                     One two
  --${"b".repeat(30)}
                          Three

More.
`);
    const painted = formatHelp(page, { paint: (role, text) => `<${role}>${text}</>`, columns: 0 });
    expect(painted.match(/<heading>[^<]+<\/>/g)).toEqual([
      "<heading>usage:</>",
      "<heading>examples:</>",
      "<heading>some:</>",
    ]);
  });
});

describe("colours", () => {
  const BOLD = "\u001b[1m";
  const RED = "\u001b[31m";

  test.each([
    ["a terminal", {}, true],
    ["NO_COLOR", { NO_COLOR: "1" }, false],
    ["TERM=dumb", { TERM: "dumb" }, false],
    ["FORCE_COLOR=0", { FORCE_COLOR: "0" }, false],
    ["FORCE_COLOR in a dumb terminal", { TERM: "dumb", FORCE_COLOR: "1" }, true],
  ] as const)("%s: headings of help and the word error", async (_name, env, isColoured) => {
    const help = await runInTerminal([...COMMAND, "--help"], { env });
    expect(help.output.includes(`${BOLD}usage:`)).toBe(isColoured);
    const wrong = await runInTerminal([...COMMAND, "serv"], { env });
    expect(wrong.output.includes(`${RED}`)).toBe(isColoured);
    expect(wrong.output.replaceAll(/\p{Cc}\[\d+m/gu, "")).toBe(
      "scorefn: error: there is no command serv; did you mean serve?\n",
    );
    expect([help.code, wrong.code]).toEqual([0, 1]);
  });

  test("a pipe is plain, unless FORCE_COLOR is set", () => {
    const error = (env: Record<string, string>) =>
      spawnSync(process.execPath, [SCOREFN, "serv"], { env: { PATH: process.env.PATH, ...env }, encoding: "utf8" })
        .stderr;
    expect(error({})).not.toContain("\u001b");
    expect(error({ FORCE_COLOR: "1" })).toContain(RED);
  });

  test("a script that does not start has its place marked", async () => {
    const folder = mkdtempSync(join(tmpdir(), "scorefn-help-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const script = join(folder, "score.mjs");
    writeFileSync(script, "export const run = (x) => x;\nconst a = b.c;\n");
    const { output, code } = await runInTerminal([...COMMAND, "serve", script, "--port", "0"]);
    expect(output).toContain(`${RED}> 2 | const a = b.c;\u001b[39m\n${RED}    |           ^\u001b[39m\n  3 |`);
    expect(output).toContain("error:\u001b[22m\u001b[39m the score script cannot be served: ");
    expect(code).toBe(3);
  });

  test("errors of every command have the same form", async () => {
    for (const [args, who] of [
      [["serve", "--bogus", "gone.py"], "scorefn serve"],
      [["build", "--bogus"], "scorefn build"],
      [["invoke", "--bogus"], "scorefn invoke"],
      [["online-endpoint", "bogus"], "scorefn online-endpoint"],
      [["online-endpoint", "show", "--bogus"], "scorefn online-endpoint show"],
      [["online-deployment", "create", "-f", "/gone.yml"], "scorefn online-deployment create"],
      [["online-endpoint", "list", "--query", "["], "scorefn online-endpoint list"],
    ] as const) {
      const { output } = await runInTerminal([...COMMAND, ...args]);
      const [first] = output.split("\n").filter((line) => line.startsWith("scorefn"));
      expect(first).toMatch(new RegExp(`^${who}: \\p{Cc}\\[31m\\p{Cc}\\[1merror:\\p{Cc}\\[22m\\p{Cc}\\[39m \\S`, "u"));
    }
  });

  test("the drop-in command has none: its texts are the reference's", async () => {
    const { output, code } = await runInTerminal([
      process.execPath,
      packageFile("dist/adapters/cli/azmlinfsrv.js"),
      "--bogus",
    ]);
    expect(output).toContain("azmlinfsrv: error: unrecognized arguments: --bogus\n");
    expect(output).not.toContain("\u001b");
    expect(code).toBe(1);
  });
});

test("to serve loads neither help nor what parses the drop-in's line", () => {
  const program = `const { parseCommandLine } = await import(${JSON.stringify(packageFile("dist/adapters/cli/command-line.js"))});
await parseCommandLine("scorefn", ["serve", "score.py"]);
const { createRequire } = await import("node:module");
const loaded = Object.keys(createRequire(import.meta.url).cache);
console.log(JSON.stringify(loaded.filter((file) => file.includes("argparse"))));`;
  expect(execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" })).toBe("[]\n");
});
