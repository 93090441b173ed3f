// The entry that docs/aws-lambda.md shows, made one file by bundlers without any setting of ours, and run where there is
// nothing else.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { build } from "esbuild";
import { rollup } from "rollup";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { readAnswer, scoreEvent, startFunction } from "../../../packaging/aws-lambda/invoke.ts";
import { packageFile } from "../../../src/core/package-root.ts";

const folder = mkdtempSync(join(tmpdir(), "scorefn-bundle-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const project = join(folder, "project");

const SCRIPT = "export function init() {}\nexport const run = (data) => ({ sum: JSON.parse(data).data.length });\n";
const LOAD = 'inProcess(() => import("./score.js")), { entryScript: "score.js" }';

type Format = "esm" | "cjs";

/** A CommonJS module cannot wait; the first request does. */
function entry(create: string, module: string, format: Format): string {
  const service = format === "esm" ? "await startService" : "startService";
  return `import { ${create}, inProcess, startService } from "${module}";
const service = ${service}(${LOAD});
export const handler = ${create}(service);
`;
}

const ENTRIES = {
  buffered: (format: Format) => entry("createHandler", "scorefn/lambda", format),
  streaming: (format: Format) => entry("createStreamHandler", "scorefn/lambda/stream", format),
};

beforeAll(() => {
  mkdirSync(join(project, "node_modules"), { recursive: true });
  symlinkSync(packageFile("."), join(project, "node_modules/scorefn"));
  writeFileSync(join(project, "score.js"), SCRIPT);
});

const BUNDLERS = {
  esbuild: async (input: string, file: string, format: Format) => {
    await build({ entryPoints: [input], outfile: file, bundle: true, platform: "node", format, logLevel: "silent" });
  },
  rollup: async (input: string, file: string, format: Format) => {
    const bundle = await rollup({ input, plugins: [nodeResolve()], onwarn: () => {} });
    await bundle.write({ file, format, inlineDynamicImports: true });
    await bundle.close();
  },
};

test.for(
  (["esbuild", "rollup"] as const).flatMap((bundler) =>
    (["buffered", "streaming"] as const).flatMap((kind) =>
      (["esm", "cjs"] as const).map((format) => [bundler, kind, format] as const),
    ),
  ),
)("%s makes of the %s entry one file (%s) that answers", async ([bundler, kind, format]) => {
  const input = join(project, `${bundler}-${kind}-${format}.js`);
  writeFileSync(input, ENTRIES[kind](format));
  const bare = join(folder, `${bundler}-${kind}-${format}`);
  const file = join(bare, "function", format === "esm" ? "index.mjs" : "index.cjs");
  mkdirSync(join(bare, "function"), { recursive: true });
  await BUNDLERS[bundler](input, file, format);
  if (format === "cjs") writeFileSync(join(bare, "function/index.mjs"), 'export { handler } from "./index.cjs";\n');
  writeFileSync(
    join(bare, "scorefn-build.json"),
    JSON.stringify({ target: "aws-lambda", handler: "index.handler", memoryMb: 1_769, timeoutSeconds: 30 }),
  );
  const local = await startFunction({ directory: bare, onOutput: () => {} });
  onTestFinished(async () => void (await local.stop()));
  const outcome = await local.invoke(scoreEvent(Buffer.from('{"data": [1, 2]}')));
  expect(readAnswer(outcome)).toEqual({ status: 200, text: '{"sum":2}' });
  expect(outcome.streamed).toBe(kind === "streaming");
});
