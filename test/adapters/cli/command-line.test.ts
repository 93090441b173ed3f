import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseCommandLine } from "../../../adapters/cli/command-line.ts";
import { COMMANDS } from "../../../adapters/cli/commands.ts";
import { platforms } from "../../../adapters/cli/platforms.ts";
import { FLAG_SETTINGS, SETTINGS } from "../../../src/config/config.ts";

// argparse wraps help to the terminal's width, as Python's does.
beforeAll(() => {
  vi.stubEnv("COLUMNS", "80");
});
afterAll(() => {
  vi.unstubAllEnvs();
});

async function exitOf(program: "azmlinfsrv" | "scorefn", ...args: string[]) {
  const command = await parseCommandLine(program, args);
  if (command.kind !== "exit") throw new Error(`did not exit: ${JSON.stringify(command)}`);
  return command;
}

async function flagsOf(program: "azmlinfsrv" | "scorefn", ...args: string[]) {
  const command = await parseCommandLine(program, args);
  if (command.kind !== "serve") throw new Error(`did not serve: ${JSON.stringify(command)}`);
  expect(command.problems).toEqual([]);
  return command.flags;
}

async function problemsOf(...args: string[]): Promise<readonly string[]> {
  const command = await parseCommandLine("scorefn", ["serve", ...args]);
  if (command.kind !== "serve") throw new Error(`did not serve: ${JSON.stringify(command)}`);
  return command.problems;
}

