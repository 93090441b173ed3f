// The Lambda adapter against a handler written by hand and against the usual adapters, in one run, with the same work:
// parse a JSON body, add its numbers up, answer with a small JSON object.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

const HANDLERS = ["by hand", "scorefn"];
/** What others are compared by, with the packages each takes; `npm ci --prefix bench` installs them. */
const OTHERS = { "@fastify/aws-lambda": ["fastify"], "@vendia/serverless-express": ["express"] };

const isInstalled = (name) => existsSync(join(root, "bench/node_modules", name));

/** Those that can be run here; says which cannot. */
function handlers() {
  const there = Object.keys(OTHERS).filter((name) => [name, ...OTHERS[name]].every(isInstalled));
  const missing = Object.keys(OTHERS).filter((name) => !there.includes(name));
  if (missing.length > 0) console.log(`\nNot compared with ${missing.join(" and ")}: npm ci --prefix bench`);
  return [...HANDLERS, ...there];
}

/** Each handler in a process of its own, as on Lambda; the rounds take turns. */
async function benchOverhead() {
  const probe = fileURLToPath(new URL("lambda-handler.mjs", import.meta.url));
  const names = handlers();
  const rounds = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
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
    const own = join(folder, "out/function/scorefn");
    const modules = readdirSync(own).filter((name) => name.endsWith(".mjs"));
    const isLate = (name) => /^(?:late-|fetch-|telemetry-)/.test(name);
    console.log("\n| bundle of adapter and core | minified | gzipped |\n| --- | --- | --- |");
    for (const [what, names] of [
      ["loaded at the start", modules.filter((name) => !isLate(name))],
      ["loaded when it is needed", modules.filter(isLate)],
    ]) {
      const texts = names.map((name) => readFileSync(join(own, name)));
      const sizes = [texts, texts.map((text) => gzipSync(text))].map((list) => Buffer.concat(list).length);
      console.log(`| ${what} | ${sizes.map((size) => `${(size / 1_000).toFixed(1)} kB`).join(" | ")} |`);
    }
    console.log(
      `\n| import and init, of ${IMPORTS} processes | least | p50 | processor, p50 |\n| --- | --- | --- | --- |`,
    );
    for (const node of nodes()) {
      const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
      const [empty, whole] = importTimes(node, [join(folder, "empty.mjs"), join(folder, "out/function/index.mjs")]);
      const line = (name, figures) =>
        console.log(`| ${version}, ${name} | ${figures.map((ms) => `${ms.toFixed(1)} ms`).join(" | ")} |`);
      line("function", whole);
      line("empty module", empty);
      line(
        "above an empty module",
        whole.map((ms, index) => ms - empty[index]),
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** This Node, and the newer ones that the tests have installed. */
function nodes() {
  const others = [22, 24].map((major) => join(root, `test/.envs/node${major}/node_modules/node/bin/node`));
  return [process.execPath, ...others.filter((file) => existsSync(file))];
}

/** Milliseconds that `import()` takes in fresh processes, which take turns: the least, p50, and p50 of the processor's time,
 *  which other work on the machine changes little. */
function importTimes(node, files) {
  const probe = join(tmpdir(), "scorefn-bench-import.mjs");
  writeFileSync(
    probe,
    "const cpu = process.cpuUsage(), from = performance.now();\nawait import(process.argv[2]);\n" +
      "const ms = performance.now() - from, { user, system } = process.cpuUsage(cpu);\n" +
      "process.stderr.write(JSON.stringify([ms, (user + system) / 1_000]));\n",
  );
  const taken = files.map(() => []);
  for (let round = 0; round < IMPORTS; round++) {
    for (const [index, file] of files.entries()) {
      taken[index].push(JSON.parse(String(spawnSync(node, [probe, pathToFileURL(file).href]).stderr)));
    }
  }
  return taken.map((rounds) => {
    const sorted = (index) => rounds.map((round) => round[index]).sort((a, b) => a - b);
    const [wall, processor] = [sorted(0), sorted(1)];
    return [wall[0], wall[IMPORTS >> 1], processor[IMPORTS >> 1]];
  });
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
