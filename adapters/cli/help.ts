// What --help says of serving: flags, the settings that are variables only, examples.
import { ArgumentParser, type SubparsersAction } from "argparse";
import { FLAG_SETTINGS, type HostSetting, meaningOf, SETTINGS, type Setting } from "../../src/host.ts";
import { platforms } from "./platforms.ts";

/** Adds `scorefn serve`, for its help: `readServeFlags` reads the line. */
export function addServeCommand(commands: SubparsersAction): ArgumentParser {
  const parser = commands.add_parser("serve", {
    help: "serve a score script over HTTP",
    usage: "scorefn serve [SCRIPT] [--flag value ...]",
    description:
      "Serves a score script, Python, JavaScript or TypeScript, over HTTP: POST /score calls its run(). Flags may be " +
      "written with dashes (--entry-script) and shortened (--work 2).",
    color: false,
  });
  parser.add_argument("SCRIPT", { nargs: "?", help: "The score script; the same as --entry_script." });
  for (const setting of FLAG_SETTINGS) {
    const help = setting.hidden ? "==SUPPRESS==" : ownHelp(setting);
    if (setting.kind === "switch") parser.add_argument(`--${setting.flag}`, { action: "store_true", help });
    else parser.add_argument(`--${setting.flag}`, { ...(setting.choices && { choices: [...setting.choices] }), help });
  }
  return parser;
}

/** Adds `scorefn dev`, for its help. */
export function addDevCommand(commands: SubparsersAction): ArgumentParser {
  const parser = commands.add_parser("dev", {
    help: "serve a score script, and load it anew when it is edited",
    usage: "scorefn dev [SCRIPT] [--no_open] [--flag value ...]",
    description:
      "Serves a score script to whoever is writing it: as scorefn serve --reload --host 127.0.0.1 --error_detail full, with a " +
      "page to try it at /docs. All flags of scorefn serve may follow; scorefn serve --help lists them.",
    color: false,
  });
  parser.add_argument("SCRIPT", { nargs: "?", help: "The score script; the same as --entry_script." });
  parser.add_argument("--no_open", { action: "store_true", help: "Do not open the page in the browser." });
  return parser;
}

export function ownHelp(setting: Setting): string {
  const fallback = setting.default === null ? "" : ` Default is ${setting.default}.`;
  const variable = setting.variable === null ? "" : ` Variable: ${setting.variable}.`;
  return `${meaningOf(setting)}${fallback}${variable}`;
}

const TITLE = "settings that are environment variables only";

/** The settings that have no flag, laid out as argparse lays out flags. */
export function variablesHelp(): string {
  const parser = new ArgumentParser({ add_help: false, color: false });
  const group = parser.add_argument_group(TITLE);
  for (const setting of [...Object.values(SETTINGS), ...platforms.rows]) {
    if (setting.flag === null) group.add_argument(setting.variable!, { help: variableHelp(setting) });
  }
  const text = parser.format_help();
  return text.slice(text.indexOf(`${TITLE}:`));
}

function variableHelp(setting: Setting | HostSetting): string {
  const choices = setting.choices === undefined ? "" : ` One of ${setting.choices.join(", ")}.`;
  const unit = setting.unit === null || setting.unit === "port" ? "" : ` ${setting.unit}`;
  const fallback = setting.default === null || setting.default === "" ? "" : ` Default is ${setting.default}${unit}.`;
  return `${meaningOf(setting)}${choices}${fallback}`;
}

/** @param serve what starts a server for score.py */
export function examples(serve: string): string {
  const lines = [
    serve,
    `${serve} --model_dir model --worker_count 4 --port 8080`,
    `SCORING_TIMEOUT_MS=30000 AZUREML_LOG_LEVEL=WARNING ${serve}`,
    `SEPERATE_HEALTH_ENDPOINT=true ${serve} --health_port 5000`,
    "docker run -e SCOREFN_PORT=8080 -e SCOREFN_HOST=0.0.0.0 -p 8080:8080 my-image",
  ];
  return `examples:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}
