// "Your own script" of the README, done as it is written there.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEADLINE_MS } from "../setup/deadline.ts";
import { freePort, startServer } from "../setup/server.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const INSTALL = "npm install scorefn";

let section: string;
let blocks: readonly { readonly language: string; readonly text: string }[];
let folder: string;

beforeAll(async () => {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  section = /^## Your own script\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? "";
  blocks = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
    language: language!,
    text: text!,
  }));
  folder = await mkdtemp(join(tmpdir(), "scorefn-readme-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What `npm install` makes of the package, without a registry. */
async function install(): Promise<void> {
  await mkdir(join(folder, "node_modules", ".bin"), { recursive: true });
  await symlink(ROOT, join(folder, "node_modules", "scorefn"));
  const start = `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, "dist/adapters/cli/scorefn.js")}" "$@"\n`;
  await writeFile(join(folder, "node_modules", ".bin", "scorefn"), start, { mode: 0o755 });
  await writeFile(join(folder, "package.json"), '{"dependencies": {"scorefn": "*"}}');
}

/** Types one line into a shell. @returns stdout */
async function type(line: string): Promise<string> {
  if (line === INSTALL) {
    await install();
    return "";
  }
  return (await promisify(execFile)("sh", ["-c", line], { cwd: folder, timeout: DEADLINE_MS })).stdout;
}

/** Types the line that serves; the port is of this test's own. */
async function serve(line: string) {
  const [command = "", ...args] = line.split(" ");
  const port = await freePort();
  const server = startServer({ command, args, cwd: folder, port, env: { ...process.env, SCOREFN_PORT: String(port) } });
  await server.waitReady();
  return { call: (curl: string) => type(curl.replace(":5001/", `:${port}/`)), stop: server.stop };
}

test("the script works as typed, in an empty folder, and the call gets the answer that is promised", async () => {
  for (const { language, text } of blocks) {
    const name = /^(?:#|\/\/) (score\.\w+)$/m.exec(text)?.[1];
    if (language !== "sh") await writeFile(join(folder, name!), text);
  }
  const lines = blocks.filter(({ language }) => language === "sh").flatMap(({ text }) => text.trim().split("\n"));
  expect(lines).toContain(INSTALL);
  const curl = lines.find((line) => line.startsWith("curl "))!;
  const serving = lines.find((line) => line.startsWith("npx scorefn serve "))!;
  for (const line of lines) if (line !== curl && line !== serving) await type(line);

  const python = await serve(serving);
  expect(section).toContain(`The answer is \`${await python.call(curl)}\``);
  await python.stop();

  const typescript = await serve(/`(npx scorefn serve score\.ts)`/.exec(section)![1]!);
  expect(JSON.parse(await typescript.call(curl))).toEqual({ sum: 3, id: expect.stringMatching(/^[\da-f-]{36}$/) });
  await typescript.stop();
});
