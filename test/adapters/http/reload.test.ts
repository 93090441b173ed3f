// Edits of real files below a real server: what comes to serve, and what goes on serving.
import { execFileSync } from "node:child_process";
import { mkdir, readFile, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freePort } from "../../setup/server.ts";
import { createGate, isAlive, until } from "../../setup/service.ts";
import { edited, python, typescript } from "./edited.ts";

const LANGUAGES = [
  { language: "Python", script: "score.py", source: python, broken: "def run(:\n", file: "score.py" },
  {
    language: "TypeScript",
    script: "score.ts",
    source: typescript,
    broken: "export function run( {\n",
    file: "score.ts",
  },
  {
    language: "JavaScript",
    script: "score.mjs",
    source: (value: string, more = "") => typescript(value, more).replaceAll(/: (?:void|unknown|string)/g, ""),
    broken: "export function run( {\n",
    file: "score.mjs",
  },
];

describe.each(LANGUAGES)("a $language script", ({ script, source, broken }) => {
  test("serves each edit, and the last good version while one is broken", async () => {
    const server = await edited(script, { [script]: source("1") });
    await server.waitReady();
    expect(await server.post()).toEqual({ status: 200, text: "1" });
    await server.write(script, source("2"));
    expect((await server.settles("watching", 2)).body).toEqual({
      state: "ready",
      reload: { version: 2, state: "watching" },
    });
    expect(await server.post()).toEqual({ status: 200, text: "2" });

    await server.write(script, broken);
    const { status, body } = await server.settles("failed", 2);
    expect(status).toBe(200);
    expect(body.state).toBe("ready");
    expect(body.reload?.changed).toEqual([script]);
    expect(body.reload?.error).toMatchObject({ code: "ERR_SCRIPT_LOAD" });
    expect(body.reload?.error?.codeFrame).toMatch(/^ *1 \| |> 1 \| /m);
    expect(await server.post()).toEqual({ status: 200, text: "2" });
    await until(() => /^> \d \|/m.test(server.stderr()), "the frame is on the terminal");
    expect(server.stderr()).toMatch(
      /scorefn: error: the edit cannot be served, the last good version goes on: .*score/,
    );

    await server.write(script, source("3"));
    await server.settles("watching", 3);
    expect(await server.post()).toEqual({ status: 200, text: "3" });
    expect(server.stdout()).toMatch(/changed; reloading\n[\s\S]*Reloaded in \d+ ms/);
    expect(await server.stop()).toBe(0);
  });
});

const FAILING = {
  "an import that fails": [python("2", "import nothing_like_it"), "ERR_SCRIPT_LOAD"],
  "an init() that fails": [
    "def init():\n    raise ValueError('no')\ndef run(data):\n    return 2\n",
    "ERR_SCRIPT_INIT",
  ],
  "no run()": ["def init():\n    pass\n", "ERR_SCRIPT_SHAPE"],
  "a worker that dies": ["import os\ndef init():\n    os._exit(9)\ndef run(data):\n    return 2\n", "ERR_WORKER_START"],
} as const;

test("what does not come up changes nothing, and the next edit does", async () => {
  const server = await edited("score.py", { "score.py": python("1") });
  await server.waitReady();
  let version = 1;
  for (const [what, [text, code]] of Object.entries(FAILING)) {
    await server.write("score.py", text);
    const { status, body } = await server.settles("failed", version);
    expect(status, what).toBe(200);
    expect(body.reload?.error?.code, what).toBe(code);
    expect(await server.post(), what).toEqual({ status: 200, text: String(version) });
    version++;
    await server.write("score.py", python(String(version)));
    await server.settles("watching", version);
    expect(await server.post(), what).toEqual({ status: 200, text: String(version) });
  }
  expect(await server.stop()).toBe(0);
});

