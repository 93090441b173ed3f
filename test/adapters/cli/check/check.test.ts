// `scorefn check` with real scripts: what passes, what fails, and with which exit code.
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { packageFile } from "../../../../src/core/package-root.ts";
import { check, project, textOf } from "./scorefn-check.ts";

const PYTHON = `import json
def init():
    print("printed by init")
def run(raw):
    data = json.loads(raw)["data"]
    return {"sum": sum(data)}
`;
const SAMPLE = '{"data": [1, 2]}';
const TYPED =
  "export function init() {}\nexport function run(raw) { return { sum: JSON.parse(raw).data.reduce((a, b) => a + b, 0) }; }\n";

describe("a script that is good", () => {
  test("passes with its sample, and what it prints stays off stdout", async () => {
    const folder = project({ "score.py": PYTHON, "sample-request.json": SAMPLE });
    const { code, stdout, stderr } = await check(folder, ["score.py"]);
    expect(stdout).toMatch(
      /^scorefn check score\.py\n\n {2}passed {3}the script loads, and init\(\) is done \(\d+ ms\)\n/,
    );
    expect(stdout).toContain("the swagger documents 2, 3 and 3.1 are valid");
    expect(stdout).toMatch(/passed {3}sample-request\.json \(200, [\d.]+ ms\)/);
    expect(stdout).toMatch(/\npassed \(\d checks, 0 failed, 0 with warnings/);
    expect(stdout).not.toContain("printed by init");
    expect(stderr).toContain("printed by init");
    expect(code).toBe(0);
  });

  test("passes in TypeScript, with --data and --expect", async () => {
    const folder = project({
      "score.ts": TYPED.replace("(raw)", "(raw: string)").replace("(a, b)", "(a: number, b: number)"),
      "in.json": SAMPLE,
      "out.json": '{"sum": 3.0000001}',
    });
    const good = await check(folder, [
      "score.ts",
      "--data",
      "@in.json",
      "--expect",
      "@out.json",
      "--tolerance",
      "1e-6",
    ]);
    expect([good.code, good.stderr.includes("error")]).toEqual([0, false]);
    const bad = await check(folder, ["--entry-script", "score.ts", "--data", "@in.json", "--expect", "@out.json"]);
    expect(bad.code).toBe(4);
    expect(bad.stdout).toContain("$.sum is 3, expected 3.0000001");
  });

  test("is told by its files of checks, wherever the command is started", async () => {
    const folder = project({
      "app/score.py": PYTHON,
      "app/checks/a.yaml":
        "- name: sums\n  request: {body: {data: [1, 2]}}\n  expect: {body: {sum: 3}, headers: {content-type: application/json}, max_ms: 60000, schema: {required: [sum]}}\n",
      "app/checks/b.json":
        '{"request": {"body": {"data": [0.1, 0.2]}}, "expect": {"body": {"sum": 0.3}, "tolerance": {"relative": 1e-9}}}',
      "app/checks/notes.txt": "not a check",
    });
    const { code, stdout } = await check(folder, ["app/score.py"]);
    expect(stdout).toContain("passed   a.yaml: sums");
    expect(stdout).toContain("passed   b.json");
    expect(code).toBe(0);
  });
});

describe("a script that was not tried does not pass", () => {
  test("without a request, and its report says so", async () => {
    const folder = project({ "score.py": PYTHON });
    const { code, stdout } = await check(folder, ["score.py", "--report", "junit=check.xml"]);
    expect(code).toBe(4);
    expect(stdout).toContain("run() was not tried: no request was found");
    expect(stdout).toContain("hint: put a sample-request.json beside the script");
    expect(stdout).toMatch(/\nNOT TRIED: /);
    expect(stdout).not.toMatch(/^passed/m);
    expect(textOf(folder, "check.xml")).toContain('type="no-request"');
  });

  test("with requests that do not get as far as run()", async () => {
    const folder = project({ "score.py": PYTHON, "checks/a.yaml": "request: {path: /ready}\n" });
    const { code, stdout } = await check(folder, ["score.py"]);
    expect(code).toBe(4);
    expect(stdout).toContain("run() was not tried: no request got as far as run()");
    expect(stdout).toMatch(/\nNOT TRIED: /);
  });

  test("with a folder of checks that is empty", async () => {
    const folder = project({ "score.py": PYTHON, "sample-request.json": SAMPLE, "checks/readme.md": "" });
    const { code, stdout } = await check(folder, ["score.py"]);
    expect(code).toBe(0);
    expect(stdout).toContain("the folder checks holds no .json, .yaml or .yml file; add a check, or remove the folder");
    const strict = await check(folder, ["score.py", "--strict"]);
    expect(strict.code).toBe(4);
    expect(strict.stdout).toContain("failed: with --strict warnings fail as well");
  });
});

describe("a script that does not load ends with code 3", () => {
  test.each<[string, string, string, string[]]>([
    ["a broken import", "import nothing_like_this\n", "No module named 'nothing_like_this'", []],
    ["no run()", "def init(): pass\n", "run", []],
    ["init() that fails", "def init():\n    raise ValueError('no model')\ndef run(raw): return 1\n", "no model", []],
    [
      "init() that hangs",
      "import time\ndef init():\n    time.sleep(1000)\ndef run(raw): return 1\n",
      "was not done, within 1500 ms",
      ["--init_timeout_ms", "1500"],
    ],
    ["init() that ends the process", "import os\ndef init():\n    os._exit(9)\ndef run(raw): return 1\n", "9", []],
  ])("%s", async (_what, script, text, args) => {
    const folder = project({ "score.py": script, "sample-request.json": "{}" });
    const { code, stdout } = await check(folder, ["score.py", "--report", "junit=check.xml", ...args]);
    expect(stdout).toContain(text);
    expect(stdout).toMatch(/\nfailed: it does not load/);
    expect(code).toBe(3);
    expect(textOf(folder, "check.xml")).toContain('type="script-load"');
  });

  test("JavaScript that hangs while it is imported", async () => {
    const folder = project({ "score.mjs": "for (;;) {}\n" });
    const { code, stdout } = await check(folder, ["score.mjs", "--init_timeout_ms", "1500"]);
    expect([code, stdout.includes("within 1500 ms")]).toEqual([3, true]);
  });
});

describe("a wrong answer ends with code 4", () => {
  test.each<[string, string, string, string[]]>([
    ["run() that fails, with its line", "def init(): pass\ndef run(raw):\n    return {}['a']\n", "at score.py:3", []],
    [
      "run() that hangs",
      "import time\ndef init(): pass\ndef run(raw):\n    time.sleep(1000)\n",
      "status 500, expected 200: TimeoutError",
      ["--timeout_ms", "1000"],
    ],
    [
      "run() that ends the process",
      "import os\ndef init(): pass\ndef run(raw):\n    os._exit(7)\n",
      "status 500, expected 200",
      [],
    ],
    [
      "JSON as text, as a check is strict",
      "import json\ndef init(): pass\ndef run(raw):\n    return json.dumps({'a': 1})\n",
      "SCOREFN_STRICT=false checks without",
      [],
    ],
  ])("%s", async (_what, script, text, args) => {
    const folder = project({ "score.py": script, "sample-request.json": "{}" });
    const { code, stdout } = await check(folder, ["score.py", ...args]);
    expect(stdout).toContain(text);
    expect(code).toBe(4);
  });

  test.each([
    [
      "score.py",
      "import time\ndef init(): pass\ndef run(raw):\n    def chunks():\n        while True:\n            time.sleep(0.1)\n            yield b'x'\n    return chunks()\n",
    ],
    [
      "score.mjs",
      "export function init() {}\nexport async function* run() { for (;;) { await new Promise((go) => setTimeout(go, 100)); yield 'x'; } }\n",
    ],
  ])("a stream that does not end, of %s", async (name, script) => {
    const folder = project({ [name]: script, "sample-request.json": "{}" });
    const { code, stdout } = await check(folder, [name, "--timeout_ms", "500"]);
    expect(stdout).toMatch(/FAILED {3}sample-request\.json/);
    expect(code).toBe(4);
  });

  test("and is none where a variable says that the script is not strict", async () => {
    const script = "import json\ndef init(): pass\ndef run(raw):\n    return json.dumps({'a': 1})\n";
    const folder = project({ "score.py": script, "sample-request.json": "{}" });
    expect((await check(folder, ["score.py"], { SCOREFN_STRICT: "false" })).code).toBe(0);
  });

  test("an answer that is not what the script declares, to the example that it declares", async () => {
    const declared = (
      sum: string,
    ) => `import { sample, schema } from ${JSON.stringify(pathToFileURL(packageFile("dist/src/index.js")).href)};
export function init() {}
const output = { type: "object", properties: { sum: { type: "number" } }, required: ["sum"] };
export const run = schema({ input: { data: sample([1.5, 2]) }, output }, ({ data }) => ({ sum: ${sum} }));
`;
    const folder = project({ "good.mjs": declared("data[0] + data[1]"), "bad.mjs": declared('"three"') });
    const good = await check(folder, ["good.mjs"]);
    expect(good.stdout).toMatch(/passed {3}the example of the swagger document \(200/);
    expect(good.code).toBe(0);
    const strict = await check(folder, ["bad.mjs"]);
    expect(strict.stdout).toContain("run() returned what its output schema does not allow: sum: expected number");
    expect(strict.stdout).not.toContain("    at ");
    expect(strict.code).toBe(4);
    const bad = await check(folder, ["bad.mjs"], { SCOREFN_STRICT: "false" });
    expect(bad.stdout).toContain(
      "the answer is not as the script declares its output: $.sum: expected number, received string",
    );
    expect(bad.code).toBe(4);
  });

  test("a swagger document of one's own that is broken", async () => {
    const folder = project({
      "score.py": PYTHON,
      "sample-request.json": SAMPLE,
      "swagger3.json": '{"openapi": "3.0.3", "info": {"title": "x"}, "paths": {}}',
    });
    const { code, stdout } = await check(folder, ["score.py"]);
    expect(stdout).toContain("swagger 3: $.info: ");
    expect(code).toBe(4);
  });

  test("status by status", async () => {
    const folder = project({
      "score.py":
        "def init(): pass\ndef run(raw):\n    if raw == '\"bad\"':\n        raise ValueError('bad')\n    return 1\n",
      "checks/a.yaml":
        "- name: bad is 500\n  request: {body: bad}\n  expect: {status: 500}\n- name: good is not\n  request: {body: good}\n  expect: {status: [500, 503], headers: {x-none: a}}\n",
    });
    const { code, stdout } = await check(folder, ["score.py"]);
    expect(stdout).toContain("passed   a.yaml: bad is 500");
    expect(stdout).toContain("status 200, expected 500 or 503: 1");
    expect(code).toBe(4);
  });

  test("what a script may take", async () => {
    const folder = project({
      "score.py": PYTHON,
      "sample-request.json": SAMPLE,
      "model/weights": "x".repeat(3_000_000),
    });
    const tight = ["--max_init_ms", "1", "--max_memory_mb", "1", "--max_model_mb", "1", "--model_dir", "model"];
    const { code, stdout } = await check(folder, ["score.py", ...tight]);
    expect(stdout).toMatch(/the start time is \d+ ms, and may be 1 ms \(--max_init_ms\)/);
    if (process.platform === "linux") expect(stdout).toMatch(/the most memory used is [\d.]+ MB, and may be 1\.0 MB/);
    expect(stdout).toContain("the size of the model is 3.0 MB, and may be 1.0 MB (--max_model_mb)");
    expect(code).toBe(4);
    const wide = [
      "--max_init_ms",
      "600000",
      "--max_memory_mb",
      "10000",
      "--max_model_mb",
      "10",
      "--model_dir",
      "model",
    ];
    expect((await check(folder, ["score.py", ...wide])).code).toBe(0);
    const slow = project({
      "score.py": "import time\ndef init(): pass\ndef run(raw):\n    time.sleep(0.05)\n    return 1\n",
      "sample-request.json": "{}",
    });
    const late = await check(slow, ["score.py", "--max_ms", "20"]);
    expect(late.stdout).toMatch(/the answer took [\d.]+ ms, the best of 3; it may take 20 ms/);
    expect(late.code).toBe(4);
  });
});

describe.skipIf(process.platform !== "linux")("leaks", () => {
  const LEAKS: Record<string, string> = {
    "files in Python": "kept = []\ndef init(): pass\ndef run(raw):\n    kept.append(open(__file__))\n    return 1\n",
    "memory in Python":
      "kept = []\ndef init(): pass\ndef run(raw):\n    kept.append(bytes(range(256)) * 4096)\n    return 1\n",
  };
  test.each([
    ["files in Python", "open files grow with each request: by 120 in 120 requests"],
    ["memory in Python", "memory grows with each request: by "],
  ])("of %s are found", async (name, text) => {
    const folder = project({ "score.py": LEAKS[name]!, "sample-request.json": "{}" });
    const { code, stdout } = await check(folder, ["score.py", "--requests", "120"]);
    expect(stdout).toContain(text);
    expect(code).toBe(4);
  });

  test("of memory in JavaScript are found, and what is collected is none", async () => {
    const body = "const bytes = Buffer.alloc(1 << 20, 1);";
    const leaky = project({
      "score.mjs": `const kept = [];\nexport function init() {}\nexport function run() { ${body} kept.push(bytes); return 1; }\n`,
      "sample-request.json": "{}",
    });
    const found = await check(leaky, ["score.mjs", "--requests", "120"]);
    expect(found.stdout).toContain("memory grows with each request");
    expect(found.code).toBe(4);
    const tidy = project({
      "score.mjs": `export function init() {}\nexport function run() { ${body} const list = Array.from({ length: 50000 }, (_, i) => ({ i })); return bytes.length + list.length; }\n`,
      "sample-request.json": "{}",
    });
    for (const requests of ["120", "360"])
      expect((await check(tidy, ["score.mjs", "--requests", requests])).stdout).toMatch(/^passed/m);
  });

  test("of a cache that fills up are none", async () => {
    const script =
      "import functools\n@functools.lru_cache(maxsize=60)\ndef big(n): return bytes(range(256)) * 4096\ncount = 0\ndef init(): pass\ndef run(raw):\n    global count\n    count += 1\n    return len(big(count))\n";
    const folder = project({ "score.py": script, "sample-request.json": "{}" });
    const { code, stdout } = await check(folder, ["score.py", "--requests", "120"]);
    expect(stdout).toMatch(/^passed/m);
    expect(code).toBe(0);
  });

  test("an answer that fails when it is asked for again", async () => {
    const script =
      "count = 0\ndef init(): pass\ndef run(raw):\n    global count\n    count += 1\n    if count > 30: raise ValueError('worn out')\n    return 1\n";
    const folder = project({ "score.py": script, "sample-request.json": "{}" });
    const { code, stdout } = await check(folder, ["score.py", "--requests", "60"]);
    expect(stdout).toContain("had status 200 at first, and when it was sent again (request 30) status 500");
    expect(code).toBe(4);
  });
});
