// What /metrics tells after a known traffic, from the real command.
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { FAMILIES } from "../../../src/metrics/families.ts";
import { type Scrape, scrape, sendRaw } from "../../setup/scrape.ts";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import {
  createGate,
  DEADLINE_MS,
  type Language,
  SCRIPTS,
  scriptFile,
  temporaryFolder,
  until,
} from "../../setup/service.ts";

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");
const OPEN_METRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
/** While something is waited for that takes tenths of a second. */
const SCRAPE_EVERY_MS = 50;
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";

async function start(script: string, env: NodeJS.ProcessEnv = {}): Promise<RunningServer> {
  const port = await freePort();
  const server = startServer({
    command: process.execPath,
    args: [COMMAND, "serve", join(SCRIPTS, script), "--host", "127.0.0.1", "--port", String(port)],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, SCOREFN_METRICS: "/metrics", ...env },
    port,
  });
  await server.waitReady();
  return server;
}

async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<number> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const answer = await fetch(`${url}/score`, { method: "POST", body, headers, signal });
  await answer.arrayBuffer();
  return answer.status;
}

async function gate() {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  return createGate(folder, "gate");
}

/** Scrapes until it holds: a worker's end is noticed a little after the answer that it cost. */
async function scrapeUntil(url: string, holds: (found: Scrape) => boolean, what: string): Promise<Scrape> {
  let found = await scrape(url);
  await until(
    async () => {
      found = await scrape(url);
      return holds(found);
    },
    what,
    SCRAPE_EVERY_MS,
  );
  return found;
}

const requests = (found: Scrape, status: number, error_type?: string): number | undefined =>
  found.value("http_server_request_duration_seconds_count", {
    http_route: "/score",
    http_request_method: "POST",
    http_response_status_code: String(status),
    ...(error_type !== undefined && { error_type }),
  });
const runs = (found: Scrape, outcome: string): number | undefined =>
  found.value("scorefn_run_duration_seconds_count", { outcome });

