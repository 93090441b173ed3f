import type { Scenario } from "../scenario.ts";

const scriptsThatFail = [
  "syntax_error",
  "import_error",
  "raises_at_import",
  "exits_at_import",
  "opens_missing_file",
  "no_init",
  "no_run",
  "init_exits",
] as const;

const shapes = ["positional_only", "var_args", "var_keywords", "nothing", "only_headers", "not_callable"] as const;

const badConfigurations: Readonly<Record<string, Record<string, string>>> = {
  "timeout in words": { SCORING_TIMEOUT_MS: "soon" },
  "timeout with a fraction": { SCORING_TIMEOUT_MS: "1.5" },
  "switch in words": { APP_INSIGHTS_LOG_RESPONSE_ENABLED: "perhaps" },
};

/** LOAD, SIG, INIT, CFG, PROC-8: starts that end with an exit code and its reason. */
export const failures: readonly Scenario[] = [
  ...scriptsThatFail.map((script) => ({ name: `LOAD-9 ${script}`, scripts: [`${script}.py`] })),
  ...shapes.map((shape) => ({ name: `SIG-1 ${shape}`, scripts: ["shape.py"], env: { SHAPE: shape } })),
  { name: "LOAD-9 no such script", args: ["--entry_script", "nowhere.py"] },
  { name: "LOAD-4 not a Python suffix", args: ["--entry_script", "score.txt"], files: { "score.txt": "" } },
  { name: "LOAD-9 no main.py", args: ["--config_file", "settings.json"], files: { "settings.json": "{}" } },
  {
    name: "INIT-2 init fails, with a model directory",
    scripts: ["init_fails.py"],
    args: ["--entry_script", "init_fails.py", "--model_dir", "models"],
    files: Object.fromEntries(Array.from({ length: 205 }, (_, index) => [`models/${index}.bin`, ""])),
  },
  ...Object.entries(badConfigurations).map(([what, env]) => ({ name: `CFG-8 ${what}`, scripts: ["echo.py"], env })),
  {
    name: "LOG-6 logging.json is broken",
    scripts: ["echo.py"],
    files: { "logging.json": "{" },
  },
  { name: "ENV-13 worker count in words", scripts: ["echo.py"], env: { WORKER_COUNT: "many" } },
  { name: "ENV-13 worker timeout in words", scripts: ["echo.py"], env: { WORKER_TIMEOUT: "soon" } },
];
