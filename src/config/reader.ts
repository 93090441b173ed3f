import { type Problem, settingProblem } from "./problems.ts";
import { emptyIsNotGiven, SETTINGS, type Setting, type SettingName } from "./settings.ts";
import { type Address, type Parsed, readAddress, readBoolean, readChoice, readInteger } from "./values.ts";

/** Variable name to text. */
export type Environment = Readonly<Record<string, string | undefined>>;
/** Flag name without leading dashes to text, as typed; a switch that is on has the text `true`. */
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
    if (text === undefined || (text === "" && emptyFlagIsNotGiven(setting))) return undefined;
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
      if (text !== undefined && !(text === "" && emptyIsNotGiven(setting)))
        return { text, variable, source: "variable" };
    }
    return undefined;
  };
}

/** The path flags of the reference server may be empty, too (contract CLI-7); its port flags may not. */
function emptyFlagIsNotGiven({ scope, flag }: Setting): boolean {
  return scope === "scorefn" || flag === "entry_script" || flag === "config_file";
}

/** A setting of the core by its name, or a row that a host has added. */
export type SettingKey = SettingName | Setting;

/** Reads settings through layers; the first that has a value wins. A value that cannot be used becomes a problem, and the
 *  default takes its place so that the search for problems goes on. */
export class SettingsReader {
  readonly problems: Problem[] = [];
  readonly #layers: Layer[];
  readonly #rejected = new Set<Setting>();

  constructor(layers: readonly Layer[]) {
    this.#layers = [...layers];
  }

  /** Adds a layer below those there are. */
  addLayer(layer: Layer): void {
    this.#layers.push(layer);
  }

  given(key: SettingKey): Given | undefined {
    const given = this.#find(toSetting(key));
    if (given?.reason === undefined) return given;
    this.reject(key, given.reason);
    return undefined;
  }

  #find(setting: Setting): Given | undefined {
    for (const layer of this.#layers) {
      const given = layer(setting);
      if (given !== undefined) return given;
    }
    return undefined;
  }

  text(key: SettingKey): string | null {
    return this.given(key)?.text ?? toSetting(key).default;
  }

  /** Of a setting that has a default. */
  textOrDefault(key: SettingKey): string {
    return this.text(key) ?? "";
  }

  integer(key: SettingKey): number | null {
    return this.#parsed(key, readInteger);
  }

  /** Of a setting that has a default. */
  integerOrDefault(key: SettingKey): number {
    return this.integer(key) ?? 0;
  }

  boolean(key: SettingKey): boolean {
    return this.#parsed(key, (_setting, text) => readBoolean(text)) ?? false;
  }

  address(key: SettingKey): Address | null {
    return this.#parsed(key, (_setting, text) => readAddress(text));
  }

  /** The caller names the union the table's `choices` stand for. Of a setting that has a default, or is given. */
  choice<T extends string>(key: SettingKey): T {
    return this.#parsed(key, readChoice) as T;
  }

  /** Reports what was given for a setting as unusable, once however often it is read. */
  reject(key: SettingKey, reason: string): void {
    const setting = toSetting(key);
    if (this.#rejected.has(setting)) return;
    this.#rejected.add(setting);
    const { text, variable, source } = this.#find(setting) ?? {
      text: setting.default ?? "",
      variable: setting.variable ?? "",
      source: "variable",
    };
    this.problems.push(settingProblem(setting, variable, text, reason, source === "flag"));
  }

  #parsed<T>(key: SettingKey, parse: (setting: Setting, text: string) => Parsed<T>): T | null {
    const setting = toSetting(key);
    const given = this.given(setting);
    if (given !== undefined) {
      const parsed = parse(setting, given.text);
      if ("value" in parsed) return parsed.value;
      this.reject(setting, parsed.reason);
    }
    if (setting.default === null) return null;
    const fallback = parse(setting, setting.default);
    return "value" in fallback ? fallback.value : null;
  }
}

function toSetting(key: SettingKey): Setting {
  return typeof key === "string" ? SETTINGS[key] : key;
}
