// `npm create scorefn`: both packages packed as they are published, and installed where nothing else is.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { TEMPLATES } from "../../../../adapters/cli/init/templates.ts";
import { packageFile } from "../../../../src/core/package-root.ts";
import { BUILD_DEADLINE_MS } from "../../../setup/command.mjs";
import { freePort, startServer } from "../../../setup/server.ts";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "scorefn-create-"));
const installed = join(folder, "installed");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const readJson = (path: string) => JSON.parse(readFileSync(path, "utf8"));

async function pack(from: string): Promise<string> {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const { stdout } = await run("npm", args, { cwd: packageFile(from) });
  return join(folder, JSON.parse(stdout)[0].filename);
}

beforeAll(async () => {
  const tarballs = await Promise.all([pack("."), pack("create-scorefn")]);
  mkdirSync(installed);
  writeFileSync(join(installed, "package.json"), '{"private":true}\n');
  await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", ...tarballs], { cwd: installed });
}, BUILD_DEADLINE_MS);

test.each(TEMPLATES.map(({ name }) => name))("makes %s, whole", async (name) => {
  const program = join(installed, "node_modules/.bin/create-scorefn");
  const { stdout, stderr } = await run(program, [`made-${name}`, "--template", name], { cwd: installed });
  expect(stderr).toBe("");
  expect(stdout).toContain(`Made made-${name} from the template ${name}`);
  const made = readdirSync(join(installed, `made-${name}`), { recursive: true, encoding: "utf8" });
  const files = readdirSync(packageFile(`templates/${name}`), { recursive: true, encoding: "utf8" });
  // What npm leaves out of packages, names with a dot among it, is there.
  expect(made.sort()).toEqual(files.map((file) => file.replace(/(^|\/)_/g, "$1.")).sort());
});

test("what is made answers with the scorefn beside it, by npx", async () => {
  const words = ["--no-install", "create-scorefn", "typed", "--template", "python"];
  const { stdout } = await run("npx", words, { cwd: installed });
  expect(stdout).toContain("  cd typed\n  npx scorefn dev score.py --model_dir model\n");
  const port = await freePort();
  const project = join(installed, "typed");
  const args = ["--no-install", "scorefn", "serve", "score.py", "--model_dir", "model", "--port", String(port)];
  const server = startServer({ command: "npx", args, cwd: project, port });
  onTestFinished(async () => void (await server.stop()));
  await server.waitReady();
  const answer = await fetch(`${server.url}/score`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: readFileSync(join(project, "sample-request.json")),
  });
  expect(await answer.json()).toEqual([expect.closeTo(206.1101, 3), expect.closeTo(68.0222, 3)]);
});

test("a refusal is its exit code, too", async () => {
  mkdirSync(join(installed, "full"));
  writeFileSync(join(installed, "full/mine"), "");
  const program = join(installed, "node_modules/.bin/create-scorefn");
  const refused = run(program, ["full"], { cwd: installed });
  await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("is not empty: mine;") });
});

test("it comes out with scorefn, under the same licence", () => {
  const [own, scorefn] = ["create-scorefn/package.json", "package.json"].map((file) => readJson(packageFile(file)));
  expect([own.version, own.dependencies, own.engines, own.license]).toEqual([
    scorefn.version,
    { scorefn: scorefn.version },
    scorefn.engines,
    scorefn.license,
  ]);
  const [one, other] = ["create-scorefn/LICENSE", "LICENSE"].map((file) => readFileSync(packageFile(file), "utf8"));
  expect(one).toBe(other);
});
