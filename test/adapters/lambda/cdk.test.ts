// The CDK snippet of the documentation, synthesised with the real library.
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { afterAll, expect, test } from "vitest";
import { buildLambda } from "../../../packaging/aws-lambda/build.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { preparedCdk } from "../../setup/runtimes.ts";

const SETUP_MS = 5 * 60_000;
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test(
  "the CDK stack of docs/aws-lambda.md deploys a build behind an alias that shifts",
  async () => {
    const docs = readFileSync(packageFile("docs/aws-lambda.md"), "utf8");
    const snippet = docs.match(/```ts\n(import [^`]*extends Stack[^`]*)```/)?.[1];
    expect(snippet).toBeDefined();
    // Below the folder of the library, so that it is found.
    const folder = mkdtempSync(join(await preparedCdk(), "stack-"));
    folders.push(folder);
    await buildLambda({
      entryScript: packageFile("examples/hello-ts/score.ts"),
      out: join(folder, "build/lambda"),
    });
    const { code } = await transform(snippet!, { loader: "ts", format: "esm" });
    writeFileSync(join(folder, "stack.mjs"), code);
    writeFileSync(
      join(folder, "app.mjs"),
      'import cdk from "aws-cdk-lib";\nimport { ScoreStack } from "./stack.mjs";\n' +
        'const app = new cdk.App({ outdir: "out" });\nnew ScoreStack(app, "Score");\napp.synth();\n',
    );
    await promisify(execFile)(process.execPath, ["app.mjs"], { cwd: folder });
    const template = readdirSync(join(folder, "out")).find((file) => file.endsWith(".template.json"))!;
    const { Resources } = JSON.parse(readFileSync(join(folder, "out", template), "utf8"));
    const byType = (type: string) =>
      Object.values(Resources as Record<string, { Type: string; Properties: Record<string, unknown> }>).filter(
        (resource) => resource.Type === type,
      );
    expect(byType("AWS::Lambda::Function")[0]!.Properties).toMatchObject({
      Handler: "index.handler",
      Runtime: "nodejs24.x",
    });
    expect(byType("AWS::Lambda::Url")).toHaveLength(1);
    expect(byType("AWS::Lambda::Alias")[0]!.Properties).toMatchObject({ Name: "live" });
    expect(byType("AWS::CodeDeploy::DeploymentGroup")[0]!.Properties).toMatchObject({
      DeploymentConfigName: "CodeDeployDefault.LambdaCanary10Percent5Minutes",
    });
  },
  SETUP_MS,
);
