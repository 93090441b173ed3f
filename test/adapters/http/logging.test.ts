// The command with a logging.json, as its user sees it, and beside it what Microsoft's server makes of the same file.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { environment } from "../../setup/environments.mjs";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import { until } from "../../setup/service.ts";

const FORMAT = "[%(levelname)s] [%(process)d] %(name)s %(asctime)s | %(message)s";
const CONFIG = {
  version: 1,
  formatters: { f: { class: "azureml_inference_server_http.log_config.AMLLogFormatter", format: FORMAT } },
  filters: { probes: { "()": "azureml_inference_server_http.log_config.RootAccessFilter" } },
  handlers: { h: { class: "logging.StreamHandler", stream: "ext://sys.stdout", level: "INFO", formatter: "f" } },
  loggers: {
    azmlinfsrv: { level: "INFO", handlers: ["h"], propagate: false },
    "gunicorn.access": { level: "INFO", handlers: ["h"], filters: ["probes"] },
  },
};
const SCRIPTS = {
  "score.py": `
import logging
def init():
    print("init")
def run(data):
    print("run with", data)
    logging.getLogger("azmlinfsrv.user_script").warning("own %s", "record")
    return 1
`,
  "score.mjs": `
export const init = () => console.log("init");
export const run = (data) => { console.log("run with", data); return 1; };
`,
};

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-logging-")));
  for (const [name, text] of Object.entries(SCRIPTS)) writeFileSync(join(folder, name), text);
});
afterEach(() => rmSync(folder, { recursive: true }));

async function start(command: readonly string[], script: string, config: unknown): Promise<RunningServer> {
  writeFileSync(join(folder, "logging.json"), typeof config === "string" ? config : JSON.stringify(config));
  const port = await freePort();
  const [program = "", ...args] = command;
  const { PATH = "" } = process.env;
  const python = environment("azmlinfsrv");
  return startServer({
    command: program,
    args: [...args, "--entry_script", script, "--port", String(port)],
    env: {
      PATH: "python" in python ? [dirname(python.python), PATH].join(delimiter) : PATH,
      PYTHONUNBUFFERED: "1",
      TZ: "Asia/Tokyo",
    },
    cwd: folder,
    port,
  });
}

const OURS = [process.execPath, packageFile("dist/adapters/cli/azmlinfsrv.js")];

/** Records from the configuration on, after a few requests; without what differs from run to run. */
async function recordsOf(server: RunningServer): Promise<string[]> {
  await server.waitOutput(/ready for serving traffic/);
  const { url, stdout } = server;
  const headers = { "content-type": "application/json", "user-agent": "test" };
  await (await fetch(`${url}/score?q=1`, { method: "POST", body: '{"x": 1}', headers })).text();
  await (await fetch(url, { headers })).text();
  await (await fetch(`${url}/swagger.json?version=9`, { headers })).text();
  await until(() => /GET \/swagger.json.*HTTP\/1.1/.test(stdout()), "the last access record");
  await server.stop();
  const lines = stdout().split("\n").map(withoutParticulars);
  const begin = lines.findIndex((line) => line.includes("Loaded logging config from <folder>"));
  const end = lines.findIndex((line) => line.includes('"GET /swagger.json'));
  // Microsoft's server runs in the script's Python itself, so it does not say which one that is.
  return lines.slice(begin, end + 1).filter((line) => !INTERPRETER.test(line));
}

const INTERPRETER =
  /^\[INFO\] \[<pid>\] azmlinfsrv <time> \| The score script runs with python \d+\.\d+\.\d+ at \/\S+$/;

function withoutParticulars(line: string): string {
  return line
    .replaceAll(folder, "<folder>")
    .replace(/\[\d+\]/, "[<pid>]")
    .replace(/pid \d+/, "pid <pid>")
    .replace(/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\b/, "<time>")
    .replace(/\[\d\d\/\w{3}\/\d{4}.*?\]/, "[<time>]")
    .replace(/\d+\.\d{3}ms/, "<ms>ms");
}