test("an init() that hangs keeps the last good version serving, and the next edit ends it", async () => {
  const server = await edited("score.py", { "score.py": python("1") });
  await server.waitReady();
  const hangs =
    "import os, time\ndef init():\n    open('pid', 'w').write(str(os.getpid()))\n    time.sleep(10000)\ndef run(data):\n    return 2\n";
  await server.write("score.py", hangs);
  let pid = 0;
  await until(async () => {
    pid = Number(await readFile(join(server.folder, "pid"), "utf8").catch(() => 0));
    return pid > 0;
  }, "init() hangs");
  expect((await server.ready()).body.reload).toMatchObject({ version: 1, state: "reloading" });
  expect(await server.post()).toEqual({ status: 200, text: "1" });
  await server.write("score.py", python("3"));
  await server.settles("watching", 2);
  expect(await server.post()).toEqual({ status: 200, text: "3" });
  expect(isAlive(pid)).toBe(false);
  await server.write("score.py", hangs.replace("'pid'", "'other'"));
  await until(() => readFile(join(server.folder, "other"), "utf8").catch(() => ""), "init() hangs again");
  expect(await server.stop()).toBe(0);
});

test("a script that is deleted goes on serving, and comes back", async () => {
  const server = await edited("score.py", { "score.py": python("1") });
  await server.waitReady();
  await rm(join(server.folder, "score.py"));
  const { status, body } = await server.settles("failed", 1);
  expect(status).toBe(200);
  expect(body.reload?.error?.message).toMatch(/score\.py does not exist/);
  expect(await server.post()).toEqual({ status: 200, text: "1" });
  await server.write("score.py", python("2"));
  await server.settles("watching", 2);
  expect(await server.post()).toEqual({ status: 200, text: "2" });
});

test("the script's folder may be replaced by a link", async () => {
  const server = await edited("score.py", { "score.py": python("1") });
  await server.waitReady();
  await mkdir(`${server.folder}-2`);
  await writeFile(join(`${server.folder}-2`, "score.py"), python("2"));
  await rename(server.folder, `${server.folder}-1`);
  await symlink(`${server.folder}-2`, server.folder);
  await until(async () => (await server.post()).text === "2", "what the link leads to serves", 50);
});

test("a first start that fails waits for the next edit, and tells everyone why", async () => {
  const server = await edited("score.py", { "score.py": "def run(:\n" });
  const { status, body } = await server.until(({ body }) => body.reload?.state === "failed", "it has failed");
  expect(status).toBe(503);
  expect(body).toMatchObject({ state: "failed", error: { type: "SyntaxError" }, reload: { version: 0 } });
  const answer = await server.post();
  expect(answer.status).toBe(503);
  expect(answer.text).toContain("SyntaxError");
  await server.write("score.py", "import nothing_like_it\n");
  await server.until(({ body }) => body.error?.message.includes("nothing_like_it") === true, "the new reason");
  expect((await server.post()).text).toContain("nothing_like_it");
  await server.write("score.py", python("1"));
  await server.settles("watching", 1);
  expect(await server.post()).toEqual({ status: 200, text: "1" });
  expect(await server.stop()).toBe(0);
});

test("requests that came while the first start hangs are answered by the version that mends it", async () => {
  const server = await edited("score.py", { "score.py": "import time\ntime.sleep(10000)\n" });
  await server.until(() => true, "it listens");
  const answers = [
    server.post(),
    server.post(),
    fetch(`${server.url}/swagger.json`).then(({ status }) => ({ status })),
  ];
  await server.until(({ body }) => body.reload?.state === "starting", "it starts");
  await server.write("score.py", python("1"));
  expect(await Promise.all(answers)).toEqual([{ status: 200, text: "1" }, { status: 200, text: "1" }, { status: 200 }]);
});

