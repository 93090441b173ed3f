// A local online endpoint against the same script behind plain `scorefn serve`, in one run: what the gateway costs, what a mirror
// costs, where 90/10 lands, a rollout under load, and what ten idle deployments take.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { load, postScript, requireWrk } from "./load.mjs";
import { freePort, residentOf, startServer } from "./server.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 11);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 1);
const CONNECTIONS = 32;
const DRAWS = 100_000;
const ROLLOUT_CLIENTS = 32;
const IDLE_DEPLOYMENTS = 10;

const root = fileURLToPath(new URL("..", import.meta.url));
const SCOREFN = `${root}dist/adapters/cli/scorefn.js`;
const BODY = JSON.stringify({ data: [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]] });

/** Runs all parts and prints their figures. */
export async function benchEndpoint() {
  requireWrk();
  const folder = mkdtempSync(join(tmpdir(), "scorefn-bench-"));
  const home = join(folder, "home");
  mkdirSync(home);
  const run = (...args) => cli(home, args);
  console.log(`${cpus().length} cores, load ${loadavg()[0].toFixed(1)}; ${ROUNDS} rounds of ${SECONDS} s, medians\n`);
  await throughput(folder, run);
  await shares(folder, run);
  await rollout(folder, run);
  await idle(folder);
}

async function cli(home, args) {
  const { stdout } = await promisify(execFile)(process.execPath, [SCOREFN, ...args], {
    env: { ...process.env, SCOREFN_HOME: home },
    maxBuffer: 1 << 26,
  });
  return stdout.trim();
}

/** Writes an endpoint file and a file for each deployment.   @param more lines of each deployment's file */
function files(folder, name, deployments, more = "") {
  writeFileSync(join(folder, `${name}.yml`), `name: ${name}\nauth_mode: key\n`);
  for (const deployment of deployments) {
    writeFileSync(
      join(folder, `${name}-${deployment}.yml`),
      `name: ${deployment}\nendpoint_name: ${name}\n` +
        `code_configuration: { code: ${root}bench/scripts, scoring_script: count.py }\n` +
        `environment: { image: "any", conda_file: { dependencies: [] } }\n` +
        `instance_type: any\ninstance_count: 1\n${more}`,
    );
  }
  return { endpoint: join(folder, `${name}.yml`), of: (deployment) => join(folder, `${name}-${deployment}.yml`) };
}

/** Room for all connections of the load: twice as many requests as workers run or wait. */
const WORKERS = CONNECTIONS / 2;
const WIDE = `request_settings: { max_concurrent_requests_per_instance: ${WORKERS}, request_timeout_ms: 60000 }\n`;

async function create(run, folder, name, deployments, more) {
  const { endpoint, of } = files(folder, name, deployments, more);
  const port = await freePort();
  await run("online-endpoint", "create", "-n", name, "-f", endpoint, "--port", String(port), "--no-environments");
  for (const [index, deployment] of deployments.entries()) {
    await createDeployment(run, name, deployment, of(deployment), index === 0 ? ["--all-traffic"] : []);
  }
  const key = await run("online-endpoint", "get-credentials", "-n", name, "--query", "primaryKey", "-o", "tsv");
  const update = (...flags) => run("online-endpoint", "update", "-n", name, ...flags);
  const remove = () => run("online-endpoint", "delete", "-n", name, "--yes");
  return { url: `http://127.0.0.1:${port}`, headers: { Authorization: `Bearer ${key}` }, of, update, remove };
}

function createDeployment(run, endpoint, name, file, flags) {
  return run("online-deployment", "create", "-e", endpoint, "-n", name, "-f", file, ...flags);
}

async function throughput(folder, run) {
  const plain = await startServer(
    (port) => [
      ...[process.execPath, SCOREFN, "serve", `${root}bench/scripts/count.py`, "--port", String(port)],
      ...["--worker_count", String(WORKERS)],
    ],
    BODY,
  );
  const endpoint = await create(run, folder, "speed", ["blue", "green"], WIDE);
  try {
    const script = postScript("endpoint", BODY, endpoint.headers);
    const sides = { plain: plain.url, endpoint: endpoint.url };
    const one = await rounds(sides, script, 1);
    const many = await rounds(sides, script, CONNECTIONS);
    const extraUs = median(one.endpoint.map(({ perSecond }, i) => 1e6 / perSecond - 1e6 / one.plain[i].perSecond));
    const share = median(many.endpoint.map(({ perSecond }, i) => perSecond / many.plain[i].perSecond));
    console.log("| | plain, req/s | endpoint, req/s | |");
    console.log("| --- | --- | --- | --- |");
    console.log(`| 1 connection | ${rate(one.plain)} | ${rate(one.endpoint)} | ${extraUs.toFixed(0)} us more |`);
    console.log(
      `| ${CONNECTIONS} connections | ${rate(many.plain)} | ${rate(many.endpoint)} | share ${share.toFixed(2)} |`,
    );

    const without = [];
    const mirrored = [];
    for (let round = 0; round < ROUNDS; round++) {
      await endpoint.update("--mirror-traffic", "green=0");
      without.push(await load(`${endpoint.url}/score`, { connections: 8, seconds: SECONDS, script }));
      await endpoint.update("--mirror-traffic", "green=10");
      mirrored.push(await load(`${endpoint.url}/score`, { connections: 8, seconds: SECONDS, script }));
    }
    const p99 = median(mirrored.map((result, i) => result.p99 / without[i].p99));
    const [off, on] = [without, mirrored].map((results) => median(results.map((result) => result.p99)).toFixed(2));
    console.log(
      `| 10 % mirrored, 8 connections: p99 | ${off} ms without | ${on} ms with | ${p99.toFixed(2)} times |\n`,
    );
    const failed = [...one.endpoint, ...many.endpoint, ...mirrored].reduce((sum, result) => sum + result.failed, 0);
    console.log(`Failed requests: ${failed}\n`);
  } finally {
    await endpoint.remove();
    await plain.stop();
  }
}

