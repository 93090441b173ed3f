// Starts one server of the comparison and watches it.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const START_DEADLINE_MS = 60_000;
/** A server whose workers do not come up may leave a request without an answer for ever. */
const ANSWER_DEADLINE_MS = 60_000;

/** A free port on the loopback address. */
export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** @param command gets the port, gives the program and its arguments
 *  @param env on top of this process's   @param stdout where its log goes, as `spawn` takes it
 *  @param path where it scores   @param headers of the request, besides its type and length */
export async function startServer(command, body, options = {}) {
  const { env = {}, stdout = "ignore", cwd, path = "/score", headers, deadlineMs = START_DEADLINE_MS } = options;
  const port = await freePort();
  const [file, ...args] = command(port);
  const startedAt = performance.now();
  const child = spawn(file, args, { env: { ...process.env, ...env }, cwd, stdio: ["ignore", stdout, "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr = (stderr + chunk).slice(-4_000);
  });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    const status = await post(`${url}${path}`, body, headers).catch(() => 0);
    if (status === 200) break;
    if (child.exitCode !== null || performance.now() - startedAt > deadlineMs) {
      child.kill("SIGTERM");
      throw new Error(`${file} ${args.join(" ")} does not answer 200 but ${status || "nothing"}:\n${stderr}`);
    }
    await pause(5);
  }
  const firstAnswerMs = performance.now() - startedAt;
  return {
    url,
    pid: child.pid,
    firstAnswerMs,
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      const tree = processTree(child.pid);
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
      // LitServe leaves its own children behind.
      for (const pid of tree.slice(1)) endIfThere(pid);
    },
  };
}

function endIfThere(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended with its parent.
  }
}

/** One request; the status. */
export function post(url, body, more = {}) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...more };
    const sent = request(url, { method: "POST", headers, agent: false, timeout: ANSWER_DEADLINE_MS }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    });
    sent.once("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.once("error", reject).end(body);
  });
}

/** Milliseconds until GET `url` is answered. */
export function timeGet(url) {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    request(url, { agent: false }, (response) => {
      response.resume().once("end", () => resolve(performance.now() - startedAt));
    })
      .once("error", reject)
      .end();
  });
}

/** The process and everything it started. */
function processTree(root) {
  const children = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // It has ended meanwhile.
    }
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Memory of the process and everything it started, in bytes: proportional set size, which counts shared pages once. */
export function memoryOf(root) {
  let kilobytes = 0;
  for (const pid of processTree(root)) {
    try {
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
    } catch {
      // As above.
    }
  }
  return kilobytes * 1024;
}

/** CPU time of one process, in seconds, by the clock ticks of proc(5), of which there are 100 a second. */
export function cpuOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  return (Number(user) + Number(system)) / 100;
}

/** CPU time of all threads of one process, in seconds, to the nanosecond (Linux, which counts it for each thread). */
export function exactCpuOf(pid) {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + threadCpuOf(pid, thread), 0);
}

/** The same of its main thread alone. */
export function mainCpuOf(pid) {
  return threadCpuOf(pid, pid);
}

function threadCpuOf(pid, thread) {
  return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1e9;
}

/** Resident memory of one process, in bytes. */
export function residentOf(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;
}
