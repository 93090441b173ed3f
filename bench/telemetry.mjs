// What it costs to be watched: the same server with and without, side by side, loaded in turns, so that a machine that is
// busy with something else is so for both.
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { load, postScript, requireWrk } from "./load.mjs";
import { cpuOf, memoryOf, startServer } from "./server.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 15);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 1);
const CONNECTIONS = 32;

const root = fileURLToPath(new URL("..", import.meta.url));
const TINY = JSON.stringify({ data: [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]] });

const SCRIPTS = {
  "TypeScript, in process": ["count.ts", "--script_host", "in-process"],
  "TypeScript, isolated": ["count.ts"],
  "score.py": ["count.py"],
};

/** What is turned on, and the least share of the requests per second that may be left. */
const KINDS = { metrics: { flags: ["--metrics", "/metrics"], atLeast: 0.95 } };

const scorefn =
  ([entry, ...more], flags) =>
  (port) =>
    [
      process.execPath,
      `${root}dist/adapters/cli/scorefn.js`,
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
  console.log(`${ROUNDS} rounds of ${SECONDS} s each, ${CONNECTIONS} connections; medians.`);
  console.log("Share: median of the rounds' own shares, with the middle half of them.\n");
  console.log(
    "| on | script | off, req/s | on, req/s | share | at least | server's CPU, us per request, off and on | more memory, MB | load of the machine |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const [kind, { flags, atLeast }] of Object.entries(KINDS)) {
    for (const [name, script] of Object.entries(SCRIPTS)) await compare(kind, name, script, flags, atLeast);
  }
}

async function compare(kind, name, script, flags, atLeast) {
  const off = await startServer(scorefn(script, []), TINY);
  const on = await startServer(scorefn(script, flags), TINY);
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
    const cpu = (which) => median(rounds.map((round) => round[which].cpu)).toFixed(1);
    const memory = (memoryOf(on.pid) - memoryOf(off.pid)) / 1e6;
    const cells = [
      kind,
      name,
      Math.round(median(rounds.map((round) => round.off.perSecond))),
      Math.round(median(rounds.map((round) => round.on.perSecond))),
      `${median(shares).toFixed(3)} (${quantile(shares, 0.25).toFixed(3)} to ${quantile(shares, 0.75).toFixed(3)})`,
      atLeast,
      `${cpu("off")} and ${cpu("on")}`,
      memory.toFixed(1),
      busy.toFixed(1),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  } finally {
    await Promise.all([off.stop(), on.stop()]);
  }
}

/** Requests per second, and CPU time of the server process per request in microseconds. */
async function measure(server) {
  const before = cpuOf(server.pid);
  const { perSecond, failed } = await load(`${server.url}/score`, {
    connections: CONNECTIONS,
    seconds: SECONDS,
    script: postScript("telemetry", TINY),
  });
  if (failed > 0) throw new Error(`${failed} requests failed`);
  return { perSecond, cpu: ((cpuOf(server.pid) - before) * 1e6) / (perSecond * SECONDS) };
}

function quantile(values, share) {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)];
}

function median(values) {
  return quantile(values, 0.5);
}
