// The logging.json of docs/configuration.md does what is said of it.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEADLINE_MS } from "../setup/deadline.ts";
import { freePort, startServer } from "../setup/server.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const SCRIPTS = {
  "score.py": "def init():\n    pass\n\ndef run(data):\n    print('seen', data)\n    return 1\n",
  "score.ts":
    "export function init() {}\nexport function run(data: string) {\n  console.log('seen', data);\n  return 1;\n}\n",
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scorefn-logging-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(["score.py", "score.ts"] as const)("the documented example, beside %s", async (script) => {
  const docs = await readFile(join(ROOT, "docs/configuration.md"), "utf8");
  const example = /^## logging\.json\n[\s\S]*?^```json\n([\s\S]*?)^```$/m.exec(docs)?.[1];
  await writeFile(join(folder, "logging.json"), example!);
  await writeFile(join(folder, script), SCRIPTS[script]);
  await rm(join(folder, "access.log"), { force: true });

  const port = await freePort();
  const command = join(ROOT, "dist/adapters/cli/scorefn.js");
  const args = [command, "serve", script, "--port", String(port), "--host", "127.0.0.1"];
  const server = startServer({ command: process.execPath, args, cwd: folder, port });
  await server.waitReady();
  const answer = await fetch(`${server.url}/score`, {
    method: "POST",
    body: "it",
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  expect(await answer.text()).toBe("1");
  await server.stop();

  const records = server.stdout().split("\n").slice(server.stdout().split("\n").indexOf("Initializing logger"));
  expect(records.filter((line) => line !== "")).toEqual([
    "Initializing logger",
    "WARNING azmlinfsrv.trace: Model directory is not set or does not exist: ",
    "INFO azmlinfsrv.print: seen it",
  ]);
  const access = await readFile(join(folder, "access.log"), "utf8");
  expect(access).toMatch(/^INFO gunicorn\.access: 127\.0\.0\.1 - - \[.*\] "POST \/score HTTP\/1\.1" 200 1 /m);
});
