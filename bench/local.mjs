// The servers side by side, on this machine, one after the other, in several rounds.
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { environment } from "../test/setup/environments.mjs";
import { load, postScript, requireWrk } from "./load.mjs";
import { memoryOf, post, startServer, timeGet } from "./server.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);

const root = fileURLToPath(new URL("..", import.meta.url));
const script = (name) => `${root}bench/scripts/${name}`;
const scorefn =
  (entry, ...more) =>
  (port) =>
    [
      process.execPath,
      `${root}dist/adapters/cli/scorefn.js`,
      "serve",
      "--entry_script",
      script(entry),
      "--port",
      port,
      ...more,
    ].map(String);

const TINY = JSON.stringify({
  data: [Array.from({ length: 10 }, (_, n) => n + 1), Array.from({ length: 10 }, (_, n) => 10 - n)],
});
/** As an image arrives: base64 in JSON. Numbers instead would measure the script's parser. */
const LARGE = JSON.stringify({ data: [randomBytes(786_000).toString("base64")] });

/** Runs the comparison and prints its tables. */
export async function benchLocal() {
  requireWrk();
  const reference = environment("azmlinfsrv");
  const servers = {
    "bare node:http": (port) => [process.execPath, script("bare.mjs"), String(port)],
    "TypeScript, in process": scorefn("count.ts", "--script_host", "in-process"),
    "TypeScript, isolated": scorefn("count.ts"),
    "score.py": scorefn("count.py"),
  };
  if (reference.unavailable === undefined) {
    servers["azmlinfsrv 1.5.1"] = (port) => [
      join(dirname(reference.python), "azmlinfsrv"),
      "--entry_script",
      script("count.py"),
      "--port",
      String(port),
    ];
  } else console.log(`azmlinfsrv is left out: ${reference.unavailable}`);

  const results = new Map(Object.keys(servers).map((name) => [name, []]));
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [name, command] of Object.entries(servers)) {
      process.stderr.write(`round ${round} of ${ROUNDS}: ${name}\n`);
      results.get(name).push(await measure(command));
    }
  }
  printTables(results);
  if (reference.unavailable === undefined) await printKinds(reference.python);
  await printBehaviour();
}

async function measure(command) {
  const server = await startServer(command, TINY);
  const row = { "first answer, ms": server.firstAnswerMs, "memory then, MB": memoryOf(server.pid) / 1e6 };
  try {
    for (const [size, body] of [
      ["tiny", TINY],
      ["1 MB", LARGE],
    ]) {
      const file = postScript(size.replace(" ", ""), body);
      for (const connections of [1, 8, 32]) {
        const { perSecond, p50, p99, failed } = await load(`${server.url}/score`, {
          connections,
          seconds: SECONDS,
          script: file,
        });
        if (failed > 0) throw new Error(`${failed} requests failed`);
        Object.assign(row, {
          [`${size}, ${connections}: req/s`]: perSecond,
          [`${size}, ${connections}: p50 ms`]: p50,
          [`${size}, ${connections}: p99 ms`]: p99,
        });
      }
      if (size === "tiny") row["memory after this, MB"] = memoryOf(server.pid) / 1e6;
    }
  } finally {
    await server.stop();
  }
  return row;
}

function printTables(results) {
  const names = [...results.keys()];
  const median = (name, figure) => {
    const values = results
      .get(name)
      .map((row) => row[figure])
      .sort((a, b) => a - b);
    return values[Math.floor(values.length / 2)];
  };
  const figures = Object.keys(results.get(names[0])[0]);
  console.log(`\nMedian of ${ROUNDS} rounds, ${SECONDS} s each; rows "size, connections: figure".\n`);
  console.log(`| | ${names.join(" | ")} |\n|${" --- |".repeat(names.length + 1)}`);
  for (const figure of figures) {
    console.log(`| ${figure} | ${names.map((name) => round(median(name, figure))).join(" | ")} |`);
  }
  console.log("\n| ratio | value |\n| --- | --- |");
  const ratio = (label, a, b, figure) =>
    console.log(`| ${label} | ${(median(a, figure) / median(b, figure)).toFixed(2)} |`);
  const bare = "bare node:http";
  const reference = "azmlinfsrv 1.5.1";
  ratio("in process / bare, req/s at 32", "TypeScript, in process", bare, "tiny, 32: req/s");
  ratio("isolated / bare, req/s at 32", "TypeScript, isolated", bare, "tiny, 32: req/s");
  if (!results.has(reference)) return;
  for (const figure of [
    "tiny, 32: req/s",
    "tiny, 8: req/s",
    "tiny, 1: req/s",
    "1 MB, 1: req/s",
    "1 MB, 8: req/s",
    "1 MB, 32: req/s",
    "tiny, 32: p99 ms",
    "first answer, ms",
    "memory then, MB",
    "memory after this, MB",
  ]) {
    ratio(`score.py / azmlinfsrv, ${figure}`, "score.py", reference, figure);
  }
}