test("settings, log and documents are read anew, and what is wrong with them changes nothing", async () => {
  const config = (script: string): string => JSON.stringify({ AZUREML_ENTRY_SCRIPT: script, SERVICE_NAME: script });
  const files = { "a.py": python("'a'"), "b.ts": typescript('"b"'), "config.json": config("a.py") };
  const server = await edited(undefined, files);
  await server.waitReady();
  expect(await server.post()).toEqual({ status: 200, text: '"a"' });
  await server.write("config.json", config("b.ts"));
  await server.settles("watching", 2);
  expect(await server.post()).toEqual({ status: 200, text: '"b"' });
  await server.write("config.json", '{"AZUREML_ENTRY_SCRIPT": ');
  expect((await server.settles("failed", 2)).body.reload?.error?.message).toMatch(/config\.json: it is not JSON/);
  await server.write("config.json", config("none.py"));
  await server.until(({ body }) => /none\.py does not exist/.test(body.reload?.error?.message ?? ""), "no script");
  expect(await server.post()).toEqual({ status: 200, text: '"b"' });
  await server.write("config.json", config("a.py"));
  await server.settles("watching", 3);

  const swagger = async (): Promise<unknown> => (await fetch(`${server.url}/swagger.json`)).json();
  expect(await swagger()).toMatchObject({ info: { title: "a.py" } });
  await server.write("swagger.json", '{"swagger": "2.0", "info": {"title": "mine"}}');
  await server.settles("watching", 4);
  expect(await swagger()).toMatchObject({ info: { title: "mine" } });
  await server.write("swagger.json", "{");
  expect((await server.settles("failed", 4)).body.reload?.error?.message).toMatch(/swagger\.json cannot be used/);
  expect(await swagger()).toMatchObject({ info: { title: "mine" } });
  await rm(join(server.folder, "swagger.json"));
  await server.settles("watching", 5);

  await server.write("logging.json", "[]]");
  expect((await server.settles("failed", 5)).body.reload?.error?.message).toMatch(/logging\.json: it is not JSON/);
  expect(await server.post()).toEqual({ status: 200, text: '"a"' });
  const handlers = { file: { class: "logging.FileHandler", filename: "server.log", mode: "w" } };
  const logging = { version: 1, handlers, loggers: { azmlinfsrv: { level: "INFO", handlers: ["file"] } } };
  await server.write("logging.json", JSON.stringify(logging));
  await server.settles("watching", 6);
  await server.write("a.py", python("'c'"));
  await server.settles("watching", 7);
  const log = join(server.folder, "server.log");
  await until(async () => (await readFile(log, "utf8")).match(/Reloaded in/g)?.length === 2, "both stand in the file");
  expect(await server.stop()).toBe(0);
});

test.each([
  ["config.json", "{", { "config.json": "{}" }],
  ["logging.json", "[]]", { "logging.json": '{"version": 1}' }],
  ["swagger.json", "{", { "swagger.json": "{}" }],
])("a start with a broken %s waits for its edit", async (name, text, mended) => {
  const server = await edited("score.py", { "score.py": python("1"), [name]: text });
  const { status } = await server.until(({ body }) => body.reload?.state === "failed", "it has failed");
  expect(status).toBe(503);
  expect((await server.post()).text).toContain(name);
  for (const [file, content] of Object.entries(mended)) await server.write(file, content);
  await server.settles("watching", 1);
  expect(await server.post()).toEqual({ status: 200, text: "1" });
});

test("modules elsewhere count that a TypeScript script imports, broken and missing ones, too", async () => {
  const server = await edited(
    "app/score.ts",
    {
      "app/score.ts": `import { value } from "../lib/value.ts";\n${typescript("value")}`,
      "lib/value.ts": `export { inner as value } from "./deep/inner.js";`,
      "lib/deep/inner.ts": "export const inner = 1;",
    },
    // Else the folder above is watched as well.
    { env: { AML_APP_ROOT: "app" }, args: [] },
  );
  await server.waitReady();
  expect(await server.post()).toEqual({ status: 200, text: "1" });
  await server.until(({ body }) => body.reload?.state === "watching", "it watches");
  await server.write("lib/deep/inner.ts", "export const inner = 2;");
  await server.settles("watching", 2);
  expect(await server.post()).toEqual({ status: 200, text: "2" });
  await server.write("lib/deep/inner.ts", "export const inner = ;");
  await server.settles("failed", 2);
  await server.write("lib/deep/inner.ts", "export const inner = 3;");
  await server.settles("watching", 3);
  await rm(join(server.folder, "lib/value.ts"));
  await server.settles("failed", 3);
  await server.write("lib/value.ts", "export const value = 4;");
  await server.settles("watching", 4);
  expect(await server.post()).toEqual({ status: 200, text: "4" });
});

test("an edit in the second of the one before it, of the same size, is not taken for the old bytecode", async () => {
  const server = await edited("score.py", {
    "score.py": python("helper.VALUE", "import helper"),
    "helper.py": "VALUE = 1\n",
  });
  const at = new Date(Math.floor(Date.now() / 1_000) * 1_000);
  // Bytecode of the first edit, left by another program.
  await utimes(join(server.folder, "helper.py"), at, at);
  execFileSync("python3", ["-c", "import helper"], { cwd: server.folder });
  await server.waitReady();
  expect(await server.post()).toEqual({ status: 200, text: "1" });
  await server.write("helper.py", "VALUE = 2\n");
  await utimes(join(server.folder, "helper.py"), at, at);
  await until(async () => (await server.post()).text === "2", "the edit serves", 20);
});

