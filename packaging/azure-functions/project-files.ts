// The small files of a function app.

/** What the build is for: the zip of a Node app, an image with the Functions host, or an image in which the host proxies to
 *  a server of ours. */
export type BuildTemplate = "code" | "container" | "custom-handler";

/** Which key a call of /score needs. */
export type AuthLevel = "anonymous" | "function" | "admin";

const HTTP = { routePrefix: "" };
const LOGGING = {
  applicationInsights: { samplingSettings: { isEnabled: true, excludedTypes: "Request" } },
};

export function renderHostJson(template: BuildTemplate): string {
  const common = { version: "2.0", extensions: { http: HTTP }, functionTimeout: "00:10:00", logging: LOGGING };
  if (template !== "custom-handler") return json(common);
  const description = { defaultExecutablePath: "node", arguments: ["dist/server.mjs"] };
  return json({ ...common, customHandler: { description, enableProxyingHttpRequest: true } });
}

/** The one function of a custom handler: it takes every path. */
export function renderAllFunction(authLevel: AuthLevel): string {
  const methods = ["get", "head", "post", "options", "put", "patch", "delete"];
  return json({
    bindings: [
      { type: "httpTrigger", direction: "in", name: "req", route: "{*path}", methods, authLevel },
      { type: "http", direction: "out", name: "$return" },
    ],
  });
}

/** @param name of the app */
export function renderPackageJson(name: string, main: string | undefined): string {
  return json({ name, version: "1.0.0", private: true, ...(main !== undefined && { main }) });
}

/** For `func start`; never deployed. */
export function renderLocalSettings(template: BuildTemplate): string {
  return json({
    IsEncrypted: false,
    Values: {
      FUNCTIONS_WORKER_RUNTIME: template === "custom-handler" ? "custom" : "node",
      AzureWebJobsStorage: "",
      AzureWebJobsDisableHomepage: "true",
      FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: "104857600",
      SCOREFN_ERROR_DETAIL: "location",
    },
  });
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

/** @param name of the app */
export function renderAzureYaml(name: string): string {
  return `# yaml-language-server: $schema=https://raw.githubusercontent.com/Azure/azure-dev/main/schemas/v1.0/azure.yaml.json
name: ${name}
services:
  api:
    project: .
    language: js
    host: function
`;
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