/** Scripts whose input is declared, and scripts that take the request itself, in the same environment on both servers. */
async function printKinds(python) {
  const kinds = { plain: "count.py", declared: "declared.py", raw: "raw.py" };
  const azmlinfsrv = (entry) => (port) =>
    [join(dirname(python), "azmlinfsrv"), "--entry_script", script(entry), "--port", String(port)].map(String);
  console.log(`\n| kind of script, tiny body, median of ${ROUNDS} | score.py | azmlinfsrv 1.5.1 | ratio |`);
  console.log("| --- | --- | --- | --- |");
  for (const [kind, entry] of Object.entries(kinds)) {
    for (const connections of [1, 32]) {
      const [ours, theirs] = [[], []];
      for (let round = 1; round <= ROUNDS; round++) {
        process.stderr.write(`${kind}, ${connections}: round ${round} of ${ROUNDS}\n`);
        ours.push(await throughput(scorefn(entry, "--python", python), connections));
        theirs.push(await throughput(azmlinfsrv(entry), connections));
      }
      const [a, b] = [ours, theirs].map((all) => all.sort((x, y) => x - y)[all.length >> 1]);
      console.log(`| ${kind}, ${connections}: req/s | ${round(a)} | ${round(b)} | ${(a / b).toFixed(2)} |`);
    }
  }
}

/** Requests a second. */
async function throughput(command, connections) {
  const server = await startServer(command, TINY);
  try {
    const file = postScript("tiny", TINY);
    const { perSecond, failed } = await load(`${server.url}/score`, { connections, seconds: SECONDS, script: file });
    if (failed > 0) throw new Error(`${failed} requests failed`);
    return perSecond;
  } finally {
    await server.stop();
  }
}

/** What the tables above do not show: liveness under load, big bodies, more workers. */
async function printBehaviour() {
  console.log("\n| behaviour | measured |\n| --- | --- |");

  const busy = await startServer(scorefn("burn.py", "--worker_count", "2"), '{"ms": 1}');
  const scoring = load(`${busy.url}/score`, {
    connections: 8,
    seconds: 5,
    script: postScript("burn200", '{"ms": 200}'),
  });
  const times = [];
  const endAt = performance.now() + 4_000;
  while (performance.now() < endAt) times.push(await timeGet(busy.url));
  await scoring;
  await busy.stop();
  times.sort((a, b) => a - b);
  console.log(
    `| liveness while both workers score, p99 of ${times.length} | ${round(times[Math.floor(times.length * 0.99)])} ms |`,
  );

  const big = await startServer(scorefn("length.py"), "{}");
  const megabytes = 50;
  const before = memoryOf(big.pid);
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, memoryOf(big.pid));
  }, 10);
  await post(`${big.url}/score`, "x".repeat(megabytes * 1e6));
  clearInterval(watch);
  await big.stop();
  console.log(
    `| memory added by a ${megabytes} MB body, times its size | ${((peak - before) / (megabytes * 1e6)).toFixed(2)} |`,
  );

  const perSecond = {};
  for (const workers of [1, 2]) {
    const server = await startServer(scorefn("burn.py", "--worker_count", String(workers)), '{"ms": 1}');
    const file = postScript("burn20", '{"ms": 20}');
    perSecond[workers] = (
      await load(`${server.url}/score`, { connections: 8, seconds: SECONDS, script: file })
    ).perSecond;
    await server.stop();
  }
  console.log(
    `| 20 ms of CPU per request: 1 worker, 2 workers | ${round(perSecond[1])} and ${round(perSecond[2])} req/s (${(perSecond[2] / perSecond[1]).toFixed(2)}) |`,
  );
}

function round(value) {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}
