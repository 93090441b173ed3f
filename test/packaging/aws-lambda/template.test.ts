// The files a function is deployed by, each read by the tools they are written for.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isMap, parseDocument } from "yaml";
import { renderImageFiles } from "../../../packaging/aws-lambda/dockerfile.ts";
import { renderTemplate, type TemplateOptions } from "../../../packaging/aws-lambda/template.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { preparedTool, runTool } from "../../setup/tools.ts";

const folder = mkdtempSync(join(tmpdir(), "scorefn-template-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const OPTIONS: TemplateOptions = {
  runtime: "nodejs24.x",
  handler: "index.handler",
  architecture: "x86_64",
  memoryMb: 1_769,
  timeoutSeconds: 30,
  door: "url",
  streams: false,
  auth: "AWS_IAM",
};

const VARIANTS: Record<string, Partial<TemplateOptions>> = {
  url: {},
  "url that streams, for everybody": { streams: true, handler: "stream.handler", auth: "NONE" },
  "http-api": { door: "http-api", architecture: "arm64" },
  "an image": { runtime: undefined, node: 22, pythonVersion: "3.13" },
};

const render = (options: Partial<TemplateOptions> = {}) => renderTemplate({ ...OPTIONS, ...options });

/** A value of a template; a CloudFormation function is its argument. */
function valueIn(text: string, path: readonly (string | number)[]): unknown {
  const value: unknown = parseDocument(text).getIn(path);
  return isMap(value) ? value.toJSON() : value;
}
const PROPERTIES = ["Resources", "ScoreFunction", "Properties"];

describe("the SAM template", () => {
  test.runIf(process.env.CI === "true")(
    "passes cfn-lint as a file and in all its variants, and cfn-lint would say so if it did not",
    async ({ skip }) => {
      const linter = preparedTool("cfn-lint", skip);
      const files = Object.entries(VARIANTS).map(([name, options]) => {
        const file = join(folder, `${name.replaceAll(" ", "-")}.yaml`);
        writeFileSync(file, render(options));
        return file;
      });
      const strictly = ["--non-zero-exit-code", "informational"];
      const broken = join(folder, "broken.yaml");
      writeFileSync(broken, render().replace("MemorySize: !Ref MemorySize", "MemorySize: !Ref MemorySise"));
      await Promise.all([
        runTool(linter, [...strictly, packageFile("packaging/templates/aws-lambda/template.yaml"), ...files]),
        expect(runTool(linter, [...strictly, broken])).rejects.toThrow("MemorySise"),
      ]);
    },
  );

  test("has what was asked for as the defaults of its parameters, within what Lambda takes", () => {
    const text = render({ memoryMb: 3_008, timeoutSeconds: 120 });
    expect(valueIn(text, ["Parameters", "MemorySize"])).toMatchObject({
      Default: 3_008,
      MinValue: 128,
      MaxValue: 10_240,
    });
    expect(valueIn(text, ["Parameters", "Timeout"])).toMatchObject({ Default: 120, MinValue: 1, MaxValue: 900 });
    expect(text).toContain("MemorySize: !Ref MemorySize");
    expect(text).toContain("Timeout: !Ref Timeout");
  });

  test.for([
    ...["ProvisionedConcurrency", "ModelUri", "ModelAccessPointArn", "SubnetIds", "SecurityGroupIds"],
    ...["OtlpEndpoint", "OtlpHeaders", "Metrics"],
  ])("leaves %s off by default", (name) => {
    expect([0, "", "off"]).toContain(valueIn(render(), ["Parameters", name, "Default"]));
  });

  test("has the settings of telemetry as variables of the function, and shows no secret", () => {
    const text = render();
    const variables = valueIn(text, [...PROPERTIES, "Environment", "Variables"]) as Record<string, unknown>;
    expect(variables).toMatchObject({
      OTEL_EXPORTER_OTLP_ENDPOINT: ["HasOtlpEndpoint", "OtlpEndpoint", "AWS::NoValue"],
      OTEL_EXPORTER_OTLP_HEADERS: ["HasOtlpHeaders", "OtlpHeaders", "AWS::NoValue"],
      SCOREFN_METRICS: ["HasMetrics", "Metrics", "AWS::NoValue"],
    });
    expect(valueIn(text, ["Parameters", "OtlpHeaders", "NoEcho"])).toBe(true);
    expect(String(valueIn(text, [...PROPERTIES, "VersionDescription", 0]))).not.toContain("OtlpHeaders");
    const pattern = new RegExp(`^(?:${String(valueIn(text, ["Parameters", "OtlpEndpoint", "AllowedPattern"]))})$`);
    for (const good of ["", "http://localhost:4318", "https://otlp.example/v1/x"]) expect(good).toMatch(pattern);
    for (const bad of ["localhost:4318", "grpc://a:4317", "http://", "http://a b"]) expect(bad).not.toMatch(pattern);
  });

  test("publishes a version when a parameter of the function changes, with a description that fits", () => {
    const text = render();
    const description = String(valueIn(text, [...PROPERTIES, "VersionDescription", 0]));
    for (const name of [
      ...["MemorySize", "Timeout", "EphemeralStorage", "Tracing", "Otlp", "Metrics"],
      ...["ModelUri", "AccessPoint"],
    ]) {
      expect(description).toContain(`\${${name}}`);
    }
    const longest = description
      .replace(/\$\{ModelUri\}/, "m".repeat(Number(valueIn(text, ["Parameters", "ModelUri", "MaxLength"]))))
      .replace(/\$\{AccessPoint\}/, `fsap-${"0".repeat(17)}`)
      .replace(/\$\{Tracing\}/, "PassThrough")
      .replace(/\$\{\w+\}/g, "10240");
    expect(longest.length).toBeLessThanOrEqual(256);
  });

  test("takes models of which the function may read nothing else", () => {
    const pattern = new RegExp(`^(?:${String(valueIn(render(), ["Parameters", "ModelUri", "AllowedPattern"]))})$`);
    for (const good of [
      "",
      "s3://bucket",
      "s3://bucket/a/b.onnx",
      "https://a.blob.core.windows.net/c/m",
      "file:///m",
    ]) {
      expect(good).toMatch(pattern);
    }
    for (const bad of ["s3://bucket/a/", "s3://*/x", "https://a.blob.core.windows.net/c/m?sig=secret", "bucket/a"]) {
      expect(bad).not.toMatch(pattern);
    }
    expect(render()).not.toContain(`s3:::\${Path}*`);
  });

  test("names the handler and the runtime of what was built", () => {
    const text = render({ runtime: "nodejs22.x", handler: "stream.handler", streams: true });
    expect(valueIn(text, [...PROPERTIES, "Handler"])).toBe("stream.handler");
    expect(valueIn(text, [...PROPERTIES, "Runtime"])).toBe("nodejs22.x");
    expect(valueIn(text, [...PROPERTIES, "FunctionUrlConfig"])).toEqual({
      AuthType: "AWS_IAM",
      InvokeMode: "RESPONSE_STREAM",
    });
    expect(valueIn(text, [...PROPERTIES, "Events"])).toBeUndefined();
    expect(valueIn(text, ["Resources", "ScoreFunction", "Metadata"])).toBeUndefined();
  });

  test("names the images of what was built", () => {
    const text = render({ runtime: undefined, node: 22, pythonVersion: "3.13" });
    expect(valueIn(text, ["Resources", "ScoreFunction", "Metadata", "DockerBuildArgs"])).toEqual({
      PYTHON_IMAGE: "python:3.13-slim-bookworm",
      NODE_IMAGE: "node:22-bookworm-slim",
    });
    expect(valueIn(text, [...PROPERTIES, "PackageType"])).toBe("Image");
    for (const name of ["CodeUri", "Handler", "Runtime"]) expect(valueIn(text, [...PROPERTIES, name])).toBeUndefined();
  });

  test.for(Object.entries(VARIANTS))(
    "%s: shifts by alarms on a share, one of them of the new version",
    ([, options]) => {
      const text = render(options);
      const resources = valueIn(text, ["Resources"]) as Record<string, { Type: string; Properties: Alarm }>;
      const alarms = Object.entries(resources).filter(([, { Type }]) => Type === "AWS::CloudWatch::Alarm");
      const watched = parseDocument(text).toJSON().Resources.ScoreFunction.Properties.DeploymentPreference.Alarms;
      expect(alarms.map(([name]) => name)).toEqual(watched);
      expect(alarms).toHaveLength(2);
      for (const [, { Properties }] of alarms) {
        expect(Properties.Metrics[0]!.Expression).toBe(
          `IF(FILL(faults, 0) >= \${MinimumFaults}, 100 * faults / requests, 0)`,
        );
        expect(Properties.Threshold).toBe("FaultPercent");
        const [, faults, requests] = Properties.Metrics;
        expect(faults!.MetricStat!.Metric.Dimensions).toEqual(requests!.MetricStat!.Metric.Dimensions);
      }
      const dimensions = alarms.flatMap(([, { Properties }]) => Properties.Metrics[1]!.MetricStat!.Metric.Dimensions);
      expect(dimensions.map(({ Name }) => Name)).toContain("ExecutedVersion");
    },
  );

  test("gives no function a name that is too long", () => {
    const name = String(valueIn(render(), ["Resources", "CheckFunction", "Properties", "FunctionName", 0]));
    const stackId = "00000000-0000-0000-0000-000000000000";
    expect(name.replace(/\$\{Id\}/, stackId).length).toBeLessThanOrEqual(64);
    expect(name).toMatch(/^CodeDeployHook_/);
  });
});

interface Alarm {
  readonly Threshold: unknown;
  readonly Metrics: readonly {
    readonly Expression?: string;
    readonly MetricStat?: { readonly Metric: { readonly Dimensions: readonly { readonly Name: string }[] } };
  }[];
}

describe("the image of a Python function", () => {
  test("passes hadolint, and hadolint would say so if it did not", async ({ skip }) => {
    const linter = preparedTool("hadolint", skip);
    const file = join(folder, "Dockerfile");
    writeFileSync(
      file,
      renderImageFiles({ node: 22, handler: "stream.handler", python: "3.13", model: "weights" }).Dockerfile!,
    );
    const broken = join(folder, "broken.Dockerfile");
    writeFileSync(broken, "FROM debian\nRUN cd /tmp && sudo ls\n");
    await runTool(linter, [packageFile("packaging/templates/aws-lambda/Dockerfile"), file]);
    await expect(runTool(linter, [broken])).rejects.toThrow("DL3006");
  });

  test("has the versions and the handler that were asked for", () => {
    const { Dockerfile } = renderImageFiles({ node: 22, handler: "stream.handler", python: "3.13", model: "weights" });
    expect(Dockerfile).toContain(
      "ARG PYTHON_IMAGE=python:3.13-slim-bookworm\nARG NODE_IMAGE=node:22-bookworm-slim\nARG MODEL_DIR=weights\n",
    );
    expect(Dockerfile).toContain('CMD ["stream.handler"]');
  });

  test("does not run as root, keeps the model in a layer of its own, and lives with a file that does not compile", () => {
    const dockerfile = renderImageFiles({ node: 24, handler: "index.handler" }).Dockerfile!;
    const last = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
    expect(last).toMatch(/\nUSER 65534:65534\n/);
    expect(last.indexOf("COPY --from=files /model ")).toBeGreaterThan(0);
    expect(last.indexOf("COPY --from=files /model ")).toBeLessThan(last.indexOf("COPY --from=files /var/task "));
    expect(dockerfile).toContain("(python -m compileall -q . || true)");
  });

  test("installs the runtime client by a lock file that says what each package's bytes are", () => {
    const files = renderImageFiles({ node: 24, handler: "index.handler" });
    const wanted = JSON.parse(files["scorefn/runtime-client/package.json"]!).dependencies;
    const { packages } = JSON.parse(files["scorefn/runtime-client/package-lock.json"]!);
    expect(packages[""].dependencies).toEqual(wanted);
    expect(packages["node_modules/aws-lambda-ric"].version).toBe(wanted["aws-lambda-ric"]);
    expect(files.Dockerfile).toContain("npm ci --ignore-scripts");
  });
});

test("the program that checks a version is one", () => {
  execFileSync(process.execPath, ["--check", packageFile("packaging/templates/aws-lambda/check.mjs")]);
});
