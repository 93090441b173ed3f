// Built functions under AWS's own Runtime Interface Emulator, where there is one.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildLambda } from "../../../packaging/aws-lambda/build.ts";
import { scoreEvent } from "../../../packaging/aws-lambda/invoke.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { preparedNode, preparedRuntimeClient } from "../../setup/runtimes.ts";
import { freePort } from "../../setup/server.ts";
import { until } from "../../setup/service.ts";

const SETUP_MS = 15 * 60_000;
const emulator = process.env.SCOREFN_TEST_RIE;
if (emulator === undefined) {
  console.log("Runtime Interface Emulator: skipped; set SCOREFN_TEST_RIE to the path of aws-lambda-rie");
}

test.skipIf(emulator === undefined)(
  "a function answers under the Runtime Interface Emulator",
  async ({ skip }) => {
    const client = await preparedRuntimeClient();
    skip(client === undefined);
    const out = mkdtempSync(join(tmpdir(), "scorefn-emulator-"));
    await buildLambda({ entryScript: packageFile("test/adapters/lambda/scripts/behaves.ts"), out });
    const [front, api] = [await freePort(), await freePort()];
    const child = spawn(
      emulator!,
      [
        ...["--runtime-interface-emulator-address", `127.0.0.1:${front}`, "--runtime-api-address", `127.0.0.1:${api}`],
        ...[await preparedNode(24), client!, "index.handler"],
      ],
      { cwd: join(out, "function"), stdio: "ignore", env: { ...process.env, LAMBDA_TASK_ROOT: join(out, "function") } },
    );
    try {
      const post = (body: string) =>
        fetch(`http://127.0.0.1:${front}/2015-03-31/functions/function/invocations`, {
          method: "POST",
          body: JSON.stringify(scoreEvent(Buffer.from(body))),
        });
      await until(async () => (await post("x").catch(() => undefined)) !== undefined, "the emulator listens");
      const answer = await post("hello");
      expect(await answer.json()).toMatchObject({ statusCode: 200, body: '"hello"' });
    } finally {
      child.kill("SIGKILL");
      rmSync(out, { recursive: true, force: true });
    }
  },
  SETUP_MS,
);
