// An endpoint as users run it: its commands, its own process in the background, real workers.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { lockHolder } from "../../endpoint/control/state/lock.ts";
import { packageFile } from "../../src/core/package-root.ts";
import { DEADLINE_MS } from "../setup/deadline.ts";
import { sendTo } from "../setup/http-client.ts";

const SCOREFN = packageFile("dist/adapters/cli/scorefn.js");
const SCRIPTS = packageFile("test/fixtures/scripts");
const SECRET = "the-value-that-nobody-is-to-see";
const CLIENTS = 6;

const folder = mkdtempSync(join(tmpdir(), "scorefn-rollout-"));
const env = { ...process.env, SCOREFN_HOME: join(folder, "home"), SCOREFN_SECRET_SERVICE_KEY: SECRET };
const created: string[] = [];

afterAll(async () => {
  for (const name of created) await scorefn("online-endpoint", "delete", "-n", name, "--yes").catch(() => {});
  rmSync(folder, { recursive: true, force: true });
});

async function scorefn(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [SCOREFN, ...args], { env, cwd: folder });
  return stdout.trim();
}

interface Caller {
  readonly port: number;
  readonly key: string;
  call(body: string, deployment?: string): Promise<{ status: number; body: string; deployment: string | undefined }>;
}

async function createEndpoint(name: string, ...more: string[]): Promise<Caller> {
  created.push(name);
  const flags = ["--no-environments", "--query", "scoring_uri", "-o", "tsv", ...more];
  const uri = new URL(await scorefn("online-endpoint", "create", "-n", name, ...flags));
  return caller(name, Number(uri.port));
}

async function caller(name: string, port: number): Promise<Caller> {
  const key = await scorefn("online-endpoint", "get-credentials", "-n", name, "--query", "primaryKey", "-o", "tsv");
  const agent = new Agent({ keepAlive: true });
  return {
    port,
    key,
    async call(body, deployment) {
      const headers: [string, string][] = [["Authorization", `Bearer ${key}`]];
      if (deployment !== undefined) headers.push(["azureml-model-deployment", deployment]);
      const answer = await sendTo(port, agent, { target: "/score", headers, body });
      const by = answer.headers.find(([header]) => header === "azureml-model-deployment")?.[1];
      return { status: answer.status, body: String(answer.body), deployment: by };
    },
  };
}

/** @param more lines of the file */
function deploymentFile(name: string, script: string, more: readonly string[] = []): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.yml`);
  const lines = [
    `name: ${name}`,
    "endpoint_name: any",
    `code_configuration: { code: ${SCRIPTS}, scoring_script: ${script} }`,
    "environment: { image: any }",
    "instance_type: any",
    "instance_count: 1",
    ...more,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

function createDeployment(endpoint: string, name: string, file: string, ...flags: string[]): Promise<string> {
  return scorefn("online-deployment", "create", "-e", endpoint, "-n", name, "-f", file, ...flags);
}

/** The process of an endpoint. */
function frontOf(name: string): number {
  return lockHolder(join(env.SCOREFN_HOME, "endpoints", name))!.pid;
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // The process has ended, or is another user's.
    return "";
  }
}

describe("a rollout while clients ask", () => {
  test("update, mirror, shift and delete lose no request", async () => {
    const { call } = await createEndpoint("rollout");
    const update = (...flags: string[]) => scorefn("online-endpoint", "update", "-n", "rollout", ...flags);
    const room = ["request_settings: { max_concurrent_requests_per_instance: 4, request_timeout_ms: 60000 }"];
    const blue = deploymentFile("blue", "echo.py", room);
    await createDeployment("rollout", "blue", blue, "--all-traffic");

    const seen = new Map<string, number>();
    let isOver = false;
    const client = async (): Promise<void> => {
      while (!isOver) {
        const { status, deployment } = await call('{"a":1}').catch((error: unknown) => ({
          status: String(error),
          deployment: undefined,
        }));
        const what = `${status} ${deployment}`;
        seen.set(what, (seen.get(what) ?? 0) + 1);
      }
    };
    const clients = Promise.all(Array.from({ length: CLIENTS }, client));
    try {
      await scorefn("online-deployment", "update", "-e", "rollout", "-n", "blue", "-f", blue);
      await createDeployment("rollout", "green", deploymentFile("green", "echo.py", room));
      await update("--mirror-traffic", "green=10");
      await update("--mirror-traffic", "green=0");
      await update("--traffic", "blue=90 green=10");
      await update("--traffic", "blue=0 green=100");
      seen.set("moved", 0);
      await scorefn("online-deployment", "delete", "-e", "rollout", "-n", "blue", "--yes");
    } finally {
      isOver = true;
      await clients;
    }
    seen.delete("moved");
    expect([...seen.keys()].sort()).toEqual(["200 blue", "200 green"]);
    expect((await call("{}")).deployment).toBe("green");
    const report = JSON.parse(await scorefn("online-endpoint", "report", "-n", "rollout", "-o", "json"));
    expect(report.mirror.compared).toBeGreaterThan(0);
    expect(report.mirror.different).toBe(0);
  });
});

describe.runIf(process.platform === "linux")("an endpoint whose process is killed", () => {
  test("comes back with the next command: address, keys, traffic, deployments", async () => {
    const { port, key, call } = await createEndpoint("kept");
    await createDeployment("kept", "blue", deploymentFile("blue", "echo.py"), "--all-traffic");
    expect((await call("before")).body).toBe('"before"');
    const front = frontOf("kept");
    const workers = readOr(`/proc/${front}/task/${front}/children`).trim().split(" ").filter(Boolean).map(Number);
    expect(workers.length).toBeGreaterThan(0);
    process.kill(front, "SIGKILL");
    const shown = JSON.parse(await scorefn("online-endpoint", "show", "-n", "kept"));
    expect(shown).toMatchObject({ scoring_uri: `http://127.0.0.1:${port}/score`, traffic: { blue: 100 } });
    const again = await caller("kept", port);
    expect(again.key).toBe(key);
    await expect.poll(async () => (await again.call("after")).body, { timeout: DEADLINE_MS }).toBe('"after"');
    await expect.poll(() => workers.filter((pid) => existsSync(`/proc/${pid}`)), { timeout: DEADLINE_MS }).toEqual([]);
  });
});

