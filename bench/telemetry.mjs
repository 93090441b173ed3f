// What it costs to be watched: the same server with and without, side by side, loaded in turns, so that a machine that is
// busy with something else is so for both. CPU time per request says more there than requests per second.
//   BENCH_KINDS="JSON logs,metrics" BENCH_SCRIPTS=score.py  only these
//   BENCH_BEFORE=folder                                     also compares with another build, both without telemetry
import { spawn } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { load, postScript, requireWrk } from "./load.mjs";
import { exactCpuOf, residentOf, startServer } from "./server.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 15);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 1);
const CONNECTIONS = 32;
/** Starts of each kind, for their median. */
const STARTS = 5;

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
  const log = spawn("sh", ["-c", "exec cat > /dev/null"], { stdio: ["pipe", "ignore", "ignore"] });
  // As containers have it: a pipe with a reader.
  const stdout = log.stdin;
  try {
    console.log(`${ROUNDS} rounds of ${SECONDS} s each, ${CONNECTIONS} connections; medians.`);
    console.log("Share: median of the rounds' own shares, with the middle half of them.\n");
    console.log(
      "| on | script | off, req/s | on, req/s | share | at least | server's CPU, us per request, off and on | share by CPU | more memory, MB | first answer, ms, off and on | load of the machine |",
    );
    console.log(`|${" --- |".repeat(11)}`);
    const kinds = kindsOf(sink.url);
    if (process.env.BENCH_BEFORE) kinds["nothing, after and before"] = { before: process.env.BENCH_BEFORE };
    for (const [kind, how] of Object.entries(kinds).filter(isWanted("BENCH_KINDS"))) {
      for (const [name, script] of Object.entries(SCRIPTS).filter(isWanted("BENCH_SCRIPTS"))) {
        await compare(kind, name, script, how, stdout);
      }
    }
  } finally {
    sink.process.kill();
    log.kill();
  }
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
  const startOff = () => startServer(scorefn(script, [], before), TINY, { stdout });
  const startOn = () => startServer(scorefn(script, flags), TINY, { env, stdout });
  const firstAnswers = { off: [], on: [] };
  for (let start = 0; start < STARTS; start++) {
    for (const [which, begin] of [
      ["off", startOff],
      ["on", startOn],
    ]) {
      const server = await begin();
      firstAnswers[which].push(server.firstAnswerMs);
      await server.stop();
    }
  }
  const off = await startOff();
  const on = await startOn();
  const rounds = [];
  const busy = loadavg()[0];
  try {
    // The first round warms both up.
    for (let round = 0; round <= ROUNDS; round++) {
      process.stderr.write(`${kind}, ${name}: round ${round} of ${ROUNDS}\n`);
      const order = round % 2 === 0 ? [off, on] : [on, off];
      const measured = new Map();
      for (const server of order) measured.set(server, await measure(server));
      if (round > 0) rounds.push({ off: measured.get(off), on: measured.get(on) });
      // As a scrape would be there.
      await fetch(`${on.url}/metrics`).then((answer) => answer.text());
    }
    const shares = rounds.map((round) => round.on.perSecond / round.off.perSecond);
    const cpuShares = rounds.map((round) => round.off.cpu / round.on.cpu);
    const of = (which, figure, digits) => median(rounds.map((round) => round[which][figure])).toFixed(digits);
    const first = (which) => Math.round(median(firstAnswers[which]));
    const middle = (values) =>
      `${median(values).toFixed(3)} (${quantile(values, 0.25).toFixed(3)} to ${quantile(values, 0.75).toFixed(3)})`;
    const cells = [
      kind,
      name,
      of("off", "perSecond", 0),
      of("on", "perSecond", 0),
      middle(shares),
      atLeast,
      `${of("off", "cpu", 1)} and ${of("on", "cpu", 1)}`,
      middle(cpuShares),
      ((residentOf(on.pid) - residentOf(off.pid)) / 1e6).toFixed(1),
      `${first("off")} and ${first("on")}`,
      busy.toFixed(1),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  } finally {
    await Promise.all([off.stop(), on.stop()]);
  }
}

/** Requests per second, and CPU time of the server process per request in microseconds. */
async function measure(server) {
  const before = exactCpuOf(server.pid);
  const { perSecond, failed } = await load(`${server.url}/score`, {
    connections: CONNECTIONS,
    seconds: SECONDS,
    script: postScript("telemetry", TINY),
  });
  if (failed > 0) throw new Error(`${failed} requests failed`);
  return { perSecond, cpu: ((exactCpuOf(server.pid) - before) * 1e6) / (perSecond * SECONDS) };
}

function quantile(values, share) {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)];
}

function median(values) {
  return quantile(values, 0.5);
}