/** Command lines and the error line of the real azmlinfsrv 1.5.1 on Python 3.11, less its beginning. */
const REFERENCE_ERRORS: readonly (readonly [args: readonly string[], error: string])[] = [
  [["--port", "0"], "argument --port: invalid validate_port value: '0'"],
  [["--port", "65536"], "argument --port: invalid validate_port value: '65536'"],
  [["--port", "abc"], "argument --port: invalid validate_port value: 'abc'"],
  [["--port", ""], "argument --port: invalid validate_port value: ''"],
  [["--po="], "argument --port: invalid validate_port value: ''"],
  [["--port", "it's"], 'argument --port: invalid validate_port value: "it\'s"'],
  [["--port", "a\"b'c"], "argument --port: invalid validate_port value: 'a\"b\\'c'"],
  [["--port", "a\nb"], "argument --port: invalid validate_port value: 'a\\nb'"],
  [["--port", "é"], "argument --port: invalid validate_port value: 'é'"],
  [["--port", "5_"], "argument --port: invalid validate_port value: '5_'"],
  [["--p"], "argument --port: expected one argument"],
  [["--p", "x"], "argument --port: invalid validate_port value: 'x'"],
  [["--health_port", "0"], "argument --health_port: invalid validate_port value: '0'"],
  [["--health", "70000"], "argument --health_port: invalid validate_port value: '70000'"],
  [["--worker_count", "0"], "argument --worker_count: invalid validate_worker_count value: '0'"],
  [["--worker_count", "-1"], "argument --worker_count: invalid validate_worker_count value: '-1'"],
  [["--worker_count=-1"], "argument --worker_count: invalid validate_worker_count value: '-1'"],
  [["--worker_count", "0x10"], "argument --worker_count: invalid validate_worker_count value: '0x10'"],
  [["--worker_count", "5.0"], "argument --worker_count: invalid validate_worker_count value: '5.0'"],
  [["--worker_count", "1__0"], "argument --worker_count: invalid validate_worker_count value: '1__0'"],
  [["--w", "0"], "argument --worker_count: invalid validate_worker_count value: '0'"],
  [["--work", "0"], "argument --worker_count: invalid validate_worker_count value: '0'"],
  [["--bogus"], "unrecognized arguments: --bogus"],
  [["--bogus=1", "--other", "2", "z"], "unrecognized arguments: --bogus=1 --other 2 z"],
  [["stray"], "unrecognized arguments: stray"],
  [["--entry_script", "a", "b", "--bogus", "c"], "unrecognized arguments: b --bogus c"],
  [["--entry_scriptx", "1"], "unrecognized arguments: --entry_scriptx 1"],
  [["-x"], "unrecognized arguments: -x"],
  [["-p", "5"], "unrecognized arguments: -p 5"],
  [["-"], "unrecognized arguments: -"],
  [["--"], "unrecognized arguments: --"],
  [["--", "--port", "0"], "unrecognized arguments: -- --port 0"],
  [["--entry_script=x", "--", "--port"], "unrecognized arguments: -- --port"],
  [["--entry_script"], "argument --entry_script: expected one argument"],
  [["--e"], "argument --entry_script: expected one argument"],
  [["--m"], "argument --model_dir: expected one argument"],
  [["--c"], "argument --config_file: expected one argument"],
  [["--entry_script", "--model_dir"], "argument --entry_script: expected one argument"],
  [["--ap", "--x"], "argument --appinsights_instrumentation_key: expected one argument"],
  [["--access_control_allow_origins"], "argument --access_control_allow_origins: expected one argument"],
  [["--entry_script", "--po"], "argument --entry_script: expected one argument"],
  [["--a", "x"], "ambiguous option: --a could match --appinsights_instrumentation_key, --access_control_allow_origins"],
  [
    ["--a=1", "--port", "0"],
    "ambiguous option: --a=1 could match --appinsights_instrumentation_key, --access_control_allow_origins",
  ],
  [
    ["--port", "0", "--a=1"],
    "ambiguous option: --a=1 could match --appinsights_instrumentation_key, --access_control_allow_origins",
  ],
  [["--he"], "ambiguous option: --he could match --help, --health_port"],
  [["--h"], "ambiguous option: --h could match --help, --health_port"],
  [
    ["--=x"],
    "ambiguous option: --=x could match --help, --entry_script, --model_dir, --appinsights_instrumentation_key, --port, --health_port, --worker_count, --access_control_allow_origins, --config_file, --rest",
  ],
  [["--rest=1"], "argument --rest: ignored explicit argument '1'"],
  [["--re=1"], "argument --rest: ignored explicit argument '1'"],
  [["--help=1"], "argument -h/--help: ignored explicit argument '1'"],
  [["--port", "0", "--port", "5"], "argument --port: invalid validate_port value: '0'"],
  [["--po", "1", "--wor", "x", "--bogus"], "argument --worker_count: invalid validate_worker_count value: 'x'"],
  [["--entry_script", "a", "--", "b"], "unrecognized arguments: -- b"],
  [["--port", "\\"], "argument --port: invalid validate_port value: '\\\\'"],
  [["--port", "\u0001"], "argument --port: invalid validate_port value: '\\x01'"],
  [["--version"], "unrecognized arguments: --version"],
  [["--port", "a b"], "argument --port: invalid validate_port value: 'a b'"],
  [["-5"], "unrecognized arguments: -5"],
  [["a b"], "unrecognized arguments: a b"],
  [["--model_dir", "x", "-- b"], "unrecognized arguments: -- b"],
  [["--entry", "a", "--entry"], "argument --entry_script: expected one argument"],
  [["--port", "-1"], "argument --port: invalid validate_port value: '-1'"],
  [["--port", "-x"], "argument --port: expected one argument"],
  [["--health_port", "--"], "argument --health_port: expected one argument"],
  [["--entry_script", "--"], "argument --entry_script: expected one argument"],
  [["--port", "--", "5"], "argument --port: expected one argument"],
];

/** What the reference server's help says of its flags, at 80 columns. */
const REFERENCE_OPTIONS = `options:
  -h, --help            show this help message and exit
  --entry_script ENTRY_SCRIPT
                        The relative or absolute path to the scoring script.
  --model_dir MODEL_DIR
                        The relative or absolute path to the model directory.
                        The model directory will be accessiblethrough the
                        'AZUREML_MODEL_DIR' environment variable.
  --appinsights_instrumentation_key APPINSIGHTS_INSTRUMENTATION_KEY
                        The instrumentation key to the application insights
                        where the logs will be published.
  --port PORT           The serving port of the server. Default is 5001.
  --health_port HEALTH_PORT
                        The health port of the server. Default is 5000.
  --worker_count WORKER_COUNT
                        The number of worker threads which will process
                        concurrent requests. Default is 1.
  --access_control_allow_origins ACCESS_CONTROL_ALLOW_ORIGINS
                        Enable CORS for the specified origins. Separate
                        multiple origins with ",".Example: "microsoft.com,
                        bing.com"
  --config_file CONFIG_FILE
                        The relative or absolute path to the configuration
                        file

scorefn options:
`;
const REFERENCE_USAGE = `usage: azmlinfsrv [-h] [--entry_script ENTRY_SCRIPT] [--model_dir MODEL_DIR]
                  [--appinsights_instrumentation_key APPINSIGHTS_INSTRUMENTATION_KEY]
                  [--port PORT] [--health_port HEALTH_PORT]
                  [--worker_count WORKER_COUNT]
                  [--access_control_allow_origins ACCESS_CONTROL_ALLOW_ORIGINS]
                  [--config_file CONFIG_FILE]`;
