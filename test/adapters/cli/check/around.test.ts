// `scorefn check` and what is around it: wrong words, reports, CI systems, commands, and servers that run.
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageFile } from "../../../../src/core/package-root.ts";
import { hasEnded } from "../../../setup/front.ts";
import { freePort, type RunningServer, startServer } from "../../../setup/server.ts";
import { runInTerminal } from "../../../setup/terminal.ts";
import { check, PROGRAM, project, startCheck, textOf } from "./scorefn-check.ts";

const GOOD = "def init(): print('printed')\ndef run(raw): return 1\n";
const BAD = "def init(): pass\ndef run(raw):\n    return {}['a']\n";
const goodProject = () => project({ "score.py": GOOD, "sample-request.json": "{}" });

describe("what cannot be used is told in one line each, before anything is run, with code 1", () => {
  test.each<[string, string[], string[]]>([
    [
      "an unknown flag",
      ["score.py", "--max_int_ms", "1"],
      ["there is no flag --max_int_ms; did you mean --max_init_ms?"],
    ],
    [
      "a flag of serve",
      ["score.py", "--port", "1"],
      ["--port is a flag of scorefn serve that has no meaning for a check"],
    ],
    ["no script", [], ["no score script is named; type scorefn check score.py"]],
    ["a script that is not there", ["scoer.py"], ["scoer.py does not exist; did you mean"]],
    ["two scripts", ["score.py", "other.py"], ["other.py is one word too many"]],
    [
      "a folder that is no build",
      ["folder"],
      ["folder is a folder, but no build of scorefn (it has no scorefn-build.json)"],
    ],
    ["an address that is none", ["--url", "localhost"], ["--url must be an address like http://127.0.0.1:5001"]],
    ["an address with a password", ["--url", "http://u:geheim@a"], ["--url holds a user or a password; send them"]],
    [
      "an address with a query",
      ["--url", "http://a/score?code=k"],
      ["--url holds a query, which no request would have"],
    ],
    ["a key without an address", ["score.py", "--key", "k"], ["--key is for a server that runs, with --url"]],
    ["a script and an address", ["score.py", "--url", "http://a"], ["score.py and --url are two things to check"]],
    ["a number that is none", ["score.py", "--max_ms", "soon"], ['--max_ms must be a number from 0, not "soon"']],
    [
      "no time at all",
      ["score.py", "--timeout_ms", "0"],
      ["--timeout_ms must be a whole number of milliseconds from 1"],
    ],
    ["a part of a millisecond", ["score.py", "--init_timeout_ms", "0.4"], ["--init_timeout_ms must be a whole number"]],
    ["data that is not there", ["score.py", "--data", "@gone.json"], ["--data names gone.json, which cannot be read"]],
    ["an answer too many", ["score.py", "--expect", "1"], ["--expect 1 has no request: there is no --data"]],
    [
      "an answer that is NaN",
      ["score.py", "--data", "1", "--expect", "[NaN]"],
      ["--expect [NaN] holds NaN at $[0], which no JSON can be like"],
    ],
    [
      "a folder of checks that is not there",
      ["score.py", "--checks", "tests"],
      ["--checks names tests, which does not exist"],
    ],
    [
      "a form of report",
      ["score.py", "--report", "html=a"],
      ['--report must be FORM=PATH with one of the forms junit, sarif, json, not "html=a"'],
    ],
    [
      "a report that cannot be written",
      ["score.py", "--report", "junit=score.py/a.xml"],
      ["--report junit=score.py/a.xml cannot be written: "],
    ],
    [
      "a report to a folder",
      ["score.py", "--report", "sarif=folder"],
      ["--report sarif=folder cannot be written: it is a folder; choose another path"],
    ],
    [
      "a report in place of the script",
      ["score.py", "--report", "junit=score.py"],
      ["--report junit=score.py cannot be written: there is a file that is no report of scorefn"],
    ],
    [
      "two reports in one place",
      ["score.py", "--report", "junit=a", "--report", "sarif=a"],
      ["two reports go to a; give each a place of its own"],
    ],
    ["no command", ["score.py", "--"], ["a command is missing behind --"]],
    [
      "many things at once",
      ["score.py", "--max_ms", "x", "--data", "@gone", "--report", "a"],
      ["--max_ms", "--data", "--report"],
    ],
    ["a Python that is not there", ["score.py", "--python", "/nowhere/python"], ["/nowhere/python"]],
    ["a sample that is no JSON", ["broken/score.py"], ["broken/sample-request.json is not JSON: Expecting"]],
    ["a sample that is a folder", ["folder/score.py"], ["folder/sample-request.json cannot be read: EISDIR"]],
    ["a check that is none", ["broken/score.py"], ["broken/checks/a.yaml: must hold a check"]],
  ])("%s", async (_what, args, lines) => {
    const folder = project({
      "score.py": GOOD,
      "other.py": GOOD,
      "folder/score.py": GOOD,
      "folder/sample-request.json/x": "",
      "broken/score.py": GOOD,
      "broken/sample-request.json": "{",
      "broken/checks/a.yaml": "hello",
    });
    const { code, stdout, stderr } = await check(folder, args);
    for (const line of lines) expect(stderr).toContain(line);
    for (const line of stderr.trimEnd().split("\n")) expect(line).toMatch(/^scorefn check: error: /);
    expect([code, stdout]).toEqual([1, ""]);
  });

  test("a variable of the script server keeps its own code", async () => {
    const { code, stderr } = await check(goodProject(), ["score.py"], { AZUREML_LOG_LEVEL: "LOUD" });
    expect([code, stderr.includes("AZUREML_LOG_LEVEL")]).toEqual([3, true]);
  });
});