describe.runIf(process.platform === "linux")("secrets", () => {
  test("reach the deployment that asks for them, and nobody else", async () => {
    const { call } = await createEndpoint("secrets");
    const asks = [`environment_variables: { API_KEY: "\${{azureml://connections/service/credentials/key}}" }`];
    const shown = await createDeployment("secrets", "blue", deploymentFile("blue", "tells_surroundings.py", asks));
    await createDeployment("secrets", "green", deploymentFile("green", "tells_surroundings.py"));
    const blue = JSON.parse((await call('["API_KEY"]', "blue")).body);
    expect(blue.values).toEqual({ API_KEY: SECRET });
    expect(blue.cwd).toBe(SCRIPTS);
    const green = await call('["API_KEY", "SCOREFN_SECRET_SERVICE_KEY"]', "green");
    expect(JSON.parse(green.body).values).toEqual({ API_KEY: null, SCOREFN_SECRET_SERVICE_KEY: null });
    expect(blue.names.filter((name: string) => name.startsWith("SCOREFN_SECRET"))).toEqual([]);

    const home = join(env.SCOREFN_HOME, "endpoints", "secrets");
    const files = readdirSync(home, { recursive: true, encoding: "utf8" }).map((name) => readOr(join(home, name)));
    const logs = await scorefn("online-deployment", "get-logs", "-e", "secrets", "-n", "blue");
    const show = await scorefn("online-deployment", "show", "-e", "secrets", "-n", "blue");
    for (const text of [shown, show, logs, ...files]) expect(text).not.toContain(SECRET);
    expect(readOr(`/proc/${frontOf("secrets")}/cmdline`)).not.toContain(SECRET);
  });

  test("that nobody gives are named before anything starts", async () => {
    await createEndpoint("unresolved");
    const asks = [`environment_variables: { TOKEN: "\${{azureml://connections/other/credentials/key}}" }`];
    const attempt = createDeployment("unresolved", "blue", deploymentFile("blue", "tells_surroundings.py", asks));
    await expect(attempt).rejects.toThrow(/no value for .*azureml:\/\/connections\/other\/credentials\/key.*TOKEN/);
    expect(JSON.parse(await scorefn("online-deployment", "list", "-e", "unresolved"))).toEqual([]);
  });
});

test("flags let scripts see their clients' keys, and refuse more requests a second (contract GW-11, GW-16)", async () => {
  const { key, call } = await createEndpoint("flagged", "--keep-authorization", "--max-rate", "2");
  await createDeployment("flagged", "blue", deploymentFile("blue", "request_headers.py"), "--all-traffic");
  expect(JSON.parse((await call("")).body)).toMatchObject({ Authorization: `Bearer ${key}` });
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await call("")).status));
  expect(statuses.every((status) => status === 200 || status === 429)).toBe(true);
  expect(statuses).toContain(429);
});

test("metrics tell deployments apart, for whoever has a key", async () => {
  const { port, key, call } = await createEndpoint("measured", "--metrics", "/figures");
  await createDeployment("measured", "blue", deploymentFile("blue", "echo.py"), "--all-traffic");
  await createDeployment("measured", "green", deploymentFile("green", "echo.py"));
  await call("1");
  await call("2", "green");
  await call("3", "green");
  const scrape = (headers: [string, string][]) => sendTo(port, false, { target: "/figures", headers });
  expect((await scrape([])).status).toBe(401);
  const { status, body } = await scrape([["Authorization", `Bearer ${key}`]]);
  expect(status).toBe(200);
  const counts = [...String(body).matchAll(/^http_server_request_duration_seconds_count\{(.*)\} (\d+)$/gm)];
  const byDeployment = counts.map(([, labels, count]) => [/deployment="(\w+)"/.exec(labels!)![1], Number(count)]);
  expect(Object.fromEntries(byDeployment)).toEqual({ blue: 1, green: 2 });
  expect(String(body)).toMatch(/^scorefn_ready\{deployment="green"\} 1$/m);
  // The scrape without a key is one of those that were refused.
  const refusals =
    'scorefn_gateway_requests_total{http_response_status_code="401",reason="key_auth_access_denied"} 1\n';
  expect(String(body)).toContain(refusals);
  expect(String(body)).toMatch(/^scorefn_gateway_request_duration_seconds_count\{deployment="green"\} 2$/m);
  expect(String(body)).toMatch(/^scorefn_instances\{deployment="blue"\} 1$/m);
  // Figures of the process stand there once, not for each deployment.
  expect(String(body).match(/^process_resident_memory_bytes/gm)).toHaveLength(1);
});
