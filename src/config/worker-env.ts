import { PRODUCT } from "../core/version.ts";
import { hasSeparateHealth } from "./listen.ts";
import type { Environment, Flags, SettingsReader } from "./reader.ts";
import type { SettingName } from "./settings.ts";

/** Value of `x-ms-server-version`; null: not sent (contract ENV-11). */
export function resolveServerVersion(read: SettingsReader): string | null {
  const send = read.text("sendServerVersion");
  return send === null || send.toLowerCase() === "true" ? PRODUCT : read.text("serverVersion");
}

/** What config.json says of these reaches the script's environment, too: where its model lies (contract CFG-6), and what
 *  is always there or stands in the banner as in effect. The script's own path is left out (BAN-6), and a key that only
 *  the file has is nothing that a script needs. */
const EXPORTED_FROM_FILE: readonly SettingName[] = ["appRoot", "modelDir", "corsOrigins"];

/** The environment score scripts see: what was there, with the flags and the values in effect written over it
 *  (contract ENV-1, ENV-2, CLI-8 to CLI-13).
 *  @param flags with absolute paths   @param cwd takes the place of a missing AML_APP_ROOT */
export function exportEnvironment(
  read: SettingsReader,
  flags: Flags,
  env: Environment,
  effective: { readonly cwd: string; readonly port: number; readonly telemetry: boolean },
): Record<string, string> {
  const exported: Record<string, string> = {};
  const set = (variable: string, text: string | null | undefined) => {
    if (text !== undefined && text !== null) exported[variable] = text;
  };
  for (const [variable, text] of Object.entries(env)) set(variable, text);

  const port = String(effective.port);
  for (const name of EXPORTED_FROM_FILE) {
    const { variable = "", text, source } = read.given(name) ?? {};
    if (source === "file") set(variable, text);
  }
  exported.AML_APP_ROOT ??= effective.cwd;
  set("AZUREML_ENTRY_SCRIPT", flags.entry_script || undefined);
  set("AZUREML_MODEL_DIR", flags.model_dir);
  set("AZUREML_CONFIG_FILE", flags.config_file || undefined);
  set("AML_CORS_ORIGINS", flags.access_control_allow_origins);
  set("AML_APP_INSIGHTS_KEY", flags.appinsights_instrumentation_key);
  set("AML_APP_INSIGHTS_ENABLED", String(effective.telemetry));
  set("WORKER_COUNT", plainNumber(read, "workerCount"));
  set("SERVER_PORT", port);
  // The port health is really served on: outside values and an unused --health_port are dropped (ENV-9, ENV-10).
  set("HEALTH_PORT", hasSeparateHealth(read) ? plainNumber(read, "healthPort") : port);
  set("HTTP_X_MS_SERVER_VERSION", resolveServerVersion(read));
  set("TRANSPORT_PROTOCOL", flags.rest === "true" ? "rest" : "grpc");
  set("SERVER_SOFTWARE", PRODUCT);
  return exported;
}

/** A flag's number is exported in its plain form (`5_001` as 5001), a variable stays as it is. */
function plainNumber(read: SettingsReader, name: SettingName): string | null {
  return read.given(name)?.source === "flag" ? String(read.integer(name)) : read.text(name);
}
