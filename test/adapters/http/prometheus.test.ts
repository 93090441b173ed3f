// The dashboard and the alert rules against a real Prometheus that scrapes a real server.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { packageFile } from "../../../src/core/package-root.ts";
import { FAMILIES, GATEWAY_FAMILIES } from "../../../src/metrics/families.ts";
import { environment } from "../../setup/environments.mjs";
import { scrape } from "../../setup/scrape.ts";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import { DEADLINE_MS, SCRIPTS, type TemporaryFolder, temporaryFolder, until } from "../../setup/service.ts";

const DASHBOARD = JSON.parse(readFileSync(packageFile("docs/grafana-dashboard.json"), "utf8"));
const ALERTS = packageFile("docs/prometheus-alerts.yml");
const RULES: readonly string[] = parse(readFileSync(ALERTS, "utf8")).groups.flatMap(
  ({ rules }: { rules: { expr: string }[] }) => rules.map(({ expr }) => expr),
);
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";

const EXPRESSIONS: readonly string[] = [
  ...DASHBOARD.panels.flatMap(({ targets }: { targets: { expr: string }[] }) => targets.map(({ expr }) => expr)),
  ...DASHBOARD.templating.list.flatMap(({ query }: { query: { query?: string } }) => query.query ?? []),
];

const found = environment("prometheus");
const folder = "unavailable" in found ? "" : found.directory;
const isThere = existsSync(join(folder, "usr/bin/promtool"));

/** What its API answers, as far as it is read here. */
interface Answer {
  readonly result: readonly { readonly value: readonly [number, string] }[];
  readonly groups: readonly { readonly rules: readonly { readonly name: string; readonly health: string }[] }[];
}

/** Names of metrics that stand in a text; names of labels begin otherwise. */
function metricsIn(text: string): string[] {
  return [...new Set(text.match(/\b(?:http_server|scorefn|process|nodejs)_\w+/g))];
}

test("the dashboard and the rules name nothing that is not there, and each family is named in one of them", () => {
  const named = metricsIn([...EXPRESSIONS, readFileSync(ALERTS, "utf8")].join("\n")).map((name) =>
    name.replace(/_(?:bucket|count|sum)$/, ""),
  );
  expect([...new Set(named)].sort()).toEqual(Object.keys(FAMILIES).sort());
  const explained = readFileSync(packageFile("docs/monitoring.md"), "utf8").split("## Six incidents")[0]!;
  expect(metricsIn(explained).sort()).toEqual(Object.keys({ ...FAMILIES, ...GATEWAY_FAMILIES }).sort());
});

describe.skipIf(!isThere && process.env.CI !== "true")("Debian's Prometheus", () => {
  let files: TemporaryFolder;
  let server: RunningServer;
  let prometheus: RunningServer;

  beforeAll(async () => {
    files = await temporaryFolder();
    const [port, own] = [await freePort(), await freePort()];
    const command = packageFile("dist/adapters/cli/scorefn.js");
    const script = join(SCRIPTS, "does_as_told.py");
    server = startServer({
      command: process.execPath,
      args: [command, "serve", script, "--host", "127.0.0.1", "--port", String(port), "--metrics", "/metrics"],
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      port,
    });
    await server.waitReady();
    const config = {
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [ALERTS],
      scrape_configs: [{ job_name: "scorefn", static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
    };
    // JSON is YAML.
    await writeFile(files.file("prometheus.yml"), JSON.stringify(config));
    prometheus = startServer({
      command: join(folder, "usr/bin/prometheus"),
      args: [
        `--config.file=${files.file("prometheus.yml")}`,
        `--storage.tsdb.path=${files.file("data")}`,
        `--web.listen-address=127.0.0.1:${own}`,
        "--enable-feature=exemplar-storage",
      ],
      port: own,
    });
    await prometheus.waitReady("/-/ready");
    for (const body of ["ok", "raise", "die"]) {
      const headers = { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` };
      await (await fetch(`${server.url}/score`, { method: "POST", body, headers })).text();
    }
    await until(async () => (await query("scorefn_worker_starts_total")).includes("2"), "a scrape after the traffic");
  }, DEADLINE_MS);

  afterAll(async () => {
    await Promise.all([server?.stop(), prometheus?.stop()]);
    await files?.remove();
  });

  async function ask(path: string, parameters: Record<string, string>) {
    const answer = await fetch(`${prometheus.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = (await answer.json()) as { status: string; data: never; error?: string };
    expect({ status, error }, JSON.stringify(parameters)).toEqual({ status: "success", error: undefined });
    return data as Answer;
  }

  /** Values of an instant query. */
  async function query(expression: string): Promise<string[]> {
    const { result } = await ask("query", { query: expression });
    return result.map(({ value }) => value[1]);
  }

  async function promtool(args: string[], input = ""): Promise<{ code: number | null; said: string }> {
    const child = spawn(join(folder, "usr/bin/promtool"), args);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
    child.stdin.end(input);
    return { code: await new Promise((resolve) => child.once("close", resolve)), said };
  }

  test("has every metric that dashboard and rules name", async () => {
    for (const name of metricsIn([...EXPRESSIONS, ...RULES].join("\n"))) {
      expect(await ask("series", { "match[]": name }), name).not.toEqual([]);
    }
  });

  test("understands every expression of the dashboard", async () => {
    for (const expression of EXPRESSIONS.filter((text) => !text.startsWith("label_values"))) {
      await query(expression.replaceAll("[$__rate_interval]", "[1m]").replaceAll(/\$(?:job|instance)/g, ".+"));
    }
    expect(await query('sum(scorefn_workers{job=~".+"})')).toEqual(["1"]);
  });

  test("evaluates every rule without fault", async () => {
    const evaluated = async () => {
      const { groups } = await ask("rules", { type: "alert" });
      return groups.flatMap(({ rules }) => rules);
    };
    await until(async () => (await evaluated()).every(({ health }) => health !== "unknown"), "rules");
    const rules = await evaluated();
    expect(rules.length).toBeGreaterThan(5);
    expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
  });

  test("keeps the exemplars", async () => {
    const parameters = {
      query: "http_server_request_duration_seconds_bucket",
      start: String(Date.now() / 1_000 - 3_600),
      end: String(Date.now() / 1_000 + 60),
    };
    let kept = "";
    await until(async () => {
      kept = JSON.stringify(await ask("query_exemplars", parameters));
      return kept.includes(TRACE_ID);
    }, "an exemplar");
    expect(kept).toContain(`"trace_id":"${TRACE_ID}"`);
  });

  test("promtool finds nothing wrong with metrics and rules", async () => {
    const { text } = await scrape(server.url);
    expect(await promtool(["check", "metrics"], text)).toEqual({ code: 0, said: "" });
    const rules = await promtool(["check", "rules", ALERTS]);
    expect(rules.said).toContain("SUCCESS");
    expect(rules.code).toBe(0);
    // It does find what is wrong.
    expect((await promtool(["check", "metrics"], `${text}\nodd_total_ms 1\n`)).code).not.toBe(0);
  });
});
