// The files an app is deployed by, each read by the tools they are written for.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { renderInfrastructure } from "../../../packaging/azure-functions/bicep.ts";
import { renderImageFiles } from "../../../packaging/azure-functions/dockerfile.ts";
import {
  type BuildTemplate,
  renderAllFunction,
  renderHostJson,
  renderLocalSettings,
} from "../../../packaging/azure-functions/project-files.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { preparedTool, runTool } from "../../setup/tools.ts";

const folder = mkdtempSync(join(tmpdir(), "scorefn-templates-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const OPTIONS = { name: "scorefn-price", memoryMb: 4_096, node: 24 };
const TEMPLATES: readonly BuildTemplate[] = ["code", "container", "custom-handler"];

/** What a Bicep file declares. */
interface Bicep {
  readonly parameters: Record<string, { readonly default?: unknown }>;
  readonly modules?: Record<string, { readonly config: Module & { readonly config?: Module } }>;
}

interface Module {
  readonly params: Record<string, unknown>;
}

/** Reads Bicep files from stdin, a JSON object of texts, and prints what they declare. */
const READ_BICEP = `
import json, sys, pycep
texts = json.load(sys.stdin)
print(json.dumps({name: pycep.BicepParser().parse(text=text) for name, text in texts.items()}, default=str))
`;

function parseBicep(python: string, texts: Record<string, string>): Record<string, Bicep> {
  return JSON.parse(String(execFileSync(python, ["-c", READ_BICEP], { input: JSON.stringify(texts) })));
}

describe.each(TEMPLATES)("the infrastructure of the template %s", (template) => {
  const files = renderInfrastructure({ ...OPTIONS, template });
  const { parameters } = JSON.parse(files["infra/main.parameters.json"]!) as {
    parameters: Record<string, { value: string }>;
  };

  test("is valid Bicep, whose files agree on their parameters", ({ skip }) => {
    const python = preparedTool("python", skip);
    const texts = Object.fromEntries(Object.entries(files).filter(([path]) => path.endsWith(".bicep")));
    const parsed = parseBicep(python, texts);
    const [main, app] = [parsed["infra/main.bicep"]!, parsed["infra/app.bicep"]!];
    expect(Object.keys(parameters)).toEqual(Object.keys(main.parameters));
    expect(Object.keys(main.modules!.app!.config.params)).toEqual(Object.keys(app.parameters));
    expect(Object.keys(main.modules!.modelAccess!.config.config!.params)).toEqual(
      Object.keys(parsed["infra/model-access.bicep"]!.parameters),
    );
    expect(() =>
      parseBicep(python, { broken: files["infra/main.bicep"]!.replace("module app", "modul app") }),
    ).toThrow();
  });

  test("lets azd's environment set every parameter, with the default that az uses", () => {
    const main = files["infra/main.bicep"]!;
    for (const [name, { value }] of Object.entries(parameters)) {
      const [, byDefault] = /^\$\{[A-Z_]+(?:=(.*))?\}$/.exec(value) ?? [];
      const declared = new RegExp(`^param ${name} \\w+(?: = '?(.*?)'?)?$`, "m").exec(main);
      expect(declared, name).not.toBeNull();
      expect(declared![1], name).toBe(byDefault);
    }
  });

  test("is as large as was asked for", () => {
    const values = Object.fromEntries(Object.entries(parameters).map(([name, { value }]) => [name, value]));
    expect(values).toMatchObject(
      template === "code"
        ? { instanceMemoryMB: `\${SCOREFN_INSTANCE_MEMORY_MB=4096}`, nodeVersion: `\${SCOREFN_NODE_VERSION=24}` }
        : { memoryGB: `\${SCOREFN_MEMORY_GB=4}`, image: `\${SERVICE_API_IMAGE_NAME=}` },
    );
  });

  test("has host and app send OpenTelemetry to the same place, and its headers are a secret", () => {
    const [main, app] = [files["infra/main.bicep"]!, files["infra/app.bicep"]!];
    for (const text of [main, app])
      expect(text).toMatch(/\n@secure\(\)\n(?:@description.*\n)?param otlpHeaders string/);
    const given = app.slice(app.indexOf("empty(otlpEndpoint) ? []"), app.indexOf("empty(modelUri) ? []"));
    const names = [...given.matchAll(/name: '(\w+)'/g)].map(([, name]) => name);
    expect(names).toEqual([
      "AzureFunctionsJobHost__telemetryMode",
      "OTEL_EXPORTER_OTLP_ENDPOINT",
      "OTEL_EXPORTER_OTLP_PROTOCOL",
      "OTEL_EXPORTER_OTLP_HEADERS",
    ]);
    // The app's own variables hold it in a zip's app settings, which are encrypted; a container's stand in its template.
    expect(given).toContain(template === "code" ? "value: otlpHeaders" : "secretRef: 'otlp-headers'");
  });

  test("is deployed by azd as what it is", () => {
    const project = parse(files["azure.yaml"]!);
    expect(project.name).toBe("scorefn-price");
    expect(project.services.api).toMatchObject(
      template === "code" ? { host: "function", language: "js" } : { host: "containerapp", language: "docker" },
    );
    expect(files["infra/app.bicep"]).toContain("tags: { 'azd-service-name': 'api' }");
  });
});

describe("the images", () => {
  const images = TEMPLATES.filter((template) => template !== "code").flatMap((template) =>
    [true, false].map((python) => ({ template, python, node: 24, pythonVersion: "3.13" })),
  );

  test("pass hadolint, as files and in all their variants", async ({ skip }) => {
    const linter = preparedTool("hadolint", skip);
    const templates = packageFile("packaging/templates/azure-functions");
    const written = images.map((options, index) => {
      const file = join(folder, `${index}.Dockerfile`);
      writeFileSync(file, renderImageFiles(options).Dockerfile!);
      return file;
    });
    const sources = readdirSync(templates).filter((name) => name.endsWith("Dockerfile"));
    expect(sources).toHaveLength(2);
    await runTool(linter, [...sources.map((name) => join(templates, name)), ...written]);
  });

  test.for(images)("$template, python $python: has what was asked for, and does not run as root", (options) => {
    const dockerfile = renderImageFiles(options).Dockerfile!;
    expect(dockerfile).toContain("ARG FUNCTIONS_IMAGE=mcr.microsoft.com/azure-functions/node:4-node24\n");
    expect(dockerfile.includes("ARG PYTHON_IMAGE=python:3.13-slim-bookworm\n")).toBe(options.python);
    expect(dockerfile).toContain(
      `FUNCTIONS_WORKER_RUNTIME=${options.template === "custom-handler" ? "custom" : "node"}\n`,
    );
    const last = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
    expect(last).toMatch(/\nUSER 10001\n/);
    expect(last).toContain("ASPNETCORE_URLS=http://+:8080");
    expect(last.indexOf("COPY --from=files /model ")).toBeGreaterThan(0);
    expect(last.indexOf("COPY --from=files /model ")).toBeLessThan(
      last.indexOf("COPY --from=files /home/site/wwwroot "),
    );
  });

  test("listen where the container app sends requests", () => {
    const app = renderInfrastructure({ ...OPTIONS, template: "container" })["infra/app.bicep"];
    expect(app).toContain("targetPort: 8080");
  });
});

describe("the small files", () => {
  test("a custom handler differs from the other apps by what the host starts, and in nothing else", () => {
    const { customHandler, ...rest } = JSON.parse(renderHostJson("custom-handler"));
    expect(customHandler).toMatchObject({ enableProxyingHttpRequest: true });
    expect(rest).toEqual(JSON.parse(renderHostJson("code")));
    expect(JSON.parse(renderLocalSettings("custom-handler")).Values.FUNCTIONS_WORKER_RUNTIME).toBe("custom");
    expect(JSON.parse(renderLocalSettings("code")).Values.FUNCTIONS_WORKER_RUNTIME).toBe("node");
  });

  test.for(TEMPLATES)("the host of the template %s sends OpenTelemetry where that is asked for", (template) => {
    const { telemetryMode, ...rest } = JSON.parse(renderHostJson(template, "OpenTelemetry"));
    expect(telemetryMode).toBe("OpenTelemetry");
    expect(rest).toEqual(JSON.parse(renderHostJson(template)));
  });

  test.for(["anonymous", "function", "admin"] as const)("asks for a key of the level %s", (level) => {
    expect(JSON.parse(renderAllFunction(level)).bindings[0].authLevel).toBe(level);
  });
});
