import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { runCommand } from "../../../adapters/cli/command.ts";
import type { Program } from "../../../adapters/cli/command-line.ts";
import { realPath } from "../../../adapters/cli/real-path.ts";
import { reservePort } from "../../../adapters/http/reserve-port.ts";
import type { Config, Environment } from "../../../src/config/config.ts";
import { ScoreError } from "../../../src/core/errors.ts";

let folder: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-command-")));
  writeFileSync(join(folder, "score.py"), "");
  symlinkSync("score.py", join(folder, "link.py"));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What serve() was called with. */
  readonly served: readonly Config[];
}

function run(args: readonly string[], env: Environment = {}, serve = async (_config: Config) => 0): Promise<Run> {
  return runAs("azmlinfsrv", args, env, serve);
}

/** Runs `scorefn serve`, with the PATH of the tests. */
function serve(args: readonly string[], env: Environment = {}, cwd = folder): Promise<Run> {
  return runAs("scorefn", ["serve", ...args], { PATH: process.env.PATH, ...env }, async () => 0, cwd);
}

async function runAs(
  program: Program,
  args: readonly string[],
  env: Environment,
  serve: (config: Config) => Promise<number>,
  cwd = folder,
): Promise<Run> {
  const out = { stdout: "", stderr: "" };
  const served: Config[] = [];
  const code = await runCommand(program, args, {
    write: (text) => {
      out.stdout += text;
    },
    writeError: (text) => {
      out.stderr += text;
    },
    serve: (config) => {
      served.push(config);
      return serve(config);
    },
    reservePort,
    runTarget: async () => 0,
    runTool: async () => 0,
    env,
    cwd,
  });
  return { code, ...out, served };
}

const RECORD = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (\w) \[\d+\] (\S+) - /;

/** Lines of stdout with time and process id of records taken off. */
function linesOf(stdout: string): readonly string[] {
  return stdout.split("\n").map((line) => line.replace(RECORD, "$1 $2 - "));
}

const LOADED = "I azmlinfsrv - Loaded logging config from built-in defaults";

describe("start", () => {
  test("writes record, model directory, telemetry, banner in this order, then serves (BAN-1, LOG-4)", async () => {
    const { code, stdout, stderr, served } = await run(["--entry_script", "score.py", "--appinsights", "x"]);
    expect([code, stderr, served.length]).toEqual([0, "", 1]);
    const lines = linesOf(stdout);
    expect(lines.slice(0, 8)).toEqual([
      LOADED,
      "The environment variable 'AZUREML_MODEL_DIR' has not been set.",
      "Use the --model_dir command line argument to set it.",
      "Invalid Application Insights instrumentation key provided.",
      "Application Insights has been disabled.",
      "",
      "Azure ML Inferencing HTTP server compatible: scorefn v0.1.0",
      "",
    ]);
    expect(lines.slice(-3)).toEqual(["Score:          POST  127.0.0.1:5001/score", "", ""]);
  });

  test("exits with what serve() resolves with", async () => {
    expect((await run(["--entry_script", "score.py"], {}, async () => 3)).code).toBe(3);
  });

  test("resolves links of the script's path, which need not exist (CLI-8)", async () => {
    const linked = await run(["--entry_script", "link.py"]);
    expect(linked.served[0]?.entryScript).toBe(join(folder, "score.py"));
    const missing = await run(["--entry_script", "no/such/score.py"]);
    expect(missing.served[0]?.entryScript).toBe(join(folder, "no/such/score.py"));
  });

  test("warns of GUNICORN_CMD_ARGS after the banner (ENV-16)", async () => {
    const { stdout } = await run(["--entry_script", "score.py"], { GUNICORN_CMD_ARGS: "" });
    expect(linesOf(stdout).at(-2)).toMatch(/^W azmlinfsrv - GUNICORN_CMD_ARGS is set but has no effect/);
  });
});