const RECORDS = [
  "[INFO] [<pid>] azmlinfsrv <time> | Loaded logging config from <folder>/logging.json",
  "Initializing logger",
  "[INFO] [<pid>] azmlinfsrv <time> | Starting up app insights client",
  "[WARNING] [<pid>] azmlinfsrv.trace <time> | Model directory is not set or does not exist: ",
  "[INFO] [<pid>] azmlinfsrv.user_script <time> | Found user script at <folder>/score.py",
  "[INFO] [<pid>] azmlinfsrv.user_script <time> | run() is not decorated. Server will invoke it with the input in JSON string.",
  "[INFO] [<pid>] azmlinfsrv.user_script <time> | Invoking user's init function",
  "[INFO] [<pid>] azmlinfsrv.print <time> | init",
  "[INFO] [<pid>] azmlinfsrv.user_script <time> | Users's init has completed successfully",
  "[INFO] [<pid>] azmlinfsrv.swagger <time> | Swaggers are prepared for the following versions: [2, 3, 3.1].",
  "[INFO] [<pid>] azmlinfsrv <time> | Scoring timeout is set to 3600000",
  "[INFO] [<pid>] azmlinfsrv <time> | Worker with pid <pid> ready for serving traffic",
  '[INFO] [<pid>] azmlinfsrv.print <time> | run with {"x": 1}',
  "[WARNING] [<pid>] azmlinfsrv.user_script <time> | own record",
  "[INFO] [<pid>] azmlinfsrv <time> | POST /score?q=1 200 <ms>ms 1",
  '[INFO] [<pid>] gunicorn.access <time> | 127.0.0.1 - - [<time>] "POST /score?q=1 HTTP/1.1" 200 1 "-" "test"',
  "[INFO] [<pid>] azmlinfsrv <time> | GET /swagger.json?version=9 404 <ms>ms 81",
  '[INFO] [<pid>] gunicorn.access <time> | 127.0.0.1 - - [<time>] "GET /swagger.json?version=9 HTTP/1.1" 404 81 "-" "test"',
];

describe("a logging.json with a format of its own (LOG-5)", () => {
  test("is applied by the server and a Python worker", async () => {
    const server = await start(OURS, "score.py", CONFIG);
    expect(await recordsOf(server)).toEqual(RECORDS);
    const interpreters = server
      .stdout()
      .split("\n")
      .map(withoutParticulars)
      .filter((line) => INTERPRETER.test(line));
    expect(interpreters).toHaveLength(1);
  });

  test.skipIf("unavailable" in environment("azmlinfsrv"))("has the same effect on Microsoft's server", async () => {
    const theirs = environment("azmlinfsrv");
    if ("unavailable" in theirs) return;
    const command = [join(dirname(theirs.python), "azmlinfsrv")];
    expect(await recordsOf(await start(command, "score.py", CONFIG))).toEqual(RECORDS);
  });

  test("is applied by a worker that runs JavaScript", async () => {
    const records = await recordsOf(await start(OURS, "score.mjs", CONFIG));
    const own = records.filter((record) => / azmlinfsrv\.(print|user_script) /.test(record));
    expect(own).toContain("[INFO] [<pid>] azmlinfsrv.print <time> | init");
    expect(own.filter((record) => !record.startsWith("[INFO] [<pid>] azmlinfsrv."))).toEqual([]);
  });
});

describe("a logging.json that cannot be used ends the command with code 3 (LOG-6)", () => {
  test.each(["score.py", "score.mjs"])("when it is not JSON: %s", async (script) => {
    const server = await start(OURS, script, "{");
    expect(await server.waitExit()).toBe(3);
    const reason = "it is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)";
    expect(server.stdout()).toMatch(/ C \[\d+\] azmlinfsrv - Invalid config file!: .*\n$/);
    expect(server.stdout()).toContain(`Invalid config file!: ${join(folder, "logging.json")}: ${reason}\n`);
  });

  test("when Python alone refuses it", async () => {
    const handlers = { ...CONFIG.handlers, unused: { class: "not_there.Handler" } };
    const server = await start(OURS, "score.py", { ...CONFIG, handlers });
    expect(await server.waitExit()).toBe(3);
    const reason = "Unable to configure handler 'unused': Cannot resolve 'not_there.Handler': ";
    expect(server.stdout()).toMatch(/^\[CRITICAL\] .* \| Invalid config file!: logging.json: /m);
    expect(server.stdout()).toContain(`${reason}No module named 'not_there'`);
    expect(server.stderr()).toContain(reason);
  });
});
