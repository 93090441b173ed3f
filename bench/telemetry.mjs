// What it costs to be watched: the same server with and without, side by side, loaded in turns, so that a machine that is
// busy with something else is so for both. Two processes of the same kind differ by a fifth by luck, so there are several fresh
// pairs, and their median counts. CPU time per request says more there than requests per second.
//   BENCH_KINDS="JSON logs;metrics" BENCH_SCRIPTS=score.py  only these
//   BENCH_PAIRS=5 BENCH_ROUNDS=5 BENCH_SECONDS=1            pairs of servers, rounds of each pair, seconds of a round
//   BENCH_BEFORE=folder                                     also compares with another build, both without telemetry
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load, postScript, requireWrk } from "./load.mjs";
import { exactCpuOf, mainCpuOf, residentOf, startServer } from "./server.mjs";

const PAIRS = Number(process.env.BENCH_PAIRS ?? 5);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 1);
const CONNECTIONS = 32;

const root = fileURLToPath(new URL("..", import.meta.url));
const TINY = JSON.stringify({ data: [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]] });

const SCRIPTS = {
  "TypeScript, in process": ["count.ts", "--script_host", "in-process"],
  "TypeScript, isolated": ["count.ts"],
  "score.py": ["count.py"],
};

const KEY = "00000000-0000-0000-0000-000000000000";