const PRODUCT_LINE = "Azure ML Inferencing HTTP server compatible: scorefn v0.1.0";

describe("azmlinfsrv", () => {
  test.each(REFERENCE_ERRORS)("%j fails as the reference does (CLI-3, CLI-4, CLI-5)", async (args, error) => {
    const exit = await exitOf("azmlinfsrv", ...args);
    expect(exit.code).toBe(1);
    expect(exit.stderr.split("azmlinfsrv: error: ")[1]).toBe(`${error}\n`);
  });

  test("a usage error prints usage to stderr, an empty line and the help without usage to stdout (CLI-5)", async () => {
    const { stdout, stderr } = await exitOf("azmlinfsrv", "--bogus");
    expect(stderr.startsWith(REFERENCE_USAGE)).toBe(true);
    expect(stderr.endsWith("\nazmlinfsrv: error: unrecognized arguments: --bogus\n")).toBe(true);
    expect(stdout.startsWith(`\n${PRODUCT_LINE}\n\n${REFERENCE_OPTIONS}`)).toBe(true);
    expect(stdout).not.toContain("usage:");
    expect(stdout).not.toContain("examples:");
  });

  test.each(["--help", "-h", "--hel"])("%s prints usage and help to stdout and exits with 0 (CLI-6)", async (flag) => {
    const { code, stdout, stderr } = await exitOf("azmlinfsrv", flag);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.startsWith(REFERENCE_USAGE)).toBe(true);
    expect(stdout).toContain(`\n\n${PRODUCT_LINE}\n\n${REFERENCE_OPTIONS}`);
  });

  test("help describes every flag but --rest, ours with default and variable (CLI-2)", async () => {
    const { stdout } = await exitOf("azmlinfsrv", "--help");
    const help = stdout.slice(stdout.indexOf("options:")).replaceAll(/\s+/g, " ");
    expectVariables(help);
    for (const { flag } of FLAG_SETTINGS) {
      if (flag !== "rest" && flag !== "model") expect(help).toContain(` --${flag} `);
    }
    expect(stdout).not.toContain("--rest");
    expect(help).toContain("--max_queue MAX_QUEUE Requests that may wait");
    expect(help).toContain("Default is 1000. Variable: SCOREFN_MAX_QUEUE.");
  });

  test("the width of the terminal counts, as it does with Python", async () => {
    vi.stubEnv("COLUMNS", "200");
    const { stdout } = await exitOf("azmlinfsrv", "--help");
    vi.stubEnv("COLUMNS", "80");
    expect(stdout).toContain("The relative or absolute path to the model directory. The model directory will be");
  });

  test.each([
    [["--entry_script", "a.py"], { entry_script: "a.py" }],
    [["--entry_script=a=b.py"], { entry_script: "a=b.py" }],
    [["--entry_script", "a.py", "--entry_script", "b.py"], { entry_script: "b.py" }],
    [["--entry_script", "-5"], { entry_script: "-5" }],
    [["--entry_script", "-a b"], { entry_script: "-a b" }],
    [["--entry_script", ""], { entry_script: "" }],
    [["--port", " 5_001"], { port: " 5_001" }],
    [["--rest"], { rest: "true" }],
    [[], {}],
  ])("%j is taken as %j (CLI-3, CLI-4)", async (args, flags) => {
    expect(await flagsOf("azmlinfsrv", ...args)).toEqual(flags);
  });
});

