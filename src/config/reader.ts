import { type Problem, settingProblem } from "./problems.ts";
import { SETTINGS, type Setting, type SettingName } from "./settings.ts";
import { type Parsed, readBoolean, readChoice, readInteger } from "./values.ts";

/** Variable name to text. */
export type Environment = Readonly<Record<string, string | undefined>>;
/** Flag name without dashes to text, as typed; a switch that is on has the text `true`. */
export type Flags = Readonly<Record<string, string | undefined>>;

/** What was given for a setting, and where. */
export interface Given {
  readonly text: string;
  /** The variable's proper name; also where the flag was used. */
  readonly variable: string;
  readonly source: Source;
  /** Why the text cannot be used, where that shows before the setting's kind is looked at. */
  readonly reason?: string;
}

export type Source = "flag" | "variable" | "file";

/** One place settings come from. */
export type Layer = (setting: Setting) => Given | undefined;

/** The command line. */
export function flagLayer(flags: Flags): Layer {
  return (setting) => {
    const text = setting.flag === null ? undefined : flags[setting.flag];
    if (text === undefined || (text === "" && emptyIsNotGiven(setting))) return undefined;
    return { text, variable: setting.variable ?? "", source: "flag" };
  };
}

/** The environment. */
export function environmentLayer(env: Environment): Layer {
  const anyCase = new Map<string, string>();
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined) continue;
    const upper = name.toUpperCase();
    if (name === upper || !anyCase.has(upper)) anyCase.set(upper, text);
  }
  return (setting) => {
    for (const variable of [setting.variable, setting.alias]) {
      if (variable === null || variable === undefined) continue;
      const text = setting.scope === "worker" ? anyCase.get(variable) : env[variable];
      if (text !== undefined && !(text === "" && isOurs(setting))) return { text, variable, source: "variable" };
    }
    return undefined;
  };
}

/** An empty value counts for the reference server's variables (contract ENV-6), not for ours, where `X=${Y}` with an
 *  unset Y is the likelier cause; nor for its path flags (CLI-7). */
function emptyIsNotGiven(setting: Setting): boolean {
  return isOurs(setting) || setting.flag === "entry_script" || setting.flag === "config_file";
}

function isOurs(setting: Setting): boolean {
  return setting.scope === "scorefn" || setting.scope === "host";
}

/** Reads settings through layers, the first that has one wins; a value that cannot be used becomes a problem, and the
 *  default takes its place so that the search for problems goes on. */
export class SettingsReader {
  readonly problems: Problem[] = [];
  readonly #layers: Layer[];
  readonly #rejected = new Set<SettingName>();

  constructor(layers: readonly Layer[]) {
    this.#layers = [...layers];
  }

  /** Adds a layer below those there are. */
  addLayer(layer: Layer): void {
    this.#layers.push(layer);
  }

  given(name: SettingName): Given | undefined {
    const given = this.#find(name);
    if (given?.reason === undefined) return given;
    this.reject(name, given.reason);
    return undefined;
  }

  #find(name: SettingName): Given | undefined {
    for (const layer of this.#layers) {
      const given = layer(SETTINGS[name]);
      if (given !== undefined) return given;
    }
    return undefined;
  }

  text(name: SettingName): string | null {
    return this.given(name)?.text ?? SETTINGS[name].default;
  }

  /** Of a setting that has a default. */
  textOrDefault(name: SettingName): string {
    return this.text(name) ?? "";
  }

  integer(name: SettingName): number | null {
    return this.#parsed(name, (setting, text) => readInteger(setting, text));
  }

  /** Of a setting that has a default. */
  integerOrDefault(name: SettingName): number {
    return this.integer(name) ?? 0;
  }

  boolean(name: SettingName): boolean {
    return this.#parsed(name, (_setting, text) => readBoolean(text)) ?? false;
  }

  /** The caller names the union the table's `choices` stand for. */
  choice<T extends string>(name: SettingName): T {
    return this.#parsed(name, readChoice) as T;
  }

  /** Reports what was given for a setting as unusable, once however often it is read. */
  reject(name: SettingName, reason: string): void {
    if (this.#rejected.has(name)) return;
    this.#rejected.add(name);
    const setting = SETTINGS[name];
    const { text, variable, source } = this.#find(name) ?? {
      text: setting.default ?? "",
      variable: setting.variable ?? "",
      source: "variable",
    };
    this.problems.push(settingProblem(setting, variable, text, reason, source === "flag"));
  }

  #parsed<T>(name: SettingName, parse: (setting: Setting, text: string) => Parsed<T>): T | null {
    const setting = SETTINGS[name];
    const given = this.given(name);
    if (given !== undefined) {
      const parsed = parse(setting, given.text);
      if ("value" in parsed) return parsed.value;
      this.reject(name, parsed.reason);
    }
    if (setting.default === null) return null;
    const fallback = parse(setting, setting.default);
    return "value" in fallback ? fallback.value : null;
  }
}