/** What is turned on, and the least share of the requests per second that may be left.   @param sink a URL */
const kindsOf = (sink) => ({
  metrics: { flags: ["--metrics", "/metrics"], atLeast: 0.95 },
  "JSON logs": { flags: ["--log_format", "json"], atLeast: 0.9 },
  "traces, 10 %": {
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: sink,
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.1",
    },
    atLeast: 0.9,
  },
  "traces, 100 %": { env: { OTEL_EXPORTER_OTLP_ENDPOINT: sink } },
  "Application Insights, 100 %": {
    env: { APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${KEY};IngestionEndpoint=${sink}` },
    atLeast: 0.8,
  },
});

const scorefn =
  ([entry, ...more], flags = [], from = root) =>
  (port) =>
    [
      process.execPath,
      `${from}/dist/adapters/cli/scorefn.js`,
      "serve",
      `${root}bench/scripts/${entry}`,
      "--port",
      port,
      ...more,
      ...flags,
    ].map(String);

/** Runs the comparison and prints its table. */
export async function benchTelemetry() {
  requireWrk();
  const sink = await startSink();
  const log = openLog();
  try {
    const rounds = `${PAIRS} pairs of fresh servers, ${ROUNDS} rounds of ${SECONDS} s each, ${CONNECTIONS} connections`;
    console.log(`${rounds}; medians.`);
    console.log("Share: median of the pairs' own shares, with the least and the greatest of them.\n");
    console.log(`| ${HEAD.join(" | ")} |`);
    console.log(`|${" --- |".repeat(HEAD.length)}`);
    const kinds = kindsOf(sink.url);
    if (process.env.BENCH_BEFORE) kinds["nothing, after and before"] = { before: process.env.BENCH_BEFORE };
    for (const [kind, how] of Object.entries(kinds).filter(isWanted("BENCH_KINDS"))) {
      for (const [name, script] of Object.entries(SCRIPTS).filter(isWanted("BENCH_SCRIPTS"))) {
        await compare(kind, name, script, how, log.stdout);
      }
    }
  } finally {
    sink.process.kill();
    log.close();
  }
}

const HEAD = [
  "on",
  "script",
  "off, req/s",
  "on, req/s",
  "share",
  "at least",
  "server's CPU, us per request, off and on",
  "share by CPU",
  "of its main thread, off and on",
  "share by that",
  "more memory, MB",
  "first answer, ms, off and on",
  "load of the machine",
];

/** As containers have it: a pipe with a reader. What `spawn` calls one is a socket. */
function openLog() {
  const folder = mkdtempSync(join(tmpdir(), "scorefn-bench-log-"));
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const reader = spawn("sh", ["-c", 'exec cat "$0" > /dev/null', path], { stdio: "ignore" });
  const stdout = openSync(path, "w");
  return {
    stdout,
    close() {
      closeSync(stdout);
      reader.kill();
      rmSync(folder, { recursive: true });
    },
  };
}

function isWanted(variable) {
  const wanted = process.env[variable];
  return ([name]) => wanted === undefined || wanted.split(";").includes(name);
}

async function startSink() {
  const child = spawn(process.execPath, [`${root}bench/sink.mjs`], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = await once(child.stdout, "data");
  return { url: `http://127.0.0.1:${Number(port)}`, process: child };
}

async function compare(kind, name, script, { flags, env, atLeast = "", before }, stdout) {
  const busy = loadavg()[0];
  const pairs = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    process.stderr.write(`${kind}, ${name}: pair ${pair + 1} of ${PAIRS}\n`);
    const begin = {
      off: () => startServer(scorefn(script, [], before), TINY, { stdout }),
      on: () => startServer(scorefn(script, flags), TINY, { env, stdout }),
    };
    pairs.push(await comparePair(begin, pair % 2 === 0 ? ["off", "on"] : ["on", "off"]));
  }
  const of = (which, figure, digits = 1) => median(pairs.map((pair) => pair[which][figure])).toFixed(digits);
  const both = (figure, digits) => `${of("off", figure, digits)} and ${of("on", figure, digits)}`;
  const share = (shareOf) => {
    const shares = pairs.map(({ off, on }) => shareOf(off, on));
    return `${median(shares).toFixed(3)} (${Math.min(...shares).toFixed(3)} to ${Math.max(...shares).toFixed(3)})`;
  };
  const cells = [
    kind,
    name,
    of("off", "perSecond", 0),
    of("on", "perSecond", 0),
    share((off, on) => on.perSecond / off.perSecond),
    atLeast,
    both("cpu"),
    share((off, on) => off.cpu / on.cpu),
    both("mainCpu"),
    share((off, on) => off.mainCpu / on.mainCpu),
    median(pairs.map(({ off, on }) => (on.resident - off.resident) / 1e6)).toFixed(1),
    both("firstAnswerMs", 0),
    busy.toFixed(1),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}

/** Two fresh servers. @returns the medians of their rounds, by their names */
async function comparePair(begin, names) {
  const servers = {};
  const measured = { off: [], on: [] };
  try {
    for (const which of names) servers[which] = await begin[which]();
    // The first round warms both up.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const which of round % 2 === 0 ? names : names.toReversed()) {
        const figures = await measure(servers[which]);
        if (round > 0) measured[which].push(figures);
      }
      // As a scrape would be there.
      await fetch(`${servers.on.url}/metrics`).then((answer) => answer.text());
    }
    const result = {};
    for (const which of names) {
      const of = (figure) => median(measured[which].map((round) => round[figure]));
      const { pid, firstAnswerMs } = servers[which];
      const [perSecond, cpu, mainCpu] = [of("perSecond"), of("cpu"), of("mainCpu")];
      result[which] = { perSecond, cpu, mainCpu, resident: residentOf(pid), firstAnswerMs };
    }
    return result;
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
  }
}

/** Requests per second, and CPU time of the server process and its main thread per request in microseconds. */
async function measure({ url, pid }) {
  const before = { all: exactCpuOf(pid), main: mainCpuOf(pid) };
  const { perSecond, failed } = await load(`${url}/score`, {
    connections: CONNECTIONS,
    seconds: SECONDS,
    script: postScript("telemetry", TINY),
  });
  if (failed > 0) throw new Error(`${failed} requests failed`);
  const perRequest = (seconds) => (seconds * 1e6) / (perSecond * SECONDS);
  return {
    perSecond,
    cpu: perRequest(exactCpuOf(pid) - before.all),
    mainCpu: perRequest(mainCpuOf(pid) - before.main),
  };
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