describe("abbreviations (CLI-3)", () => {
  test("--model goes on to mean --model_dir where the reference server's command is typed, and is a model's elsewhere", async () => {
    expect(await flagsOf("azmlinfsrv", "--entry_script", "s.py", "--model", "m")).toEqual({
      entry_script: "s.py",
      model_dir: "m",
    });
    expect(await flagsOf("azmlinfsrv", "--entry_script", "s.py", "--model=m")).toMatchObject({ model_dir: "m" });
    expect((await exitOf("azmlinfsrv", "--help")).stdout).not.toMatch(/--model /);
    expect(await flagsOf("scorefn", "serve", "--model", "m.onnx")).toEqual({ model: "m.onnx" });
    expect(await flagsOf("scorefn", "serve", "--mod", "m")).toEqual({ model_dir: "m" });
  });

  test.each([
    [["--work", "2"], { worker_count: "2" }],
    [["--worker_c=2"], { worker_count: "2" }],
    [["--p", "80"], { port: "80" }],
    [["--m", "x"], { model_dir: "x" }],
    [["--e=x"], { entry_script: "x" }],
    [["--hea", "80"], { health_port: "80" }],
    [["--re"], { rest: "true" }],
    [["--c", "x"], { config_file: "x" }],
  ])("%j means what it means to the reference, whatever flags we add", async (args, flags) => {
    expect(await flagsOf("azmlinfsrv", ...args)).toEqual(flags);
    expect(await flagsOf("scorefn", "serve", ...args)).toEqual(flags);
  });

  test.each([
    [["--worker_con", "2"], { worker_concurrency: "2" }],
    [["--py", "x"], { python: "x" }],
    [["--ho=x"], { host: "x" }],
    [["--queue_t", "5"], { queue_timeout_ms: "5" }],
    [["--python", "x"], { python: "x" }],
  ])("%j is ours where none of the reference's flags matches", async (args, flags) => {
    expect(await flagsOf("azmlinfsrv", ...args)).toEqual(flags);
  });

  test("ours may be ambiguous among themselves", async () => {
    expect((await exitOf("azmlinfsrv", "--max", "5")).stderr).toContain(
      "ambiguous option: --max could match --max_body_mb, --max_queue, --max_queue_mb\n",
    );
  });
});

describe("our own flags", () => {
  test.each([
    [["--max_queue", "x"], "argument --max_queue: must be a whole number, 0 or more, not 'x'"],
    [["--worker_concurrency", "0"], "argument --worker_concurrency: must be a whole number, 1 or more, not '0'"],
    [
      ["--error_detail", "all"],
      "argument --error_detail: invalid choice: 'all' (choose from 'none', 'location', 'full')",
    ],
    [["--script_host=x"], "argument --script_host: invalid choice: 'x' (choose from 'workers', 'in-process')"],
  ])("%j is a usage error", async (args, error) => {
    expect((await exitOf("azmlinfsrv", ...args)).stderr.endsWith(`azmlinfsrv: error: ${error}\n`)).toBe(true);
  });

  test("an empty value counts as not given, as in a variable", async () => {
    expect(await flagsOf("azmlinfsrv", "--max_queue", "", "--host=")).toEqual({ max_queue: "", host: "" });
  });
});

/** @param help on one line */
function expectVariables(help: string): void {
  expect(help).toContain("settings that are environment variables only: AML_APP_ROOT Root of relative script paths");
  for (const setting of [...Object.values(SETTINGS), ...platforms.rows]) {
    if (setting.flag === null) expect(help).toContain(` ${setting.variable} `);
  }
  expect(help).toContain("SCORING_TIMEOUT_MS How long one run() may take; 0: no limit. Default is 3600000 ms.");
  expect(help).toContain("examples: ");
  expect(help).toContain(" SCORING_TIMEOUT_MS=30000 AZUREML_LOG_LEVEL=WARNING ");
}