test("requests and streams of the old version end in it, and none is lost", async () => {
  const streaming = (value: string): string =>
    python(
      "parts(data)",
      `import os, time\ndef parts(gate):\n    yield b"${value}"\n    open(gate + ".begun", "w").close()\n    while not os.path.exists(gate):\n        time.sleep(0.01)\n    yield b"${value}"\n`,
    );
  const server = await edited("score.py", { "score.py": streaming("1") });
  await server.waitReady();
  const temporary = { file: (name: string) => join(server.folder, name), remove: async () => {} };
  const gate = createGate(temporary, "gate");
  const stream = server.post(gate.path);
  await gate.begun();
  // It waits for the worker that streams.
  const second = createGate(temporary, "second");
  const waiting = server.post(second.path);
  await server.write("score.py", streaming("2"));
  await server.settles("watching", 2);
  const third = createGate(temporary, "third");
  await third.open();
  expect((await server.post(third.path)).text).toMatch(/2.*2/);
  await gate.open();
  await second.open();
  expect((await stream).text).toMatch(/1.*1/);
  expect((await waiting).text).toMatch(/1.*1/);
  expect(await server.stop()).toBe(0);
});

test("a worker that dies does not end what is edited around it", async () => {
  const dying = (value: string): string =>
    python(value, "import os, signal").replace(
      "    return",
      '    if b"die" in data.encode():\n        os.kill(os.getpid(), signal.SIGKILL)\n    return',
    );
  const server = await edited("score.py", { "score.py": dying("1") }, { args: ["--worker_count", "2"] });
  await server.waitReady();
  await server.write("score.py", dying("2"));
  const deaths = [server.post('"die"'), server.post('"die"')];
  await server.settles("watching", 2);
  for (const { status } of await Promise.all(deaths)) expect(status).toBe(500);
  await until(async () => (await server.post()).text === "2", "another worker serves", 20);
});

test.each([
  ["several workers", ["--worker_count", "3"], {}],
  ["workers forked off one process", ["--worker_count", "2"], { WORKER_PRELOAD: "true" }],
  ["JSON records and metrics", ["--log_format", "json", "--metrics", "/metrics"], {}],
] as const)("with %s", async (_what, args, env) => {
  const server = await edited("score.py", { "score.py": python("1") }, { args, env });
  await server.waitReady();
  await server.write("score.py", python("2"));
  await server.settles("watching", 2);
  for (let count = 0; count < 6; count++) expect(await server.post()).toEqual({ status: 200, text: "2" });
  await server.write("score.py", "def run(:\n");
  await server.settles("failed", 2);
  expect(await server.post()).toEqual({ status: 200, text: "2" });
  if (args.includes("--metrics" as never)) {
    let metrics = "";
    // The worker of the former version ends when it likes.
    await until(
      async () => {
        metrics = await (await fetch(`${server.url}/metrics`)).text();
        return /^scorefn_workers\{state="idle"\} 1$/m.test(metrics);
      },
      "one worker is left",
      20,
    );
    expect(metrics).toMatch(/^scorefn_ready 1$/m);
  }
  expect(await server.stop()).toBe(0);
});

test("the separate health port tells of the edit, too", async () => {
  const health = await freePort();
  const server = await edited(
    "score.py",
    { "score.py": python("1") },
    {
      args: ["--health_port", String(health)],
      env: { SEPERATE_HEALTH_ENDPOINT: "true" },
    },
  );
  await server.waitReady();
  await server.write("score.py", "def run(:\n");
  await server.settles("failed", 1);
  const url = `http://127.0.0.1:${health}`;
  await until(async () => (await server.ready(url)).body.reload?.state === "failed", "the health port knows", 20);
  const { status, body } = await server.ready(url);
  expect(status).toBe(200);
  expect(body.reload?.error?.codeFrame).toContain("> 1 |");
  expect(await server.stop()).toBe(0);
});