describe.each<Language>(["python", "typescript"])("a known traffic to %s", (language) => {
  test("gives every family its figures, which outlive workers", async () => {
    const { url, stop } = await start(scriptFile("does_as_told", language), { SCOREFN_MAX_QUEUE: "1" });

    for (let count = 0; count < 3; count++) expect(await post(url, "ok")).toBe(200);
    expect(await post(url, "raise")).toBe(500);
    expect(await post(url, Uint8Array.of(0xff))).toBe(400);
    let found = await scrape(url);
    expect(requests(found, 200)).toBe(3);
    expect(requests(found, 500, "ERR_SCRIPT_RUN")).toBe(1);
    expect(requests(found, 400, "ERR_BAD_INPUT")).toBe(1);
    expect(runs(found, "ok")).toBe(3);
    expect(runs(found, "error")).toBe(1);
    expect(runs(found, "bad_input")).toBe(1);
    expect(found.value("scorefn_queue_seconds_count")).toBe(5);
    const score = { http_route: "/score" };
    expect(found.value("http_server_request_body_size_bytes_sum", score)).toBe(2 * 3 + "raise".length + 1);
    expect(found.value("http_server_response_body_size_bytes_bucket", { ...score, le: "100" })).toBeGreaterThan(2);
    expect(found.value("scorefn_workers")).toBe(1);
    expect(found.value("scorefn_workers", { state: "idle" })).toBe(1);
    expect(found.value("scorefn_worker_starts_total")).toBe(1);
    expect(found.value("scorefn_worker_start_seconds_count")).toBe(1);
    expect(found.value("scorefn_worker_restarts_total", { reason: "ERR_WORKER_EXIT" })).toBe(0);
    expect(found.value("scorefn_ready")).toBe(1);
    const runtime = language === "python" ? "python" : "node";
    expect(found.value("scorefn_info", { runtime, script: scriptFile("does_as_told", language) })).toBe(1);
    expect(found.value("scorefn_metrics_age_seconds")).toBeLessThan(1);
    expect(found.value("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(found.value("process_resident_memory_bytes")).toBeGreaterThan(1e7);
    expect(found.value("nodejs_eventloop_lag_max_seconds")).toBeGreaterThanOrEqual(0);
    expect(Math.abs(found.value("process_start_time_seconds")! - Date.now() / 1_000)).toBeLessThan(2 * DEADLINE_MS);
    if (process.platform === "linux") expect(found.value("scorefn_workers_resident_memory_bytes")).toBeGreaterThan(1e6);

    // One runs, one waits, one is too many.
    const running = await gate();
    const first = post(url, `wait ${running.path}`);
    await running.begun();
    const second = post(url, "second");
    found = await scrapeUntil(url, (now) => now.value("scorefn_queue_length") === 1, "one waits");
    expect(found.value("scorefn_queue_bytes")).toBe("second".length);
    expect(found.value("scorefn_workers", { state: "busy" })).toBe(1);
    // The two, and the one that asks.
    expect(found.value("http_server_active_requests")).toBe(3);
    expect(await post(url, "third")).toBe(503);
    await running.open();
    expect(await Promise.all([first, second])).toEqual([200, 200]);

    expect(await post(url, "die")).toBe(500);
    found = await scrapeUntil(url, (now) => now.value("scorefn_worker_start_seconds_count") === 2, "another worker");
    expect(requests(found, 503, "ERR_OVERLOAD")).toBe(1);
    expect(requests(found, 500, "ERR_WORKER_EXIT")).toBe(1);
    expect(found.value("scorefn_worker_restarts_total", { reason: "ERR_WORKER_EXIT" })).toBe(1);
    expect(found.value("scorefn_worker_starts_total")).toBe(2);
    expect(runs(found, "worker_exit")).toBe(1);
    expect(await post(url, "ok")).toBe(200);
    found = await scrape(url);
    expect(requests(found, 200)).toBe(6);
    expect(runs(found, "ok")).toBe(6);
    // All that has a histogram or a counter was seen: no request was counted twice or lost.
    expect(found.value("http_server_request_duration_seconds_count", score)).toBe(10);
    expect(found.value("scorefn_queue_seconds_count")).toBe(9);
    expect(found.value("http_server_active_requests")).toBe(1);
    for (const [name, { type }] of Object.entries(FAMILIES)) {
      expect(found.text).toContain(`# TYPE ${name} ${type}\n`);
      expect(found.value(type === "histogram" ? `${name}_count` : name), name).toBeDefined();
    }
    expect(await stop()).toBe(0);
  });

  test("counts a run() that is stopped at its deadline as a timeout, and one whose client leaves as interrupted", async () => {
    const { url, stop } = await start(scriptFile("does_as_told", language), { SCORING_TIMEOUT_MS: "1500" });
    expect(await post(url, `wait ${(await gate()).path}`)).toBe(500);
    let found = await scrapeUntil(url, (now) => (runs(now, "timeout") ?? 0) > 0, "the run has ended");
    expect(requests(found, 500, "ERR_SCORE_TIMEOUT")).toBe(1);
    expect(found.value("scorefn_run_duration_seconds_sum", { outcome: "timeout" })).toBeGreaterThanOrEqual(1.4);

    const left = await gate();
    const client = new AbortController();
    const answer = fetch(`${url}/score`, { method: "POST", body: `wait ${left.path}`, signal: client.signal });
    await left.begun();
    client.abort();
    await expect(answer).rejects.toThrow();
    found = await scrapeUntil(url, (now) => (runs(now, "interrupted") ?? 0) > 0, "the run is given up");
    expect(requests(found, 499, "ERR_CLIENT_GONE")).toBe(1);
    expect(found.value("http_server_active_requests")).toBe(1);
    expect(await stop()).toBe(0);
  });
});

test("a script in the server's own process is measured, too", async () => {
  const { url, stop } = await start("does_as_told.ts", { SCOREFN_SCRIPT_HOST: "in-process" });
  expect(await post(url, "ok")).toBe(200);
  expect(await post(url, "raise")).toBe(500);
  const found = await scrape(url);
  expect(runs(found, "ok")).toBe(1);
  expect(runs(found, "error")).toBe(1);
  expect(found.value("scorefn_queue_seconds_count")).toBe(2);
  expect(found.value("scorefn_workers", { state: "idle" })).toBe(1);
  expect(await stop()).toBe(0);
});

test("a streamed answer counts when it has ended, with all its bytes", async () => {
  const { url, stop } = await start("streams.ts");
  const running = await gate();
  const answer = await fetch(`${url}/score`, { method: "POST", body: `waits ${running.path}` });
  expect(answer.status).toBe(200);
  let found = await scrape(url);
  expect(requests(found, 200)).toBeUndefined();
  expect(found.value("http_server_active_requests")).toBe(2);
  await running.open();
  expect((await answer.text()).length).toBe("firstsecond".length);
  found = await scrapeUntil(url, (now) => requests(now, 200) === 1, "the stream has ended");
  expect(found.value("http_server_response_body_size_bytes_sum", { http_route: "/score" })).toBe("firstsecond".length);
  expect(found.value("http_server_active_requests")).toBe(1);
  expect(runs(found, "ok")).toBe(1);

  const client = new AbortController();
  const endless = await fetch(`${url}/score`, { method: "POST", body: "endless", signal: client.signal });
  await endless.body!.getReader().read();
  client.abort();
  found = await scrapeUntil(url, (now) => now.value("http_server_active_requests") === 1, "the stream is given up");
  expect(requests(found, 200)).toBe(2);
  await scrapeUntil(url, (now) => runs(now, "interrupted") === 1, "the run is interrupted");
  expect(await stop()).toBe(0);
});

test("nothing that a client or script makes up becomes a label", async () => {
  const { url, stop } = await start("recipe.ts");
  const hostile = '/a"} 1\nhttp_server_active_requests 99';
  for (const path of ["/nope", `/${encodeURIComponent(hostile)}`, "/%ff", "/x/../score", '/q"uote\\']) {
    expect(await sendRaw(url, { method: "GET", path })).toBe(404);
  }
  expect(await sendRaw(url, { method: "PROPFIND", path: "/score" })).toBe(405);
  expect(await sendRaw(url, { method: "GET", path: "/", headers: { traceparent: hostile.replaceAll("\n", "") } })).toBe(
    200,
  );
  const recipe = { status: 799, headers: [["x-ms-error-code", "ERR_OVERLOAD"]], body: "", pieces: 0 };
  expect(await post(url, "", { "x-recipe": JSON.stringify(recipe) })).toBe(799);
  const found = await scrape(url);
  const unrouted = found.samples.filter(
    ({ name, labels }) => name === "http_server_request_duration_seconds_count" && labels.http_route === undefined,
  );
  expect(unrouted.map(({ labels, value }) => ({ ...labels, value }))).toEqual([
    { http_request_method: "GET", http_response_status_code: "404", error_type: "ERR_NOT_FOUND", value: 5 },
  ]);
  expect(found.value("http_server_request_duration_seconds_count", { http_request_method: "_OTHER" })).toBe(1);
  const odd = found.samples.filter(({ labels }) => labels.http_response_status_code === "_OTHER");
  expect(new Set(odd.map(({ labels }) => labels.error_type))).toEqual(new Set([undefined]));
  // Only labels: a figure may have any digits.
  const labels = JSON.stringify(found.samples.map((sample) => sample.labels));
  expect(labels).not.toMatch(/nope|799/);
  expect(await stop()).toBe(0);
});

test("OpenMetrics has exemplars with the trace of a request, the older text has none", async () => {
  const { url, stop } = await start("echo.ts");
  const parent = (traceId: string, flags = "01") => ({ traceparent: `00-${traceId}-00f067aa0ba902b7-${flags}` });
  await post(url, "{}", parent(TRACE_ID));
  await post(url, "{}", parent("a".repeat(32), "00"));
  await post(url, "{}", parent("0".repeat(32)));
  await post(url, "{}", parent("b".repeat(31)));
  const open = await scrape(url, OPEN_METRICS);
  expect(open.contentType).toContain("application/openmetrics-text; version=1.0.0");
  expect(open.text).toMatch(/# EOF\n$/);
  const seen = open.samples.flatMap(({ name, exemplar }) => (exemplar === undefined ? [] : [{ name, exemplar }]));
  expect(seen).toEqual([{ name: "http_server_request_duration_seconds_bucket", exemplar: `trace_id="${TRACE_ID}"` }]);
  expect(open.text).toContain("# TYPE scorefn_worker_starts counter\nscorefn_worker_starts_total 1\n");
  const plain = await scrape(url, "text/plain");
  expect(plain.text).not.toContain(TRACE_ID);
  expect(await stop()).toBe(0);
});

test("Accept chooses the text; what it does not know gets the older one", async () => {
  const { url, stop } = await start("echo.ts");
  const older = [
    "",
    "*/*",
    "image/png",
    "text/html;q=x,,;;=",
    "application/openmetrics-text;q=0",
    `${"a,".repeat(4_000)}b`,
  ];
  for (const accept of [...older, "application/openmetrics-text;q=0.3,text/plain"]) {
    expect((await scrape(url, accept)).contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  }
  for (const accept of [
    OPEN_METRICS,
    "Application/OpenMetrics-Text",
    "text/plain;q=0.2 , application/openmetrics-text ;q=0.2",
  ]) {
    expect((await scrape(url, accept)).contentType).toContain("application/openmetrics-text");
  }
  const head = await fetch(`${url}/metrics`, { method: "HEAD" });
  expect(head.status).toBe(200);
  expect(head.headers.get("content-type")).toContain("text/plain");
  expect(await head.text()).toBe("");
  const posted = await fetch(`${url}/metrics`, { method: "POST", body: "{}" });
  expect(posted.status).toBe(405);
  expect(posted.headers.get("allow")).toBe("GET, OPTIONS, HEAD");
  expect(await stop()).toBe(0);
});

test("without a setting there are none, and none of it is loaded", async () => {
  const { url, stop } = await start("echo.ts", { SCOREFN_METRICS: "" });
  expect((await fetch(`${url}/metrics`)).status).toBe(404);
  expect(await stop()).toBe(0);
});

test.each(["/score", "/ready", "/"])("--metrics %s is refused", async (path) => {
  const server = startServer({
    command: process.execPath,
    args: [COMMAND, "serve", join(SCRIPTS, "echo.ts"), "--metrics", path],
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
    port: await freePort(),
  });
  expect(await server.waitExit()).toBe(1);
  expect(server.stderr()).toContain("--metrics must");
});

describe("a separate health port", () => {
  async function startApart(script: string, env: NodeJS.ProcessEnv = {}) {
    const health = await freePort();
    const more = { SEPERATE_HEALTH_ENDPOINT: "true", SCOREFN_HEALTH_PORT: String(health), SCOREFN_METRICS: "", ...env };
    return { server: await start(script, more), health: `http://127.0.0.1:${health}` };
  }

  test("has the metrics, also while the server's event loop is blocked, and the score port has none", async () => {
    const { server, health } = await startApart("blocks_until_file.ts", { SCOREFN_SCRIPT_HOST: "in-process" });
    const open = await gate();
    await open.open();
    for (let count = 0; count < 3; count++) expect(await post(server.url, open.path)).toBe(200);
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
    await scrapeUntil(health, (now) => requests(now, 200) === 3 && runs(now, "ok") === 3, "three requests");

    const running = await gate();
    const answer = post(server.url, running.path);
    await running.begun();
    const found = await scrapeUntil(health, (now) => now.value("scorefn_metrics_age_seconds")! > 0.5, "it is blocked");
    expect(requests(found, 200)).toBe(3);
    expect(found.value("scorefn_ready")).toBe(1);
    await running.open();
    expect(await answer).toBe(200);
    await scrapeUntil(health, (now) => requests(now, 200) === 4, "four requests");
    expect(await server.stop()).toBe(0);
  });

  test("can do without", async () => {
    const { server, health } = await startApart("echo.ts", { SCOREFN_METRICS: "off" });
    expect((await fetch(`${health}/metrics`)).status).toBe(404);
    expect(await server.stop()).toBe(0);
  });

  test("refuses connections when the server has stopped", async () => {
    const { server, health } = await startApart("echo.ts");
    expect((await scrape(health)).value("scorefn_ready")).toBeDefined();
    expect(await server.stop()).toBe(0);
    await expect(fetch(`${health}/metrics`)).rejects.toThrow();
  });
});