describe("config.json", () => {
  const write = (content: unknown, name = "config.json") => {
    const file = join(folder, name);
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
    onTestFinished(() => rmSync(file));
    return file;
  };
  const shown = (stdout: string, title: string) => new RegExp(`^${title}: (.*)$`, "m").exec(stdout)?.[1];

  test("alone is enough; a script it names is served and not shown (CLI-7, BAN-6)", async () => {
    write({ AZUREML_ENTRY_SCRIPT: "score.py" }, "mine.json");
    const { stdout, served } = await run(["--config_file", "mine.json"]);
    expect(served[0]?.entryScript).toBe(join(folder, "score.py"));
    expect(shown(stdout, "Entry Script Name")).toBe("None");
    expect(shown(stdout, "Config File")).toBe(join(folder, "mine.json"));
  });

  test("what it says of model, origins and telemetry stands in the banner (BAN-2, BAN-4, ENV-12)", async () => {
    write({ AZUREML_MODEL_DIR: "models", AML_CORS_ORIGINS: "a.com", AML_APP_INSIGHTS_ENABLED: true });
    const { stdout } = await run(["--entry_script", "score.py", "--appinsights", "x"]);
    expect(stdout).not.toContain("has not been set");
    expect(shown(stdout, "Model Directory")).toBe("models");
    expect(shown(stdout, "CORS for the specified origins")).toBe("Enabling CORS for a.com");
    expect(shown(stdout, "Application Insights Enabled")).toBe("false");
    expect(stdout).toContain("Invalid Application Insights instrumentation key provided.\n");
  });

  test("keys it should not have are warned about after the banner (CFG-9, BAN-8)", async () => {
    write({ MINE: 1, WORKER_COUNT: 2 });
    const { stdout } = await run(["--entry_script", "score.py"]);
    expect(linesOf(stdout).slice(-4)).toEqual([
      "",
      "W azmlinfsrv - Found extra keys in the config file that are not supported by the server.",
      "Extra keys = ['MINE', 'WORKER_COUNT']",
      "",
    ]);
  });

  test("a named file that is missing is warned about (CFG-3)", async () => {
    const { stdout, served } = await run(["--entry_script", "score.py", "--config_file", "nowhere.json"]);
    expect(served).toHaveLength(1);
    expect(linesOf(stdout).at(-2)).toBe(
      `W azmlinfsrv - The config file ${join(folder, "nowhere.json")} is missing or empty; there is no other.`,
    );
  });

  test("that is no JSON object is one CRITICAL record and exit code 3 (CFG-10)", async () => {
    const file = write("[]");
    const { code, stdout, stderr, served } = await run(["--entry_script", "score.py"]);
    expect([code, stderr, served.length]).toEqual([3, "", 0]);
    expect(linesOf(stdout)).toEqual([
      LOADED,
      `C azmlinfsrv - Invalid config file!: ${file}: it is not a JSON object`,
      "",
    ]);
  });

  test("with values of wrong types is one CRITICAL record each and exit code 3 (CFG-8)", async () => {
    write({ SERVICE_VERSION: 1, APP_INSIGHTS_LOG_RESPONSE_ENABLED: "perhaps" });
    const { code, stdout } = await run(["--entry_script", "score.py"]);
    expect(code).toBe(3);
    expect(stdout.match(/Configuration Error/g)).toHaveLength(2);
    expect(stdout).toContain("SERVICE_VERSION: Input should be a valid string (environment variable: SERVICE_VERSION)");
  });

  test("a swagger document that is no JSON is one ERROR record and exit code 3 (SW-8)", async () => {
    const file = write("{", "swagger.json");
    const { code, stdout, served } = await run(["--entry_script", "score.py"]);
    expect([code, served.length]).toEqual([3, 0]);
    expect(linesOf(stdout)[1]).toMatch(`E azmlinfsrv - The swagger file ${file} cannot be used: it is not JSON: `);
  });
});

