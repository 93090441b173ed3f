import { defineConfig, type ViteUserConfig } from "vitest/config";
import { TEST_DEADLINE_MS } from "./test/setup/deadline.ts";

const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/setup/global.ts"],
    testTimeout: TEST_DEADLINE_MS,
    hookTimeout: TEST_DEADLINE_MS,
    // Where everything hangs, a run ends all the same.
    bail: 10,
    maxWorkers: 2,
    reporters: ["default"],
  },
});
export default config;
