// Load generation with wrk: a C program leaves the cores to the servers, which a JavaScript one does not.
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export function requireWrk() {
  if (spawnSync("wrk", ["--version"]).error === undefined) return;
  console.error("bench: wrk is missing; install it with your system's package manager (apt-get install wrk)");
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), "scorefn-bench-"));

/** A file that makes wrk post this body.   @param headers besides the content type */
export function postScript(name, body, headers = {}) {
  const bodyFile = join(folder, `${name}.json`);
  writeFileSync(bodyFile, body);
  const script = join(folder, `${name}.lua`);
  writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n` +
      Object.entries(headers)
        .map(([header, value]) => `wrk.headers["${header}"] = "${value}"\n`)
        .join("") +
      `local file = io.open("${bodyFile}", "rb")\nwrk.body = file:read("*a")\nfile:close()\n`,
  );
  return script;
}

/** @returns requests per second, latencies in milliseconds, and how many requests failed */
export async function load(url, { connections, seconds, script }) {
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "--latency", url];
  if (script !== undefined) args.splice(0, 0, "-s", script);
  const { stdout } = await promisify(execFile)("wrk", args);
  const latency = (percent) => toMs(new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(stdout));
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? "0";
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]),
    p50: latency(50),
    p99: latency(99),
    failed: Number(failed),
  };
}

function toMs([, value, unit]) {
  return Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit];
}