test("help fits into 80 columns and has all flags, groups and examples", async () => {
  const { code, stdout } = await check(goodProject(), ["--help"]);
  expect(code).toBe(0);
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  for (const text of ["--entry_script", "--strict", "exit codes:", "examples:", "SCORE_URL"])
    expect(stdout).toContain(text);
});

describe("reports", () => {
  test("to stdout stay clean, whatever the script prints, and stand in files as well", async () => {
    const noisy =
      "import os\ndef init():\n    print('<noise>')\n    os.write(1, b'raw noise\\n')\ndef run(raw): return 1\n";
    const folder = project({ "score.py": noisy, "sample-request.json": "{}" });
    const { code, stdout, stderr } = await check(folder, [
      "score.py",
      "--report",
      "junit=-",
      "sarif=deep/er/a.sarif",
      "--report",
      "json=a.json",
    ]);
    expect(stdout).toMatch(/^<\?xml[\s\S]*<\/testsuites>\n$/);
    expect(stdout).toContain("&lt;noise&gt;");
    expect(stdout).toContain("raw noise");
    expect(stderr).toContain("passed   sample-request.json");
    expect(JSON.parse(textOf(folder, "deep/er/a.sarif")).runs[0].results).toEqual([]);
    expect(JSON.parse(textOf(folder, "a.json"))).toMatchObject({ verdict: "passed", target: "score.py" });
    expect(code).toBe(0);
  });

  test("are annotations and a table on GitHub, relative to the repository", async () => {
    const folder = project({ "app/score.py": BAD, "app/sample-request.json": "{}" });
    const summary = join(folder, "summary.md");
    writeFileSync(summary, "before\n");
    const env = { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: summary, GITHUB_WORKSPACE: folder };
    const { code, stdout } = await check(join(folder, "app"), ["score.py"], env);
    expect(stdout).toContain(
      "::error file=app/score.py,line=3,title=sample-request.json (answer-status)::status 500, expected 200: KeyError",
    );
    expect(textOf(folder, "summary.md")).toMatch(
      /^before\n### scorefn check score\.py: failed\n[\s\S]*\| ❌ \| sample/,
    );
    expect(code).toBe(4);
  });

  test("are issues on Azure Pipelines, and no answer can make up a command", async () => {
    const evil = "def init(): pass\ndef run(raw):\n    raise ValueError('##vso[task.setvariable variable=x]y')\n";
    const folder = project({ "score.py": evil, "sample-request.json": "{}" });
    const { stdout } = await check(folder, ["score.py"], { TF_BUILD: "True", BUILD_SOURCESDIRECTORY: folder });
    expect(stdout).toMatch(
      /^##vso\[task\.logissue type=error;sourcepath=score\.py;linenumber=3;code=answer-status;\]/m,
    );
    expect(
      stdout
        .split("\n")
        .filter((line) => line.includes("##vso[task.setvariable") && !line.startsWith("##vso[task.logissue")),
    ).toEqual([]);
  });
});

