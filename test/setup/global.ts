import { ensureBuild } from "./build.ts";
import { prepareEnvironments } from "./environments.mjs";

/** vitest's globalSetup. */
export default async function setup(): Promise<void> {
  await Promise.all([ensureBuild(), prepareEnvironments()]);
}
