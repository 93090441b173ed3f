// What `scorefn serve --help` says: flags and variables by the groups of the table of settings.
import {
  groupOf,
  type HostSetting,
  meaningOf,
  SETTING_GROUPS,
  SETTINGS,
  type Setting,
  type SettingGroup,
} from "../../../src/host.ts";
import { platforms } from "../platforms.ts";
import { flagName, type HelpGroup, type HelpPage, type HelpRow } from "./page.ts";

export function servePage(): HelpPage {
  return {
    usage: "scorefn serve [SCRIPT] [--flag value ...]",
    about:
      "Serves a score script, Python, JavaScript or TypeScript, over HTTP: POST /score calls its run(). With --model it " +
      "serves a model without a script, by the protocols of Azure ML, MLflow and Triton. Flags may be written " +
      "with dashes (--entry-script) and shortened (--work 2). Names in capitals are environment variables; those in " +
      "brackets, beside the default, do the same as the flag.",
    examples: [
      "scorefn serve score.py",
      "scorefn serve score.py --model_dir model --worker_count 4 --port 8080",
      "SCORING_TIMEOUT_MS=30000 AZUREML_LOG_LEVEL=WARNING scorefn serve score.py",
      "AZUREML_ENTRY_SCRIPT=score.py SCOREFN_HOST=127.0.0.1 scorefn serve",
      "scorefn serve --model model.onnx",
    ],
    groups: settingGroups([{ name: "SCRIPT", text: "The score script; the same as --entry_script." }]),
    notes: ["docs/configuration.md of the package says all of each setting."],
  };
}

export function devPage(): HelpPage {
  return {
    usage: "scorefn dev [SCRIPT] [--no_open] [--flag value ...]",
    about:
      "Serves a score script to whoever is writing it: as scorefn serve --reload --host 127.0.0.1 --error_detail full, " +
      "with a page to try it at /docs.",
    examples: ["scorefn dev score.py", "scorefn dev score.ts --model_dir model --no_open"],
    groups: [
      {
        title: "flags",
        rows: [
          { name: "SCRIPT", text: "The score script; the same as --entry_script." },
          { name: "--no_open", text: "Do not open the page in the browser." },
        ],
      },
    ],
    notes: ["All flags of scorefn serve may follow; scorefn serve --help lists them."],
  };
}

/** The settings of serving, a group each. @param script what names the script besides */
export function settingGroups(script: readonly HelpRow[]): HelpGroup[] {
  const settings = [...Object.values(SETTINGS), ...platforms.rows].filter((setting) => !setting.hidden);
  return Object.entries(SETTING_GROUPS).map(([group, title]) => {
    const own = settings.filter((setting) => groupOf(setting) === group);
    // Flags first, as they are what is typed.
    const sorted = [...own.filter(({ flag }) => flag !== null), ...own.filter(({ flag }) => flag === null)];
    const first: readonly HelpRow[] = (group as SettingGroup) === "script" ? script : [];
    return { title, rows: [...first, ...sorted.map(settingRow)] };
  });
}

function settingRow(setting: Setting | HostSetting): HelpRow {
  const { flag, variable, choices } = setting;
  if (flag !== null) return { name: flagName(flag, setting), text: withTail(setting, variable) };
  const shown = choices === undefined ? "" : ` One of ${choices.join(", ")}.`;
  return { name: variable!, text: withTail(setting, null, shown) };
}

function withTail(setting: Setting | HostSetting, variable: string | null, more = ""): string {
  const { unit, default: fallback } = setting;
  const shownUnit = /^(?:ms|s|MB)\b/.exec(unit ?? "")?.[0];
  const hasDefault = fallback !== null && fallback !== "" && setting.kind !== "switch";
  const tail = [
    ...(hasDefault ? [`default ${fallback}${shownUnit === undefined ? "" : ` ${shownUnit}`}`] : []),
    ...(variable === null ? [] : [variable]),
  ];
  return `${shortMeaning(setting)}${more}${tail.length === 0 ? "" : ` [${tail.join("; ")}]`}`;
}

/** The first sentence, and what stands for the setting where it is not given. */
function shortMeaning(setting: Setting | HostSetting): string {
  const [first = "", ...others] = meaningOf(setting).split(/(?<=\.) (?=[A-Z])/);
  return [first, ...others.filter((sentence) => /^(?:Default|Without it):/.test(sentence))].join(" ");
}