describe("scorefn", () => {
  test.each(["version", "--version", "-v", "-V"])("%s prints the version", async (word) => {
    expect(await exitOf("scorefn", word)).toEqual({ kind: "exit", code: 0, stdout: "scorefn 0.1.0\n", stderr: "" });
  });

  test.each([[[]], [["help"]], [["--help"]], [["-h"]], [["help", "help"]], [["--help", "-h"]]])(
    "%j lists the commands",
    async (args) => {
      const { code, stdout, stderr } = await exitOf("scorefn", ...args);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("usage: scorefn <command> [flags]");
      for (const command of Object.keys(COMMANDS)) expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    },
  );

  test.each(["serve", "build", "invoke"])("help %s is %s --help and %s help", async (command) => {
    const help = await exitOf("scorefn", "help", command);
    expect(help).toEqual(await exitOf("scorefn", command, "--help"));
    expect(help).toEqual(await exitOf("scorefn", command, "help"));
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(new RegExp(`^usage: scorefn ${command} `));
  });

  test.each([
    [["bogus"], `there is no command bogus; the commands are ${Object.keys(COMMANDS).join(", ")}, help and version`],
    [
      ["help", "bogus"],
      `there is no command bogus; the commands are ${Object.keys(COMMANDS).join(", ")}, help and version`,
    ],
    [["serv"], "there is no command serv; did you mean serve?"],
    [["sevre", "--port", "1"], "there is no command sevre; did you mean serve?"],
    [["Build"], "there is no command Build; did you mean build?"],
    [["help", "biuld"], "there is no command biuld; did you mean build?"],
    [["endpoint", "create"], "there is no command endpoint; did you mean online-endpoint?"],
    [["online_deployment"], "there is no command online_deployment; did you mean online-deployment?"],
    [["run"], "there is no command run; did you mean serve?"],
    [["deploy"], "there is no command deploy; did you mean build?"],
    [
      ["constructor"],
      `there is no command constructor; the commands are ${Object.keys(COMMANDS).join(", ")}, help and version`,
    ],
    [["score.py"], "a command is missing before score.py; type: scorefn serve score.py"],
    [["--port", "80"], "a command is missing before --port; type: scorefn serve --port 80"],
    [
      ["C:\\my models\\score.py"],
      "a command is missing before C:\\my models\\score.py; type: scorefn serve 'C:\\my models\\score.py'",
    ],
  ])("%j says what to type", async (args, problem) => {
    expect(await parseCommandLine("scorefn", args)).toEqual({ kind: "refused", problem });
  });
});