describe("no start", () => {
  test.each([[[]], [["--model_dir", "m"]], [["--entry_script", "", "--config_file", ""]]])(
    "%j: neither script nor configuration file, whatever the environment says (CLI-7)",
    async (args) => {
      const { code, stdout, stderr, served } = await run(args, { AZUREML_ENTRY_SCRIPT: "score.py" });
      expect([code, stderr, served.length]).toEqual([1, "", 0]);
      expect(linesOf(stdout)).toEqual([
        LOADED,
        "E azmlinfsrv - Error!",
        "E azmlinfsrv - Either provide an entry_script using --entry_script or provide a path to the configuration file " +
          "using --config_file",
        "",
      ]);
    },
  );

  test("--config_file alone is enough (CLI-7)", async () => {
    expect((await run(["--config_file", "missing.json"])).served).toHaveLength(1);
  });

  test("a usage error prints nothing else (CLI-5)", async () => {
    const { code, stdout, stderr, served } = await run(["--port", "0"]);
    expect([code, served.length]).toEqual([1, 0]);
    expect(stdout).not.toContain("Loaded logging config");
    expect(stderr).toContain("azmlinfsrv: error: argument --port: invalid validate_port value: '0'\n");
  });

  test("bad worker settings are one CRITICAL record each and exit code 3 (CFG-8, CFG-11)", async () => {
    const env = { SCORING_TIMEOUT_MS: "abc", AZUREML_LOG_LEVEL: "x" };
    const { code, stdout, stderr, served } = await run(["--entry_script", "score.py"], env);
    expect([code, stderr, served.length]).toEqual([3, "", 0]);
    expect(linesOf(stdout)).toEqual([
      LOADED,
      "C azmlinfsrv - ",
      "===============Configuration Error=================",
      "SCORING_TIMEOUT_MS: Input should be a valid integer, unable to parse string as an integer " +
        "(environment variable: SCORING_TIMEOUT_MS)",
      "===================================================",
      "C azmlinfsrv - ",
      "===============Configuration Error=================",
      "AZUREML_LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL' " +
        "(environment variable: AZUREML_LOG_LEVEL)",
      "===================================================",
      "",
    ]);
  });

  test("a bad WORKER_COUNT is one line on stderr and exit code 1 (ENV-13)", async () => {
    const { code, stdout, stderr } = await run(["--entry_script", "score.py"], { WORKER_COUNT: "0" });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'azmlinfsrv: error: WORKER_COUNT must be a whole number, 1 or more, not "0" (or use --worker_count)\n',
    );
    expect(linesOf(stdout)).toEqual([LOADED, ""]);
  });

  test("a missing interpreter is one line on stderr and exit code 1", async () => {
    const { code, stderr } = await run(["--entry_script", "score.py"], {}, async () => {
      throw new ScoreError("ERR_PYTHON_NOT_FOUND", "no Python interpreter found");
    });
    expect([code, stderr]).toEqual([1, "azmlinfsrv: error: no Python interpreter found\n"]);
  });

  test("a fault of our own is not dressed up", async () => {
    const fault = new TypeError("bug");
    const running = run(["--entry_script", "score.py"], {}, async () => {
      throw fault;
    });
    await expect(running).rejects.toBe(fault);
  });
});

