import { availableParallelism } from "node:os";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { TEST_DEADLINE_MS } from "./test/setup/deadline.ts";

/** Files that take half a minute with CI=true or beside others, or wait for limits of several seconds. */
const LONG = [
  "pip/install",
  "pip/debug",
  "endpoint/page/chromium",
  "docs-page/chromium",
  "endpoint/walkthrough",
  "endpoint/attack",
  "endpoint/rollout",
  "endpoint/deployment/deployment",
  "endpoint/assets/environment",
  "endpoint/gateway/scripts",
  "cli/check/check",
  "cli/check/around",
  "check/builds",
  "online/life",
  "init/templates",
  "online/attack",
  "online/serve",
  "lambda/hostile.property",
  "lambda/function",
  "model/walk",
  "http/states",
  "differential/differential",
  "packaging/trial",
  "pool/bad-workers",
  "http/reload",
  "model/fetch",
  "no-code/mlflow",
  "pool/pool",
  "azure/streaming",
  "azure/buffered",
  "azure/custom-handler",
  "http/traces",
  "http/conformance",
  "packaging/out-folder",
  "script/compile",
  "http/bad-input",
  "contract/serving",
  "http/metrics",
  "packaging/command",
  "packaging/models",
  "packaging/azure-functions/build",
  "lifeline/launcher",
  "lifeline/server",
  "pool/records",
  "pool/preload",
  "pool/fork-listener",
  "pool/children",
  "http/memory",
  "cli/help",
];

/** Files about one feature each that take long, many with programs of other people's: run with CI=true, or when they are named. */
const CI_ONLY = [
  "test/adapters/cli/check/around.test.ts",
  "test/check/builds.test.ts",
  "test/check/ci-files.test.ts",
  "test/src/script/compile.test.ts",
  "test/packaging/out-folder.test.ts",
  "test/packaging/command.test.ts",
  "test/adapters/azure/streaming.test.ts",
  "test/adapters/azure/built.test.ts",
  "test/lifeline/launcher.test.ts",
  "test/src/telemetry/app-insights-delivery.test.ts",
  "test/e2e/examples.test.ts",
  "test/e2e/tritonclient.test.ts",
  "test/e2e/no-code-examples.test.ts",
  "test/bench-models.test.ts",
  "test/endpoint/walkthrough.test.ts",
  "test/endpoint/attack.test.ts",
  "test/endpoint/assets/environment.test.ts",
  "test/src/model/fetch.test.ts",
  "test/src/no-code/onnx/versions.test.ts",
  "test/src/no-code/onnx/worker.test.ts",
  "test/src/no-code/protocol/infer-properties.test.ts",
  "test/adapters/lambda/function.test.ts",
  "test/packaging/trial.test.ts",
  "test/packaging/what-goes-in.test.ts",
  "test/packaging/models.test.ts",
  "test/adapters/lambda/telemetry.test.ts",
  "test/adapters/http/traces-lost.test.ts",
  "test/adapters/http/prometheus.test.ts",
  "test/adapters/lambda/cdk.test.ts",
  "test/adapters/lambda/check.test.ts",
  "test/adapters/lambda/bundle.test.ts",
  "test/adapters/cli/online/attack.test.ts",
  "test/adapters/cli/init/templates.test.ts",
  "test/adapters/cli/init/create.test.ts",
  "test/debugger/launch-node.test.ts",
  "test/package.test.ts",
  "test/pip/**",
  "test/endpoint/page/chromium.test.ts",
  "test/adapters/http/traces.test.ts",
  "test/adapters/http/metrics.test.ts",
  "test/adapters/http/json-log.test.ts",
  "test/src/telemetry/app-insights.test.ts",
  "test/endpoint/rollout.test.ts",
  "test/endpoint/gateway/scripts.test.ts",
  "test/endpoint/deployment/deployment.test.ts",
  "test/adapters/cli/online/life.test.ts",
  "test/adapters/cli/online/serve.test.ts",
  "test/lifeline/server.test.ts",
  "test/packaging/azure-functions/build.test.ts",
  "test/adapters/azure/custom-handler.test.ts",
  "test/adapters/http/reload.test.ts",
  "test/adapters/http/reload-walk.test.ts",
  "test/src/docs-page/chromium.test.ts",
  "test/adapters/cli/check/check.test.ts",
  "test/endpoint/spec/hostile.test.ts",
  "test/src/docs-page/chromium-dev.test.ts",
  "test/check/declared.test.ts",
  "test/src/no-code/mlflow.test.ts",
  "test/src/reload/watcher.test.ts",
  "test/endpoint/deployment/telemetry.test.ts",
  "test/packaging/docs-page.test.ts",
  "test/packaging/progress.test.ts",
  "test/packaging/aws-lambda/template.test.ts",
  "test/fuzz/**",
];
const isAsked = process.env.CI === "true" || process.argv.some((word) => word.startsWith("test/"));

/** Begins with what takes longest, so that no single file is left for the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const index = LONG.findIndex((name) => moduleId.endsWith(`${name}.test.ts`));
      return index < 0 ? LONG.length : index;
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}

const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["**/node_modules/**", ...(isAsked ? [] : CI_ONLY)],
    globalSetup: ["test/setup/global.ts"],
    testTimeout: TEST_DEADLINE_MS,
    hookTimeout: TEST_DEADLINE_MS,
    // Where everything hangs, a run ends all the same.
    bail: 10,
    // Most tests wait for a process of theirs, or for a limit of some seconds.
    maxWorkers: availableParallelism() + 2,
    sequence: { sequencer: LongestFirst },
    reporters: ["default"],
  },
});
export default config;
