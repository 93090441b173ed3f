// What a function app adds to a hand-written one. Everything runs in fresh processes, through the local host.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const REQUESTS = Number(process.env.BENCH_REQUESTS ?? 4_000);
const STARTS = Number(process.env.BENCH_STARTS ?? 15);

const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

/** Runs the comparison and prints its table. */
export async function benchAzure() {
  const folder = mkdtempSync(join(tmpdir(), "scorefn-bench-"));
  const { buildAzure } = await import("../dist/packaging/azure-functions/build.js");
  const built = join(folder, "app");
  await buildAzure({ entryScript: `${root}bench/scripts/count.ts`, out: built });
  const handWritten = await bundleHandWritten(folder);

  const rows = [];
  for (const transport of ["buffered", "streaming"]) {
    const rounds = [];
    for (let round = 1; round <= ROUNDS; round++) {
      process.stderr.write(`${transport}, round ${round} of ${ROUNDS}\n`);
      rounds.push(await measure("requests", transport, String(REQUESTS)));
    }
    const figure = (name, percent) => median(rounds.map((round) => round[name][percent]));
    const name = (percent) => `one request, ${transport}, ${percent}, µs`;
    rows.push([name("p50"), figure("scorefn", "p50"), figure("handWritten", "p50"), figure("added", "p50")]);
    rows.push([name("p99"), figure("scorefn", "p99"), figure("handWritten", "p99")]);
  }
  const size = (path) => statSync(path).size / 1_000;
  const index = join(built, "dist/index.cjs");
  rows.push(["bundle with the library, kB", size(index), size(handWritten), size(index) - size(handWritten)]);
  const ownMs = await requireTimes(index, built);
  const otherMs = await requireTimes(handWritten, folder);
  rows.push([`require() of the bundle in a new process, median of ${STARTS}, ms`, ownMs, otherMs, ownMs - otherMs]);

  console.log("\n| | scorefn | hand-written v4 handler | added |\n| --- | --- | --- | --- |");
  for (const [name, own, other, added] of rows) {
    console.log(`| ${name} | ${round(own)} | ${round(other)} | ${added === undefined ? "" : round(added)} |`);
  }
  const { inits, answered } = await measure("concurrent", "buffered", "10");
  console.log(`\n${answered} of 10 concurrent first requests were answered; init() ran ${inits} time(s).`);
}

async function measure(...args) {
  const { stdout } = await run(process.execPath, [`${root}bench/azure-process.mjs`, ...args]);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

/** The same work as bench/scripts/count.ts does, as people write it. */
async function bundleHandWritten(folder) {
  const { build } = await import("esbuild");
  const outfile = join(folder, "hand-written.cjs");
  const contents = readFileSync(`${root}bench/azure-hand-written.mjs`, "utf8");
  await build({
    stdin: { contents: `${contents}\nregister();`, resolveDir: `${root}bench` },
    outfile,
    bundle: true,
    minify: true,
    platform: "node",
    target: "node20",
    external: ["@azure/functions-core"],
    logLevel: "error",
  });
  return outfile;
}

async function requireTimes(file, cwd) {
  const script = join(cwd, "time-require.cjs");
  writeFileSync(
    script,
    `const Module = require("node:module");
const { _load } = Module;
const core = { setProgrammingModel() {}, registerFunction() {}, registerHook() {}, log() {} };
Module._load = function (name, ...rest) { return name === "@azure/functions-core" ? core : _load.call(this, name, ...rest); };
const startedAt = performance.now();
require(${JSON.stringify(file)});
console.log("took", performance.now() - startedAt);
process.exit(0);
`,
  );
  const times = [];
  for (let start = 0; start < STARTS; start++) {
    const { stdout } = await run(process.execPath, [script], { cwd });
    times.push(Number(/took ([\d.]+)/.exec(stdout)[1]));
  }
  return median(times);
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function round(value) {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}