async function rounds(sides, script, connections) {
  const results = { plain: [], endpoint: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of ["plain", "endpoint"]) {
      results[side].push(await load(`${sides[side]}/score`, { connections, seconds: SECONDS, script }));
    }
  }
  return results;
}

function rate(results) {
  return Math.round(median(results.map(({ perSecond }) => perSecond))).toLocaleString("en");
}

/** Where 90/10 lands. */
async function shares(folder, run) {
  const endpoint = await create(run, folder, "shares", ["blue", "green"], WIDE);
  try {
    await endpoint.update("--traffic", "blue=90 green=10");
    const counts = {};
    await clients(
      endpoint,
      ROLLOUT_CLIENTS,
      (sent) => sent < DRAWS,
      ({ deployment }) => {
        counts[deployment] = (counts[deployment] ?? 0) + 1;
      },
    );
    const sigma = Math.sqrt(DRAWS * 0.9 * 0.1);
    const off = ((counts.green ?? 0) - DRAWS / 10) / sigma;
    console.log(`${DRAWS} requests at 90/10: ${JSON.stringify(counts)}, ${off.toFixed(2)} standard deviations\n`);
  } finally {
    await endpoint.remove();
  }
}

/** Blue to green with update, mirror, shift and delete, while clients ask. */
async function rollout(folder, run) {
  const endpoint = await create(run, folder, "rollout", ["blue"], WIDE);
  const { of, update } = endpoint;
  files(folder, "rollout", ["green"], WIDE);
  let isOver = false;
  const statuses = {};
  const load = clients(
    endpoint,
    ROLLOUT_CLIENTS / 2,
    () => !isOver,
    ({ status }) => {
      statuses[status] = (statuses[status] ?? 0) + 1;
    },
  );
  try {
    await run("online-deployment", "update", "-e", "rollout", "-n", "blue", "-f", of("blue"));
    await createDeployment(run, "rollout", "green", of("green"), []);
    await update("--mirror-traffic", "green=10");
    await update("--mirror-traffic", "green=0");
    await update("--traffic", "blue=90 green=10");
    await update("--traffic", "blue=0 green=100");
    await run("online-deployment", "delete", "-e", "rollout", "-n", "blue", "--yes");
  } finally {
    isOver = true;
    await load;
    await endpoint.remove();
  }
  console.log(`A rollout under ${ROLLOUT_CLIENTS / 2} clients: ${JSON.stringify(statuses)}\n`);
}

/** Sends requests over kept connections, one at a time each. */
async function clients({ url, headers }, count, goesOn, onAnswer) {
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  let sent = 0;
  const client = async () => {
    while (goesOn(sent)) {
      sent++;
      onAnswer(await ask(`${url}/score`, agent, headers));
    }
  };
  await Promise.all(Array.from({ length: count }, client));
  agent.destroy();
}

function ask(url, agent, headers) {
  return new Promise((resolve) => {
    const length = Buffer.byteLength(BODY);
    const all = { ...headers, "content-type": "application/json", "content-length": length };
    request(url, { method: "POST", agent, headers: all }, (response) => {
      const { statusCode: status, headers: answered } = response;
      response.resume().once("end", () => resolve({ status, deployment: answered["azureml-model-deployment"] }));
    })
      .once("error", (error) => resolve({ status: error.code ?? "error" }))
      .end(BODY);
  });
}

/** Memory of the front process with ten deployments that nobody asks. */
async function idle(folder) {
  const names = Array.from({ length: IDLE_DEPLOYMENTS }, (_, index) => `d${index}`);
  const { endpoint, of } = files(folder, "idle", names);
  const port = await freePort();
  const args = ["online-endpoint", "serve", "-f", endpoint, ...names.flatMap((name) => ["-f", of(name)])];
  const child = spawn(process.execPath, [SCOREFN, ...args, "--port", String(port), "--no-environments"], {
    stdio: "ignore",
  });
  try {
    const key = "no key: only the front's memory counts";
    while (
      (await ask(`http://127.0.0.1:${port}/score`, undefined, { Authorization: `Bearer ${key}` })).status !== 401
    ) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await new Promise((resolve) => setTimeout(resolve, IDLE_SETTLE_MS));
    console.log(
      `${IDLE_DEPLOYMENTS} idle deployments: ${(residentOf(child.pid) / 1e6).toFixed(0)} MB in the front process`,
    );
  } finally {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
}

/** After the start, until what it left behind has been collected. */
const IDLE_SETTLE_MS = 15_000;

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
