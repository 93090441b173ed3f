// Requests that schemathesis makes out of the description that a server gives of itself.

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { DEADLINE_MS } from "../setup/deadline.ts";
import { environment } from "../setup/environments.mjs";
import { fuzzedScripts, startFuzzed } from "./servers.ts";

const EXAMPLES = 25;

const found = environment("fuzz");

/** What schemathesis looks at. Not among them: the types of answers and the methods, where the document is bound to the
 *  reference's text (A.1) and says less than is served. */
const CHECKS = ["not_a_server_error", "status_code_conformance", "response_schema_conformance"];

test.each(fuzzedScripts)("$what: what the document allows is served", async (one) => {
  const unavailable = "unavailable" in found ? found.unavailable : one.unavailable;
  if (unavailable !== undefined || "unavailable" in found) {
    console.log(`schemathesis does not run: ${unavailable}`);
    expect(process.env.CI, unavailable).not.toBe("true");
    return;
  }
  const server = await startFuzzed(one.script);
  const folder = await mkdtemp(join(tmpdir(), "schemathesis-"));
  onTestFinished(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  // A script that declares nothing is described as taking any object, and raises at most of them.
  const isDeclared = one.script === "sums_declared.py";
  const checks = isDeclared ? CHECKS : CHECKS.slice(1);
  const args = ["run", `${server.url}/swagger.json?version=3`, "--url", server.url];
  const options = ["--checks", checks.join(), "--mode", "positive", "--phases", "examples,coverage,fuzzing"];
  const patience = ["--request-timeout", String(DEADLINE_MS / 1000)];
  const limits = ["--max-examples", String(EXAMPLES), "--workers", "1", "--no-color"];
  const { stdout } = await promisify(execFile)(
    join(dirname(found.python), "schemathesis"),
    [...args, ...options, ...limits, ...patience],
    { cwd: folder, timeout: DEADLINE_MS, encoding: "utf8" },
  ).catch((error: { stdout?: string; stderr?: string }) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  expect(stdout).toMatch(/No issues found/);
});