describe("a command behind --", () => {
  const program =
    "const { SCORE_URL, SCORE_PORT } = process.env; const r = await fetch(SCORE_URL + '/score', { method: 'POST', body: '{}' }); console.log('asked', r.status, SCORE_URL.endsWith(SCORE_PORT)); process.exit(Number(process.argv[2] ?? 0));";
  test.each([0, 5])("finds the script served, and its exit code %i is that of the check", async (wanted) => {
    const folder = project({ "score.py": GOOD, "sample-request.json": "{}", "ask.mjs": program });
    const { code, stdout } = await check(folder, [
      "score.py",
      "--report",
      "json=a.json",
      "--",
      process.execPath,
      "ask.mjs",
      String(wanted),
    ]);
    expect(stdout).toContain("asked 200 true");
    expect(code).toBe(wanted);
    expect(JSON.parse(textOf(folder, "a.json")).checks.at(-1).findings).toHaveLength(wanted === 0 ? 0 : 1);
  });

  test("is what tries run() where there is no other request", async () => {
    const folder = project({ "score.py": GOOD, "ask.mjs": program });
    const { code, stdout } = await check(folder, [
      "score.py",
      "--strict",
      "--report",
      "junit=-",
      "--",
      process.execPath,
      "ask.mjs",
    ]);
    expect(stdout).toMatch(/^<\?xml/);
    expect(stdout).not.toContain("asked 200");
    expect(code).toBe(0);
  });

  test("that asks nothing leaves the script untried", async () => {
    const folder = project({ "score.py": GOOD });
    const { code, stdout } = await check(folder, ["score.py", "--", process.execPath, "-e", "0"]);
    expect(stdout).toContain("run() was not tried: no request was found, and none came from the command");
    expect(stdout).toMatch(/^NOT TRIED: /m);
    expect(code).toBe(4);
  });

  test.each([
    ["", "the name of the program is empty"],
    ["./data.txt", "./data.txt is no program that may be run"],
  ])("that is no program, %j, is told in one line", async (name, text) => {
    const folder = project({ "score.py": GOOD, "sample-request.json": "{}", "data.txt": "" });
    const { code, stdout, stderr } = await check(folder, ["score.py", "--", name]);
    expect(stdout).toContain(`           ${text}\n`);
    expect(stderr).not.toContain("    at ");
    expect(code).toBe(1);
  });

  const waits = `process.on(process.argv[2], async () => {
    count++;
    await fetch(process.env.SCORE_URL + "/score", { method: "POST", body: "{}" });
    console.log("told " + count + " times");
    process.exit(9);
  });
  let count = 0;
  setInterval(() => {}, 60_000);
  console.log("at", process.env.SCORE_URL);
  console.log("waiting");
`;
  const PIDS =
    "import os\ndef init(): open(os.path.join(os.path.dirname(__file__), 'worker.pid'), 'w').write(str(os.getpid()))\ndef run(raw): return 1\n";

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("gets %s, and nothing is left of it", async (signal) => {
    const folder = project({ "score.py": PIDS, "sample-request.json": "{}", "wait.mjs": waits });
    const started = startCheck(folder, ["score.py", "--", process.execPath, "wait.mjs", signal]);
    started.process.stdout?.on("data", (text: string) => {
      if (text.includes("waiting")) started.process.kill(signal);
    });
    const { code, stdout } = await started.ended;
    expect(stdout).toContain("told 1 times");
    expect(code).toBe(9);
    expect(hasEnded(Number(textOf(folder, "worker.pid")))).toBe(true);
    const [, url] = /at (http:\S+)/.exec(stdout) ?? [];
    await expect(fetch(url!)).rejects.toThrow();
  });

  test("gets Ctrl+C once, while the server still answers", async () => {
    const folder = project({ "score.py": PIDS, "sample-request.json": "{}", "wait.mjs": waits });
    const words = ["check", join(folder, "score.py"), "--", process.execPath, join(folder, "wait.mjs"), "SIGINT"];
    const { code, output } = await runInTerminal([process.execPath, PROGRAM, ...words], { pressAt: "waiting" });
    expect(output).toContain("told 1 times");
    expect(code).toBe(9);
  });

  test("does not run when something is wrong, and says so when there is no such program", async () => {
    const folder = project({ "score.py": BAD, "good.py": GOOD, "sample-request.json": "{}" });
    const wrong = await check(folder, ["score.py", "--", process.execPath, "-e", "console.log('ran')"]);
    expect([wrong.code, wrong.stdout.includes("ran")]).toEqual([4, false]);
    const gone = await check(folder, ["good.py", "--", "no-such-program"]);
    expect(gone.stdout).toContain("there is no program no-such-program");
    expect(gone.code).not.toBe(0);
  });
});