test("a debugger has room for one: the old worker ends before the new one begins", async () => {
  const port = await freePort();
  const server = await edited(
    "score.ts",
    { "score.ts": typescript("process.pid") },
    {
      env: { AZUREML_DEBUG_PORT: String(port) },
    },
  );
  await server.waitReady();
  const pid = Number((await server.post()).text);
  await server.write("score.ts", typescript("process.pid + 0"));
  const answers: { readonly status: number }[] = [];
  await until(async () => {
    answers.push(await server.post());
    return (await server.ready()).body.reload?.version === 2;
  }, "the edit serves");
  for (const { status } of answers) expect(status).toBe(200);
  expect(isAlive(pid)).toBe(false);
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as readonly unknown[];
  expect(targets).toHaveLength(1);
  expect(await server.stop()).toBe(0);
});

test("--reload_dir watches further folders, whatever their files are called", async () => {
  const script = python("open(os.path.join(os.environ['AZUREML_MODEL_DIR'], 'm.txt')).read()", "import os");
  const loads = script
    .replace(
      "    pass",
      "    global text\n    text = open(os.path.join(os.environ['AZUREML_MODEL_DIR'], 'm.txt')).read()",
    )
    .replace(/return .*/, "return text");
  const model = join("..", "model");
  const server = await edited(
    "score.py",
    { "score.py": loads, "../model/m.txt": "1" },
    {
      args: ["--model_dir", model, "--reload_dir", model],
    },
  );
  await server.waitReady();
  expect(await server.post()).toEqual({ status: 200, text: '"1"' });
  await server.write("../model/m.txt", "2");
  await server.settles("watching", 2);
  expect(await server.post()).toEqual({ status: 200, text: '"2"' });
});

test("a file that the script writes whenever it is loaded does not load it for ever", async () => {
  const writes = python("1", "import time").replace("    pass", '    open("state.json", "w").write(str(time.time()))');
  const server = await edited("score.py", { "score.py": writes });
  await server.waitOutput(/state\.json is written each time the script is loaded/);
  const { body } = await server.until(({ body }) => body.reload?.state === "watching", "it has come to rest");
  await server.write("score.py", writes.replace("return 1", "return 2"));
  await server.settles("watching", body.reload!.version + 1);
  expect(await server.post()).toEqual({ status: 200, text: "2" });
  expect(await server.stop()).toBe(0);
});

test("--script_host in-process is refused, with the reason", async () => {
  const server = await edited("score.ts", { "score.ts": typescript("1") }, { args: ["--script_host", "in-process"] });
  expect(await server.waitExit()).toBe(1);
  expect(server.stderr()).toBe(
    "scorefn serve: error: --reload needs worker processes, because Node keeps each module that it has loaded; leave out --script_host in-process\n",
  );
});

test("a name that is wrong from the start ends the command", async () => {
  const server = await edited("scoer.py", { "score.py": python("1") });
  expect(await server.waitExit()).toBe(1);
  expect(server.stderr()).toMatch(/scoer\.py does not exist; did you mean .*score\.py\?/);
});

test("the stop goes first: what comes up then never serves, and no process is left", async () => {
  const server = await edited("score.py", { "score.py": python("os.getpid()", "import os") });
  await server.waitReady();
  const pid = Number((await server.post()).text);
  await server.write("score.py", python("2", "import time\ntime.sleep(10000)"));
  await server.until(({ body }) => body.reload?.state === "reloading", "it reloads");
  expect(await server.stop()).toBe(0);
  expect(isAlive(pid)).toBe(false);
});

/** A shell with so few watches for itself and what it starts. */
const FEW_WATCHES = [
  "unshare",
  "-U",
  "-r",
  "sh",
  "-c",
  'echo 3 > /proc/sys/user/max_inotify_watches && exec "$@"',
  "sh",
];
const canLimit = ((): boolean => {
  try {
    execFileSync(FEW_WATCHES[0]!, [...FEW_WATCHES.slice(1), "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test.skipIf(!canLimit)(
  "without watches of the system files are looked at again and again, after one warning",
  async () => {
    const files = {
      "score.py": python("lib.x.VALUE", "import lib.x"),
      "lib/x.py": "VALUE = 1\n",
      "lib/a/b/c/d.py": "",
    };
    const server = await edited("score.py", files, { wrapper: FEW_WATCHES });
    await server.waitReady();
    for (const value of ["2", "33"]) {
      await server.write("lib/x.py", `VALUE = ${value}\n`);
      await until(async () => (await server.post()).text === value, "the edit serves", 50);
    }
    expect(server.stdout().match(/The system has no more watches for files/g)).toHaveLength(1);
    expect(await server.stop()).toBe(0);
  },
);