describe("scorefn serve", () => {
  test("--help has every flag with its variable, and the variables that are not flags", async () => {
    const { code, stdout } = await exitOf("scorefn", "serve", "--help");
    expect(code).toBe(0);
    const help = stdout.replaceAll(/\s+/g, " ");
    for (const setting of [...Object.values(SETTINGS), ...platforms.rows]) {
      const { flag, variable, hidden } = setting;
      if (hidden) expect(help).not.toContain(` --${flag} `);
      else if (flag === null) expect(stdout).toMatch(new RegExp(`^  ${variable}(?: |$)`, "m"));
      else {
        expect(stdout).toMatch(new RegExp(`^  --${flag}(?: |$)`, "m"));
        if (variable !== null) expect(help).toMatch(new RegExp(`[[ ]${variable}\\]`));
      }
    }
  });

  test.each([
    [["score.py"], { entry_script: "score.py" }],
    [["score.py", "--port", "0"], { entry_script: "score.py", port: "0" }],
    [["--strict", "score.py"], { strict: "true", entry_script: "score.py" }],
    [["--host", "::1", "--", "-odd.py"], { host: "::1", entry_script: "-odd.py" }],
    [["--entry-script", "a-b.py"], { entry_script: "a-b.py" }],
    [["--entry-script=a=b-c.py", "--model-dir=m"], { entry_script: "a=b-c.py", model_dir: "m" }],
    [["--worker-count=2", "--worker_con", "3"], { worker_count: "2", worker_concurrency: "3" }],
    [["--port", "-1"], { port: "-1" }],
    [["--port=1", "--port", "2"], { port: "2" }],
    [["--host="], { host: "" }],
    [["--rest"], { rest: "true" }],
    [[], {}],
  ])("%j is taken as %j", async (args, flags) => {
    expect(await flagsOf("scorefn", "serve", ...args)).toEqual(flags);
  });

  test.each([
    [["--bogus"], ["there is no flag --bogus; scorefn serve --help lists all"]],
    [["--bog-us=1", "score.py"], ["there is no flag --bog-us; scorefn serve --help lists all"]],
    [["-p", "80"], ["there is no flag -p; did you mean --port?"]],
    [["--workers=2"], ["there is no flag --workers; did you mean --worker_count?"]],
    [["--log-level", "DEBUG"], ["--log-level is not a flag; set the variable AZUREML_LOG_LEVEL"]],
    [["--constructor"], ["there is no flag --constructor; scorefn serve --help lists all"]],
    [["--bogus", "score.py"], ["there is no flag --bogus; scorefn serve --help lists all"]],
    [["--scoring-timeout-ms", "5"], ["--scoring-timeout-ms is not a flag; set the variable SCORING_TIMEOUT_MS"]],
    [["--worker_c"], ["--worker_count needs a value: --worker_count WORKER_COUNT"]],
    [["--port", "--host", "::1"], ["--port needs a value: --port PORT"]],
    [["--max", "5"], ["--max could mean --max_body_mb or --max_queue or --max_queue_mb"]],
    [["--worker-cuont", "2"], ["there is no flag --worker-cuont; did you mean --worker_count?"]],
    [["-port", "80"], ["there is no flag -port; did you mean --port?"]],
    [["--hlep"], ["there is no flag --hlep; did you mean --help?"]],
    [["--log_format", "jsno"], ['--log_format must be text or json, not "jsno"; did you mean json?']],
    [["--script_host=worker"], ['--script_host must be workers or in-process, not "worker"; did you mean workers?']],
    [["--error_detail", "all"], ['--error_detail must be none, location or full, not "all"']],
    [["--strict=no"], ['--strict is a switch and takes no value, not even "no"']],
    [["a.py", "b.py"], ["b.py is one word too many: only one score script can be served"]],
    [["a.py", "--entry_script", "b.py"], ["a.py is one word too many: only one score script can be served"]],
    [["-"], ["there is no flag -; scorefn serve --help lists all"]],
    [
      ["--x", "--y", "--port"],
      [
        "there is no flag --x; scorefn serve --help lists all",
        "there is no flag --y; scorefn serve --help lists all",
        "--port needs a value: --port PORT",
      ],
    ],
  ])("%j: one line for each problem", async (args, problems) => {
    expect(await problemsOf(...args)).toEqual(problems);
  });

  test.each(["-p", "-b", "--bind", "-w", "--workers", "--threads", "-c", "--cors", "-t", "--timeout", "--preload"])(
    "%s, as other servers have it, leads to a flag or variable that there is",
    async (word) => {
      const [problem = ""] = await problemsOf(word);
      const [, flag, variable] = /(?:did you mean --(\w+)\?|set the variable (\w+))$/.exec(problem) ?? [];
      const settings = Object.values(SETTINGS).map((setting) => (flag === undefined ? setting.variable : setting.flag));
      expect(settings).toContain(flag ?? variable);
    },
  );

  test("two letters in the wrong order still lead to the flag", async () => {
    for (const { flag, hidden } of FLAG_SETTINGS) {
      if (hidden) continue;
      for (let at = 1; at < flag.length - 1; at++) {
        const typed = `${flag.slice(0, at)}${flag[at + 1]}${flag[at]}${flag.slice(at + 2)}`;
        if (typed === flag) continue;
        expect(await problemsOf(`--${typed}`, "x")).toEqual([`there is no flag --${typed}; did you mean --${flag}?`]);
      }
    }
  });

  test("help beats problems", async () => {
    expect((await exitOf("scorefn", "serve", "--bogus", "-h")).code).toBe(0);
  });
});

/** What is wrong with a line of `scorefn build` or `scorefn invoke`. */
async function buildProblemsOf(...args: string[]): Promise<readonly string[]> {
  const command = await parseCommandLine("scorefn", args);
  if (!("problems" in command)) throw new Error(command.kind);
  return command.problems;
}

