// npm run bench -- sound [requests]: quick requests on four workers, one of which is killed every 200 ms, while the front
// pauses for 25 ms now and then. Counts what was lost, swapped or run twice.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEventLog, createLog, createRuntime, resolveConfig } from "../dist/src/host.js";

const SCRIPTS = fileURLToPath(new URL("../test/fixtures/scripts/", import.meta.url));
const REQUESTS = 1_000_000;
const CLIENTS = 128;
const WORKERS = 4;
const KILL_EVERY_MS = 200;
const PAUSE_EVERY_MS = 400;
const PAUSE_MS = 25;
const SLOW_MS = 2_000;

export async function benchSound() {
  const requests = Number(process.argv[3] ?? REQUESTS);
  for (const script of ["notes_each_run.py", "notes_each_run.ts"]) {
    for (const kills of [false, true]) report(script, kills, await run(script, requests, kills));
  }
}

async function run(script, requests, kills) {
  const folder = mkdtempSync(join(tmpdir(), "scorefn-bench-"));
  const notes = join(folder, "notes");
  const { config } = resolveConfig({
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      AML_APP_ROOT: SCRIPTS,
      AZUREML_ENTRY_SCRIPT: script,
      AZUREML_LOG_LEVEL: "CRITICAL",
      WORKER_COUNT: String(WORKERS),
      TEST_NOTES: notes,
    },
  });
  const alive = new Set();
  const log = createLog((text) => {
    for (const [, pid] of text.matchAll(/Worker with pid (\d+) ready/g)) alive.add(Number(pid));
    for (const [, pid] of text.matchAll(/Worker process (\d+) /g)) alive.delete(Number(pid));
  }, "INFO");
  const runtime = createRuntime(config, log, createEventLog(config, log));
  await runtime.start();
  const found = { answered: 0, failed: 0, swapped: 0, slow: 0, otherErrors: new Map(), kills: 0 };
  const ids = Array.from({ length: requests }, () => 0);
  const killer = setInterval(() => {
    const pids = [...alive];
    const pid = pids[Math.floor(Math.random() * pids.length)];
    if (!kills || pid === undefined) return;
    found.kills++;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  }, KILL_EVERY_MS);
  const pauser = setInterval(() => {
    const until = performance.now() + PAUSE_MS;
    while (performance.now() < until);
  }, PAUSE_EVERY_MS);
  const startedAt = performance.now();
  let next = 0;
  const client = async () => {
    while (next < requests) {
      const id = next++;
      const sentAt = performance.now();
      const call = {
        body: Buffer.from(String(id)),
        method: "POST",
        path: "/score",
        query: "",
        headers: {},
        requestId: "",
      };
      try {
        const outcome = await runtime.run(call);
        ids[id] = 1;
        found.answered++;
        if (Buffer.from(outcome.body).toString() !== `"${id}"`) found.swapped++;
      } catch (error) {
        ids[id] = 2;
        if (error.code === "ERR_WORKER_EXIT" && kills) found.failed++;
        else found.otherErrors.set(error.message, (found.otherErrors.get(error.message) ?? 0) + 1);
      }
      if (performance.now() - sentAt > SLOW_MS) found.slow++;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const seconds = (performance.now() - startedAt) / 1000;
  clearInterval(killer);
  clearInterval(pauser);
  await runtime.close(0);
  const runs = new Uint8Array(requests);
  for (const line of readFileSync(notes, "utf8").split("\n")) if (line !== "") runs[Number(line)]++;
  rmSync(folder, { recursive: true });
  return {
    ...found,
    seconds,
    lost: ids.filter((state) => state === 0).length,
    twice: runs.filter((count) => count > 1).length,
    answeredWithoutRun: ids.filter((state, id) => state === 1 && runs[id] !== 1).length,
  };
}

function report(script, kills, found) {
  const { answered, failed, swapped, lost, twice, answeredWithoutRun, slow, seconds, otherErrors } = found;
  console.log(
    `${script}, ${kills ? `${found.kills} kills` : "no kills"}: ${answered} answered, ${failed} died with their worker, ` +
      `lost ${lost}, swapped ${swapped}, run twice ${twice}, answered without a run ${answeredWithoutRun}, ` +
      `other errors ${otherErrors.size}, above ${SLOW_MS / 1000} s ${slow}; ${Math.round((answered + failed) / seconds)} requests/s`,
  );
  for (const [message, count] of otherErrors) console.log(`  ${count} x ${message}`);
}
