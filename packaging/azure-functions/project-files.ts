// The small files of a function app.
import { readTemplate, replaceOnce } from "../templates/index.ts";

/** What the build is for: the zip of a Node app, an image with the Functions host, or an image in which the host proxies to
 *  a server of ours. */
export type BuildTemplate = "code" | "container" | "custom-handler";

/** Which key a call of /score needs. */
export type AuthLevel = "anonymous" | "function" | "admin";

/** How the host sends telemetry: in its own way to Application Insights, or as OpenTelemetry. In the words of host.json. */
export type TelemetryMode = "ApplicationInsights" | "OpenTelemetry";

export function renderHostJson(template: BuildTemplate, telemetryMode: TelemetryMode = "ApplicationInsights"): string {
  const host = readTemplate(`azure-functions/${template === "custom-handler" ? "custom-handler." : ""}host.json`);
  if (telemetryMode === "ApplicationInsights") return host;
  const version = '  "version": "2.0",\n';
  return replaceOnce(host, version, `${version}  "telemetryMode": "${telemetryMode}",\n`);
}

/** The one function of a custom handler: it takes every path. */
export function renderAllFunction(authLevel: AuthLevel): string {
  return replaceOnce(
    readTemplate("azure-functions/all.function.json"),
    '"authLevel": "function"',
    `"authLevel": "${authLevel}"`,
  );
}

/** @param name of the app */
export function renderPackageJson(name: string, main: string | undefined): string {
  return json({ name, version: "1.0.0", private: true, ...(main !== undefined && { main }) });
}

/** For `func start`; never deployed. */
export function renderLocalSettings(template: BuildTemplate): string {
  const settings = readTemplate("azure-functions/local.settings.json");
  return template === "custom-handler"
    ? replaceOnce(settings, '"FUNCTIONS_WORKER_RUNTIME": "node"', '"FUNCTIONS_WORKER_RUNTIME": "custom"')
    : settings;
}

/** What `func` and `azd` leave out of the package they make; the build leaves it out of its own, too. */
export const NOT_DEPLOYED: readonly string[] = [
  "*.new",
  ".azure",
  ".dockerignore",
  ".funcignore",
  ".git",
  ".vscode",
  "Dockerfile",
  "app.zip",
  "azure.yaml",
  "infra",
  "local.settings.json",
  "scorefn-build.json",
  "__azurite_db*__.json",
  "__blobstorage__",
  "__queuestorage__",
];

export function renderFuncIgnore(): string {
  return `${NOT_DEPLOYED.map((name) => `/${name}`).join("\n")}\n`;
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