describe("scorefn build and invoke", () => {
  test("a build is asked for with its target and its flags in camel case", async () => {
    const args = ["--target", "aws-lambda", "--entry_script", "score.ts", "--out", "build", "--timeout_seconds", "60"];
    expect(await parseCommandLine("scorefn", ["build", ...args, "--external", "a", "--external", "b"])).toEqual({
      kind: "build",
      target: "aws-lambda",
      options: { entryScript: "score.ts", out: "build", timeoutSeconds: 60, external: ["a", "b"] },
      problems: [],
    });
  });

  test("the script may be a word of its own, wherever it stands", async () => {
    const flags = ["--target", "aws-lambda", "--out", "build"];
    const asked = { options: { entryScript: "score.ts", out: "build" }, problems: [] };
    for (const line of [
      ["score.ts", ...flags],
      [...flags, "score.ts"],
      [...flags, "--", "score.ts"],
    ]) {
      expect(await parseCommandLine("scorefn", ["build", ...line])).toMatchObject(asked);
    }
  });

  test("flags of the other cloud are refused by name, all at once", async () => {
    const args = ["--target", "azure-functions", "--entry_script", "score.ts", "--out", "build", "--streaming"];
    expect(await buildProblemsOf("build", ...args, "--check", "none")).toEqual([
      "--streaming is for --target aws-lambda only",
      "--check is for --target aws-lambda only",
    ]);
  });

  const NO_TARGET = "--target is missing: --target aws-lambda or azure-functions";

  test.each([
    [["build", "--entry_script", "score.ts", "--out", "build"], NO_TARGET],
    [["build", "--entry-script", "score.ts", "--out=build"], NO_TARGET],
    [
      ["build", "--target", "gcp", "--entry_script", "a", "--out", "b"],
      '--target must be aws-lambda or azure-functions, not "gcp"',
    ],
    [["invoke", "--target", "aws-lambda", "build"], "--data is missing: --data DATA"],
    [["invoke", "--data", "x"], "the folder of the build is missing: scorefn invoke FOLDER --data DATA"],
    [["invoke", "build", "--data", "x", "--bogus=1"], "there is no flag --bogus; scorefn invoke --help lists all"],
    [
      ["build", "a.py", "b.py", "--target=aws-lambda", "--out", "b"],
      "b.py is one word too many; scorefn build --help lists all",
    ],
    [
      ["build", "a.py", "--entry_script", "b.py", "--target=aws-lambda", "--out", "b"],
      "a.py is one word too many; scorefn build --help lists all",
    ],
    [
      ["build", "a.py", "--target", "lambda", "--out", "b"],
      '--target must be aws-lambda or azure-functions, not "lambda"; did you mean aws-lambda?',
    ],
    [
      ["build", "a.py", "--target", "aws-lambda", "--out", "b", "--memry-mb", "5"],
      "there is no flag --memry-mb; did you mean --memory_mb?",
    ],
    [["invoke", "build", "more", "--data", "x"], "more is one word too many; scorefn invoke --help lists all"],
  ])("%j has one problem", async (args, message) => {
    expect(await buildProblemsOf(...args)).toEqual([message]);
  });

  test("all that is wrong with the flags is known at once", async () => {
    const args = ["--tar", "aws-lambda", "--memory_mb", "much", "--arch", "risc", "--no_try=1", "--bogus", "x", "--o"];
    expect(await buildProblemsOf("build", ...args, "--t", "x", "score.py", "more")).toEqual([
      '--no_try is a switch and takes no value, not even "1"',
      "there is no flag --bogus; scorefn build --help lists all",
      "--out needs a value: --out OUT",
      "--t could mean --target or --try or --timeout_seconds or --template or --telemetry_mode",
      "more is one word too many; scorefn build --help lists all",
      '--memory_mb must be a whole number, not "much"',
      '--arch must be x64 or arm64, not "risc"',
    ]);
  });

  test("help beats problems, and the last of several values counts", async () => {
    expect(await exitOf("scorefn", "build", "--bogus", "-h")).toMatchObject({ code: 0, stderr: "" });
    expect((await exitOf("scorefn", "invoke", "--help")).stdout).toMatch(/^usage: scorefn invoke /);
    expect(await parseCommandLine("scorefn", ["invoke", "b", "--data", "x", "--data", "y"])).toMatchObject({
      data: "y",
    });
  });

  test("an invocation is asked for with the build's folder and the body", async () => {
    const asked = { kind: "invoke", directory: "build", data: "@r.json", isQuiet: false, problems: [] };
    const args = ["invoke", "build", "--data", "@r.json"];
    expect(await parseCommandLine("scorefn", args)).toEqual({ ...asked, target: undefined });
    const named = [...args, "--target", "aws-lambda"];
    expect(await parseCommandLine("scorefn", named)).toEqual({ ...asked, target: "aws-lambda" });
  });
});
