// The flags of `scorefn check`: its own, and those of `scorefn serve` that mean something without a port.
import { FLAG_SETTINGS, meaningOf, type Setting } from "../../../src/host.ts";
import { type KnownFlags, unknownFlag } from "../words.ts";

export interface CheckFlag {
  readonly flag: string;
  readonly group: "what is checked" | "requests" | "limits" | "result";
  readonly kind: "text" | "list" | "switch" | "number";
  /** What stands for the value in help. */
  readonly value?: string;
  readonly help: string;
}

/** Where the setting's own words are too long for help. */
const SHORTER: Readonly<Record<string, string>> = {
  model_uri: "Where the model is fetched from: s3://bucket/path, an address of Azure Blob Storage, or file:///path.",
};

/** Flags of `serve` that are taken as they are. */
const OF_SERVE = [
  "model",
  "model_name",
  "model_dir",
  "model_uri",
  "model_cache",
  "config_file",
  "python",
  "worker_concurrency",
  "max_body_mb",
];

const serveFlags: readonly CheckFlag[] = [
  {
    flag: "entry_script",
    group: "what is checked",
    kind: "text",
    value: "FILE",
    help: "The score script; the same as the word SCRIPT.",
  },
  ...OF_SERVE.map((flag): CheckFlag => {
    const setting = FLAG_SETTINGS.find((row) => row.flag === flag) as Setting;
    const value = flag.replace(/^.*_/, "").toUpperCase();
    return { flag, group: "what is checked", kind: "text", value, help: SHORTER[flag] ?? meaningOf(setting) };
  }),
];

export const FLAGS: readonly CheckFlag[] = [
  ...serveFlags,
  {
    flag: "url",
    group: "what is checked",
    kind: "text",
    value: "URL",
    help: "A server that runs, in place of a script.",
  },
  {
    flag: "key",
    group: "what is checked",
    kind: "text",
    value: "KEY",
    help: "Key or token of that server, sent as Authorization: Bearer KEY.",
  },
  {
    flag: "header",
    group: "what is checked",
    kind: "list",
    value: "NAME:VALUE",
    help: "A header for that server, like x-functions-key; may be given several times.",
  },

  {
    flag: "data",
    group: "requests",
    kind: "list",
    value: "@FILE",
    help: "A request body, or @FILE; may be given several times.",
  },
  {
    flag: "expect",
    group: "requests",
    kind: "list",
    value: "@FILE",
    help: "The answer to the --data at the same place, or @FILE.",
  },
  { flag: "tolerance", group: "requests", kind: "number", value: "X", help: "How far numbers of --expect may be off." },
  {
    flag: "relative_tolerance",
    group: "requests",
    kind: "number",
    value: "X",
    help: "The same, as a part of the greater number: 0.01 is 1 %.",
  },
  {
    flag: "checks",
    group: "requests",
    kind: "text",
    value: "PATH",
    help: "Folder of files of checks, or one file. Default is checks beside the script.",
  },
  {
    flag: "requests",
    group: "requests",
    kind: "number",
    value: "N",
    help: "How often requests are sent again to find leaks; 0: not at all. Default is 120, or what fits into a second.",
  },

  {
    flag: "max_init_ms",
    group: "limits",
    kind: "number",
    value: "MS",
    help: "Time that the start may take, init() included.",
  },
  {
    flag: "max_ms",
    group: "limits",
    kind: "number",
    value: "MS",
    help: "Time that each answer may take; the best of three counts.",
  },
  { flag: "max_memory_mb", group: "limits", kind: "number", value: "MB", help: "Memory that the script may take." },
  { flag: "max_model_mb", group: "limits", kind: "number", value: "MB", help: "Size that the model may have." },
  {
    flag: "init_timeout_ms",
    group: "limits",
    kind: "number",
    value: "MS",
    help: "When a start that does not end is given up. Default is 300000.",
  },
  {
    flag: "timeout_ms",
    group: "limits",
    kind: "number",
    value: "MS",
    help: "When an answer that does not come is given up. Default is 60000.",
  },

  {
    flag: "report",
    group: "result",
    kind: "list",
    value: "FORM=PATH",
    help: "Writes a report as junit, sarif or json; - is standard output. May be given several times.",
  },
  { flag: "strict", group: "result", kind: "switch", help: "Warnings fail as well." },
];

const NAMES = FLAGS.map(({ flag }) => `--${flag}`);

export const KNOWN: KnownFlags = {
  find: (typed) => {
    if (NAMES.includes(typed)) return [typed];
    return /^--\w/.test(typed) ? NAMES.filter((name) => name.startsWith(typed)) : [];
  },
  isSwitch: (flag) => FLAGS.some((known) => known.flag === flag && known.kind === "switch"),
  unknown(typed, word) {
    const [shown] = word.split("=", 1);
    if (FLAG_SETTINGS.some(({ flag }) => `--${flag}` === typed)) {
      return `${shown} is a flag of scorefn serve that has no meaning for a check, which opens no port; leave it out`;
    }
    return unknownFlag("scorefn check", word, NAMES);
  },
};
