// The Lambda adapter against a handler written by hand and against the usual adapters, in one run, with the same work:
// parse a JSON body, add its numbers up, answer with a small JSON object.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { buildLambda } from "../dist/packaging/aws-lambda/build.js";
import { readAnswer, scoreEvent, startFunction } from "../dist/packaging/aws-lambda/invoke.js";
import { environment } from "../test/setup/environments.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);
const IMPORTS = 40;
const INVOCATIONS = 1_000;

const root = fileURLToPath(new URL("..", import.meta.url));
/** Runs the comparison and prints its tables. */
export async function benchLambda() {
  await benchRuntimeApi();
  await benchBundle();
  await benchOverhead();
}

const HANDLERS = ["by hand", "scorefn", "@fastify/aws-lambda", "@vendia/serverless-express"];

/** Each handler in a process of its own, as on Lambda; the rounds take turns. */
async function benchOverhead() {
  const probe = fileURLToPath(new URL("lambda-handler.mjs", import.meta.url));
  const rounds = new Map(HANDLERS.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of HANDLERS) {
      const { stdout, stderr } = spawnSync(process.execPath, [probe, name], { encoding: "utf8" });
      if (stdout === "") throw new Error(stderr);
      rounds.get(name).push(JSON.parse(stdout));
    }
  }
  console.log(`\nµs per invocation, in process, best of ${ROUNDS} processes each, Node ${process.version}\n`);
  console.log("| handler | p50 | p99 | p50 above by hand | p99 above by hand |\n| --- | --- | --- | --- | --- |");
  const best = (name, index) => Math.min(...rounds.get(name).map((round) => round[index]));
  for (const name of rounds.keys()) {
    const [p50, p99] = [best(name, 0), best(name, 1)];
    const above = [p50 - best("by hand", 0), p99 - best("by hand", 1)];
    console.log(`| ${name} | ${[p50, p99, ...above].map((value) => value.toFixed(1)).join(" | ")} |`);
  }
}

async function benchBundle() {
  const folder = mkdtempSync(join(tmpdir(), "scorefn-bench-"));
  try {
    writeFileSync(join(folder, "score.ts"), "export function init() {}\nexport const run = (data: string) => data;\n");
    writeFileSync(join(folder, "empty.mjs"), "export {};\n");
    await buildLambda({ entryScript: join(folder, "score.ts"), out: join(folder, "out") });
    const bundle = join(folder, "out/function/scorefn/host.mjs");
    const gzipped = gzipSync(readFileSync(bundle)).length;
    const [empty, whole] = [importTime(join(folder, "empty.mjs")), importTime(join(folder, "out/function/index.mjs"))];
    console.log("\n| bundle of adapter and core | |\n| --- | --- |");
    console.log(
      `| minified | ${(statSync(bundle).size / 1_000).toFixed(1)} kB |\n| gzipped | ${(gzipped / 1_000).toFixed(1)} kB |`,
    );
    console.log(`| import and init, p50 of ${IMPORTS} | ${whole.toFixed(1)} ms |`);
    console.log(`| the same of an empty module | ${empty.toFixed(1)} ms |`);
    console.log(`| above an empty module | ${(whole - empty).toFixed(1)} ms |`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Milliseconds that `import()` takes in a fresh process, p50. */
function importTime(file) {
  const probe = join(tmpdir(), "scorefn-bench-import.mjs");
  writeFileSync(
    probe,
    `const from = performance.now();\nawait import(${JSON.stringify(pathToFileURL(file).href)});\n` +
      "process.stderr.write(String(performance.now() - from));\n",
  );
  const times = Array.from({ length: IMPORTS }, () => Number(spawnSync(process.execPath, [probe]).stderr));
  return times.sort((a, b) => a - b)[IMPORTS >> 1];
}

async function benchRuntimeApi() {
  const folder = mkdtempSync(join(tmpdir(), "scorefn-bench-"));
  const python = environment("sklearn");
  console.log(
    `\n| ${INVOCATIONS} invocations through the Runtime API | cold start | p50 | p99 |\n| --- | --- | --- | --- |`,
  );
  try {
    for (const [name, script] of [
      ["TypeScript", "count.ts"],
      ["Python", "count.py"],
    ]) {
      const out = join(folder, name);
      await buildLambda({ entryScript: join(root, "bench/scripts", script), out });
      const env = python.unavailable === undefined ? { SCOREFN_PYTHON: python.python } : {};
      const local = await startFunction({ directory: out, env, onOutput: () => {} });
      const event = scoreEvent(Buffer.from(JSON.stringify({ data: [[1, 2, 3, 4]] })));
      const times = [];
      for (let round = 0; round < INVOCATIONS; round++) {
        const outcome = await local.invoke(event);
        if (readAnswer(outcome).status !== 200) throw new Error(readAnswer(outcome).text);
        times.push(outcome.durationMs);
      }
      await local.stop();
      times.sort((a, b) => a - b);
      const figures = [
        local.coldStartMs.toFixed(0),
        times[INVOCATIONS * 0.5].toFixed(2),
        times[INVOCATIONS * 0.99].toFixed(2),
      ];
      console.log(`| ${name} | ${figures.map((figure) => `${figure} ms`).join(" | ")} |`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