describe("scorefn serve", () => {
  /** A folder of its own with these files; a name that ends with / is a folder. */
  const folderWith = (...names: string[]): string => {
    const own = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-command-")));
    onTestFinished(() => rmSync(own, { recursive: true }));
    for (const name of names) {
      if (name.endsWith("/")) mkdirSync(join(own, name));
      else writeFileSync(join(own, name), name === "config.json" ? '{"AZUREML_ENTRY_SCRIPT": "score.py"}' : "");
    }
    return own;
  };

  test("serves a script that is typed, named by a variable, or by config.json", async () => {
    const cwd = folderWith("score.py", "config.json");
    const named = { AZUREML_ENTRY_SCRIPT: "score.py" };
    for (const [args, env] of [
      [["score.py"], {}],
      [["--entry-script", "score.py"], {}],
      [[], named],
      [[], {}],
      [["--config_file", "config.json"], {}],
      [[], { AZUREML_CONFIG_FILE: "config.json" }],
    ] as const) {
      const { code, stderr, stdout, served } = await serve(args, env, cwd);
      expect([code, stderr, served.length]).toEqual([0, "", 1]);
      expect(served[0]?.entryScript).toBe(join(cwd, "score.py"));
      expect(stdout).toContain(`\nEntry Script Name: ${join(cwd, "score.py")}\n`);
    }
  });

  test("the banner shows the configuration file that was found", async () => {
    const cwd = folderWith("score.py", "config.json");
    expect((await serve([], {}, cwd)).stdout).toContain(`\nConfig File: ${join(cwd, "config.json")}\n`);
  });

  test("without a script it says what to type, with the script that is there", async () => {
    const none = await serve([], {}, folderWith());
    expect([none.code, none.served.length]).toEqual([1, 0]);
    const line = (name: string) =>
      `scorefn serve: error: no score script is named; type scorefn serve ${name}, or set AZUREML_ENTRY_SCRIPT\n`;
    expect(none.stderr).toBe(line("score.py"));
    expect((await serve([], {}, folderWith("score.ts"))).stderr).toBe(line("score.ts"));
  });

  test("a configuration file without a script stands for main.py, where there is one (LOAD-2)", async () => {
    const cwd = folderWith("main.py");
    writeFileSync(join(cwd, "own.json"), "{}");
    expect((await serve(["--config_file", "own.json"], {}, cwd)).served[0]?.entryScript).toBeNull();
    rmSync(join(cwd, "main.py"));
    expect((await serve(["--config_file", "own.json"], {}, cwd)).code).toBe(1);
  });

  test.each([
    ["gone.py", "does not exist; did you mean <cwd>/score.py?"],
    ["sub", "is a folder; name the file in it"],
    [".", "is a folder; name the file in it, for example <cwd>/score.py"],
    ["iris.onnx", "is a model; type scorefn serve --model <cwd>/iris.onnx"],
    [
      "package.json",
      "is not a Python, JavaScript or TypeScript file; name the one that holds init() and run(), for example <cwd>/score.py",
    ],
    [
      "notes.ipynb",
      "is not a Python, JavaScript or TypeScript file; name the one that holds init() and run(), for example <cwd>/score.py",
    ],
    ["score.py/x", "does not exist"],
  ])("%s is named for what it is, before anything starts", async (script, fault) => {
    const cwd = folderWith("score.py", "sub/", "package.json", "notes.ipynb", "iris.onnx");
    const { code, stdout, stderr, served } = await serve([script], {}, cwd);
    expect([code, served.length]).toEqual([1, 0]);
    const text = fault.replace("<cwd>", cwd);
    expect(stderr).toBe(`scorefn serve: error: the score script ${join(cwd, script).replace(/\/$/, "")} ${text}\n`);
    expect(stdout).toBe("");
  });

  test.skipIf(process.platform === "win32")("a path of Windows is told where it may be", async () => {
    const { code, stderr } = await serve(["C:\\my models\\score.py"]);
    expect([code, stderr]).toEqual([
      1,
      "scorefn serve: error: the score script C:\\my models\\score.py is a path of Windows; here it may be /mnt/c/my models/score.py\n",
    ]);
  });

  test.skipIf(process.getuid?.() === 0)("a script without the right to read it is said to be so", async () => {
    const cwd = folderWith("score.py");
    chmodSync(join(cwd, "score.py"), 0);
    expect((await serve(["score.py"], {}, cwd)).stderr).toContain("score.py cannot be read by this user");
  });

  test("a script of a variable that is missing shows what it is relative to", async () => {
    const cwd = folderWith("app/", "score.py");
    const { stderr } = await serve([], { AZUREML_ENTRY_SCRIPT: "score.py", AML_APP_ROOT: "app" }, cwd);
    expect(stderr).toContain(`${join(cwd, "app", "score.py")} does not exist (AML_APP_ROOT is ${join(cwd, "app")})\n`);
  });

  test("says all that is wrong at once, one line each, with the ranges", async () => {
    const args = [
      "gone.py",
      "--port",
      "70000",
      "--worker-count",
      "x",
      "--error_detail",
      "all",
      "--bogus",
      "--python",
      "/no/such",
    ];
    const { code, stdout, stderr } = await serve(args, { SCOREFN_MAX_QUEUE: "-1", WORKER_TIMEOUT: "soon" });
    expect(code).toBe(1);
    expect(stderr.replaceAll("scorefn serve: error: ", "").trimEnd().split("\n").sort()).toEqual([
      '--error_detail must be none, location or full, not "all"',
      '--port must be a whole number from 0 to 65535, not "70000"',
      '--worker_count must be a whole number, 1 or more, not "x"',
      'SCOREFN_MAX_QUEUE must be a whole number, 0 or more, not "-1" (or use --max_queue)',
      'WORKER_TIMEOUT must be a whole number, 0 or more, not "soon"',
      "no Python interpreter found (tried /no/such); name one of version 3.9 or later with --python or SCOREFN_PYTHON",
      `the score script ${join(folder, "gone.py")} does not exist; did you mean ${join(folder, "score.py")}?`,
      "there is no flag --bogus; scorefn serve --help lists all",
    ]);
    expect(stdout).toBe("");
  });

  test("a broken config.json is reported beside the rest, and no script is asked for that it may name", async () => {
    const cwd = folderWith();
    writeFileSync(join(cwd, "config.json"), "{");
    const { code, stdout, stderr } = await serve(["--port", "x"], {}, cwd);
    expect(code).toBe(1);
    expect(stderr).toBe('scorefn serve: error: --port must be a whole number from 0 to 65535, not "x"\n');
    expect(stdout).toContain(`Invalid config file!: ${join(cwd, "config.json")}: it is not JSON`);
  });

  test.each(["VIRTUAL_ENV", "CONDA_PREFIX"])(
    "an environment of %s that is gone is an error with a cure",
    async (name) => {
      const { code, stderr, served } = await serve(["score.py"], { [name]: "/no/such" });
      expect([code, served.length]).toEqual([1, 0]);
      expect(stderr).toBe(
        `scorefn serve: error: ${name} is /no/such, which does not exist; activate an environment that works, ` +
          `unset ${name}, or name a Python with --python or SCOREFN_PYTHON\n`,
      );
    },
  );

  test("Python is not looked for where the script is TypeScript", async () => {
    const cwd = folderWith("score.ts");
    expect((await serve(["score.ts", "--python", "/no/such"], {}, cwd)).code).toBe(0);
  });

  test("a container sets host and port by variable; 0 is a free port", async () => {
    const { served } = await serve(["score.py"], { SCOREFN_HOST: "127.0.0.1", SCOREFN_PORT: "8080" });
    expect(served[0]).toMatchObject({ host: "127.0.0.1", port: 8080, errorDetail: "location" });
    const free = await serve(["score.py"], { SCOREFN_PORT: "0" });
    expect(free.served[0]?.port).toBeGreaterThan(0);
    expect(free.stdout).toContain(`:${free.served[0]?.port}/score\n`);
    expect((await serve(["score.py"], { PORT: "8080" })).served[0]?.port).toBe(5001);
    expect((await serve(["score.py", "--port", " +00 "])).served[0]?.port).toBeGreaterThan(0);
  });

  test("what is no port is told with the range that the command takes: 0 only counts for serve", async () => {
    const reason = (least: number, value: string) =>
      `SCOREFN_PORT must be a whole number from ${least} to 65535, not "${value}" (or use --port)`;
    expect((await serve(["score.py"], { SCOREFN_PORT: "-1" })).stderr).toContain(reason(0, "-1"));
    const dropIn = await run(["--entry_script", "score.py"], { SCOREFN_PORT: "0" });
    expect([dropIn.code, dropIn.stderr]).toEqual([1, `azmlinfsrv: error: ${reason(1, "0")}\n`]);
  });

  test("GET / is liveness and access records follow the log's level; the drop-in has its own defaults", async () => {
    const env = { AZUREML_LOG_LEVEL: "ERROR" };
    expect((await serve(["score.py"], env)).served[0]).toMatchObject({ rootProbe: "live", accessLogLevel: "ERROR" });
    const dropIn = await run(["--entry_script", "score.py"], env);
    expect(dropIn.served[0]).toMatchObject({ rootProbe: "ready", accessLogLevel: "INFO", logLevel: "ERROR" });
  });
});

test("realPath() ends at the root of a path that does not exist at all", () => {
  expect(realPath("/no-such-folder/a/b")).toBe("/no-such-folder/a/b");
});