/** A port that the system gives to nobody, and that no service has. */
const NOBODYS_PORT = 2;

describe("a server that runs", () => {
  let server: RunningServer;
  let silent: Server;
  beforeAll(async () => {
    const port = await freePort();
    const program = packageFile("dist/adapters/cli/scorefn.js");
    const script = packageFile("examples/hello-ts/score.ts");
    const args = [program, "serve", script, "--host", "127.0.0.1", "--port", String(port)];
    server = startServer({ command: process.execPath, args, port });
    await server.waitReady();
    silent = createServer(() => {}).listen(0, "127.0.0.1");
  });
  afterAll(async () => {
    await server?.stop();
    silent?.close();
  });

  test("is checked like a script, its key and address spelt as clients have them", async () => {
    const folder = project({
      "checks/a.yaml": "request: {body: {name: you}}\nexpect: {body: {message: 'Hello, you!'}}\n",
    });
    const { url } = server;
    const { code, stdout } = await check(folder, [
      "--url",
      `${url}/score`,
      "--key",
      "secret",
      "--header",
      "x-a: b",
      "--report",
      "json=a.json",
    ]);
    expect(stdout).toContain("passed   the server answers");
    expect(stdout).toContain("passed   the swagger documents 2, 3 and 3.1 are valid");
    expect(stdout).toMatch(/passed {3}a\.yaml \(200/);
    expect(code).toBe(0);
    expect(readFileSync(join(folder, "a.json"), "utf8")).not.toContain("secret");
    const none = await check(project({}), ["--url", url]);
    expect(none.stdout).toContain("run() was not tried");
    expect(none.code).toBe(4);
    const ran = await check(project({}), [
      "--url",
      `${url}/score`,
      "--",
      process.execPath,
      "-e",
      "console.log('at', process.env.SCORE_URL)",
    ]);
    expect([ran.code, ran.stdout.includes(`at ${url}\n`)]).toEqual([0, true]);
  });

  test("that nobody serves, or that says nothing, does not load", async () => {
    const gone = await check(project({}), ["--url", `http://127.0.0.1:${NOBODYS_PORT}`]);
    expect(gone.stdout).toContain("nobody listens there");
    expect(gone.stdout).toContain("hint: look whether the server runs, and whether the address is right");
    expect(gone.code).toBe(3);
    const { port } = silent.address() as { port: number };
    const hangs = await check(project({}), ["--url", `http://127.0.0.1:${port}`, "--timeout_ms", "500"]);
    expect(hangs.stdout).toContain("no answer within 500 ms");
    expect(hangs.code).toBe(3);
  });
});
