import { readFileSync } from "node:fs";
import { get, post, type Scenario } from "../scenario.ts";

/** Names of the entries of the table that a script holds, so that each is asked for. */
function entriesOf(script: string): string[] {
  const text = readFileSync(new URL(`../scripts/${script}`, import.meta.url), "utf8");
  return [...text.matchAll(/^ {4}"([^"]+)": /gm)].map(([, name]) => name ?? "");
}

/** OUT, ERR, TMO, LOG: what run() may give back or raise, and what the log says of it. */
export const results: readonly Scenario[] = [
  {
    name: "OUT-1 JSON-2 JSON-4 results",
    scripts: ["results.py"],
    requests: entriesOf("results.py").map((name) => post(name)),
  },
  { name: "OUT-7 a generator", scripts: ["generators.py"], requests: [post("x")] },
  { name: "SIG-10 async run", scripts: ["async_run.py"], requests: [post("x")] },
  {
    name: "ERR-9 exceptions",
    scripts: ["raises.py"],
    requests: ["deeper", "chained", "no_such_function"].map((name) => post(name)),
  },
  {
    name: "OUT-9 exits and interrupts",
    scripts: ["raises.py"],
    requests: ["leave", "interrupt", "deeper"].map((name) => post(name)),
  },
  { name: "TMO-3 a TimeoutError of the script's own", scripts: ["raises.py"], requests: [post("time_out")] },
  {
    name: "ERR-11 error detail, as it comes",
    scripts: ["raises.py"],
    env: { SCOREFN_ERROR_DETAIL: "location" },
    requests: [post("deeper"), post("chained")],
  },
  {
    name: "TMO-2 scoring timeout",
    scripts: ["sleeps.py"],
    env: { SCORING_TIMEOUT_MS: "1500" },
    requests: [post("0"), post("3600"), post("0.01"), get("/")],
  },
  { name: "TMO-4 no timeout", scripts: ["sleeps.py"], env: { SCORING_TIMEOUT_MS: "0" }, requests: [post("0.05")] },
  { name: "TMO-4 negative timeout", scripts: ["sleeps.py"], env: { SCORING_TIMEOUT_MS: "-1" }, requests: [post("0")] },
  { name: "LOG-12 LOG-3 prints", scripts: ["prints.py"], requests: [get("/score?q=1"), get("/"), get("/?q=1")] },
  {
    name: "LOG-5 logging.json of the user",
    scripts: ["prints.py"],
    files: { "logging.json": JSON.stringify(customLogging()) },
    requests: [post("x"), get("/swagger.json")],
  },
  { name: "LOG-20 debug information", scripts: ["echo.py"], env: { AML_DBG_MODEL_INFO: "" }, requests: [] },
];

function customLogging(): unknown {
  return {
    version: 1,
    disable_existing_loggers: false,
    formatters: {
      mine: {
        "()": "azureml_inference_server_http.log_config.AMLLogFormatter",
        format: "[%(levelname)s] %(name)s | %(message)s",
      },
    },
    handlers: { out: { class: "logging.StreamHandler", level: "INFO", formatter: "mine", stream: "ext://sys.stdout" } },
    loggers: {
      azmlinfsrv: { level: "INFO", handlers: ["out"], propagate: false },
      "azmlinfsrv.print": { level: "WARNING" },
      "gunicorn.access": { level: "WARNING", handlers: ["out"], propagate: false },
    },
  };
}
