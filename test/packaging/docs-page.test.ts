// The page to try a script with in builds: there where it is asked for, and nowhere else.
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { brotliDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildLambda } from "../../packaging/aws-lambda/build.ts";
import { startAppProcess } from "../../packaging/azure-functions/app-client.ts";
import { type AzureBuildOptions, buildAzure } from "../../packaging/azure-functions/build.ts";
import { packageFile } from "../../src/core/package-root.ts";
import { DEADLINE_MS, type TemporaryFolder, temporaryFolder } from "../setup/service.ts";

const run = promisify(execFile);

const entryScript = packageFile("examples/hello-ts/score.ts");
const PAGE = "dist/src/docs-page/static";
/** Of one answer of Lambda's: 6 MB, and room. */
const MAX_ANSWER_BYTES = 8_000_000;

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const filesOf = (place: string) => readdirSync(place, { recursive: true, encoding: "utf8" });

describe("AWS Lambda", () => {
  /** What a Function URL gets, in a process of its own: settings are read when the function is loaded. */
  async function ask(
    out: string,
    path: string,
    env: Record<string, string> = {},
    headers: Record<string, string> = {},
  ) {
    const http = { method: "GET", path, sourceIp: "127.0.0.1", protocol: "HTTP/1.1", userAgent: "test" };
    const event = { version: "2.0", rawPath: path, rawQueryString: "", headers, requestContext: { http } };
    const entry = pathToFileURL(join(out, "function/index.mjs")).href;
    const code = `const { handler } = await import(${JSON.stringify(entry)});
      const context = { awsRequestId: "1", getRemainingTimeInMillis: () => ${DEADLINE_MS} };
      process.stderr.write(JSON.stringify(await handler(${JSON.stringify(event)}, context)));`;
    const { SCOREFN_DOCS: _, ...rest } = process.env;
    const { stderr } = await run(process.execPath, ["--input-type=module", "-e", code], {
      env: { ...rest, LAMBDA_TASK_ROOT: join(out, "function"), ...env },
      maxBuffer: MAX_ANSWER_BYTES,
    });
    return JSON.parse(stderr);
  }

  test("has the page when it is asked for, compressed for who takes it", async () => {
    const out = folder.file("lambda");
    await buildLambda({ entryScript, out, noTry: true, docs: true });
    const page = await ask(out, "/docs");
    expect(page).toMatchObject({ statusCode: 200, isBase64Encoded: false });
    expect(page.body).toContain('src="docs/page.js?v=');
    const script = await ask(out, "/docs/swagger-ui.js", {}, { "accept-encoding": "br" });
    expect(script).toMatchObject({ statusCode: 200, isBase64Encoded: true });
    expect(brotliDecompressSync(Buffer.from(script.body, "base64")).toString()).toContain("SwaggerUIBundle");
    const plain = await ask(out, "/docs/page.js");
    expect(plain).toMatchObject({ statusCode: 200, isBase64Encoded: false });
  });

  test("the function's own setting moves it or turns it off", async () => {
    const out = folder.file("lambda");
    expect(await ask(out, "/docs", { SCOREFN_DOCS: "off" })).toMatchObject({ statusCode: 404 });
    expect(await ask(out, "/docs", { SCOREFN_DOCS: "/try" })).toMatchObject({ statusCode: 404 });
    expect(await ask(out, "/try", { SCOREFN_DOCS: "/try" })).toMatchObject({ statusCode: 200 });
  });

  test("has nothing of it otherwise, and says what is missing where the setting wants it", async () => {
    const out = folder.file("lambda-without");
    await buildLambda({ entryScript, out, noTry: true });
    expect(filesOf(out).filter((file) => file.includes("docs-page"))).toEqual([]);
    expect(await ask(out, "/docs")).toMatchObject({ statusCode: 404 });
    const wanted = await ask(out, "/docs", { SCOREFN_DOCS: "/docs" });
    expect(wanted.statusCode).toBe(404);
    expect(wanted.body).toContain("build it with --docs");
  });
});

describe("Azure Functions", () => {
  const build = async (name: string, options: Partial<AzureBuildOptions> = {}) => {
    const out = folder.file(name);
    return { out, report: await buildAzure({ entryScript, out, ...options }) };
  };

  test("has the page when it is asked for", async () => {
    const { out, report } = await build("azure", { docs: true });
    expect(report.warnings.join()).toContain("/score and /docs do");
    const app = await startAppProcess(out, {});
    onTestFinished(app.close);
    const routes = app.loaded.functions.map(({ route }) => route);
    expect(routes).toEqual(expect.arrayContaining(["docs", "docs/{file}"]));
    const page = await app.send({ target: "/docs" });
    expect([page.status, Buffer.from(page.body, "base64").toString()]).toEqual([
      200,
      expect.stringContaining('src="docs/page.js?v='),
    ]);
    const script = await app.send({ target: "/docs/swagger-ui.js?v=1", headers: [["Accept-Encoding", "br"]] });
    expect(script.status).toBe(200);
    expect(brotliDecompressSync(Buffer.from(script.body, "base64")).toString()).toContain("SwaggerUIBundle");
    expect((await app.send({ target: "/docs/nothing" })).status).toBe(404);
  });

  test("has nothing of it otherwise", async () => {
    const { out } = await build("azure-without");
    expect(existsSync(join(out, "dist", PAGE))).toBe(false);
    const app = await startAppProcess(out, {});
    onTestFinished(app.close);
    expect(app.loaded.functions.map(({ name }) => name)).not.toContain("docs");
  });

  test("a custom handler that asks for a key everywhere cannot have it", async () => {
    const template = "custom-handler";
    await expect(build("azure-key", { docs: true, template })).rejects.toThrow(
      /--docs: .* choose --auth_level anonymous/,
    );
  });
});
