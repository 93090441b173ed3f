// Deployments that serve a model as it is, as users run them: commands, an endpoint's process, real workers.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { sendTo } from "../setup/http-client.ts";
import { layOutModels, missingEngine } from "../setup/onnx.ts";

const SCOREFN = packageFile("dist/adapters/cli/scorefn.js");
const CLIENTS = 3;
const VALUES = [1, 2, 3, 4];
const SUM = [2, 4, 6, 8];
const SCORE = JSON.stringify({ input_data: { INPUT0: [VALUES], INPUT1: [VALUES] } });

/** Both inputs as bytes behind the JSON, and all outputs wanted so: what tritonclient sends by default. */
function binaryRequest(): { readonly body: Buffer; readonly jsonBytes: number } {
  const tensor = Buffer.from(Float32Array.from(VALUES).buffer);
  const input = (name: string) => ({
    name,
    shape: [1, VALUES.length],
    datatype: "FP32",
    parameters: { binary_data_size: tensor.length },
  });
  const json = Buffer.from(
    JSON.stringify({ inputs: [input("INPUT0"), input("INPUT1")], parameters: { binary_data_output: true } }),
  );
  return { body: Buffer.concat([json, tensor, tensor]), jsonBytes: json.length };
}

describe.skipIf(missingEngine())("an endpoint whose deployments have no code", () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let port: number;
  let key: string;
  const agent = new Agent({ keepAlive: true });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "scorefn-endpoint-models-"));
    env = { ...process.env, SCOREFN_HOME: join(folder, "home") };
    layOutModels(folder, { "addsub.onnx": "addsub.onnx", "repository/addsub/3/model.onnx": "addsub.onnx" });
    const flags = ["--no-environments", "--query", "scoring_uri", "-o", "tsv"];
    const uri = await scorefn("online-endpoint", "create", "-n", "models", ...flags);
    port = Number(new URL(uri).port);
    key = await scorefn("online-endpoint", "get-credentials", "-n", "models", "--query", "primaryKey", "-o", "tsv");
  });

  afterAll(async () => {
    agent.destroy();
    await scorefn("online-endpoint", "delete", "-n", "models", "--yes").catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  });

  async function scorefn(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [SCOREFN, ...args], { env, cwd: folder });
    return stdout.trim();
  }

  function deploy(command: "create" | "update", name: string, model: string, ...flags: string[]): Promise<string> {
    const file = join(folder, `${name}-${command}.yml`);
    const room = "request_settings: { max_concurrent_requests_per_instance: 2, request_timeout_ms: 60000 }";
    const lines = [`name: ${name}`, "endpoint_name: models", `model: ${model}`, "instance_type: any", room];
    writeFileSync(file, `${lines.join("\n")}\ninstance_count: 1\n`);
    return scorefn("online-deployment", command, "-e", "models", "-n", name, "-f", file, ...flags);
  }

  async function ask(
    method: string,
    target: string,
    body: string | Buffer = "",
    more: [string, string][] = [],
    by = key,
  ) {
    const headers: [string, string][] = [["Authorization", `Bearer ${by}`], ...more];
    const answer = await sendTo(port, agent, { method, target, headers, body });
    const header = (wanted: string) => answer.headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
    return { status: answer.status, header, bytes: Buffer.from(answer.body) };
  }

  const score = () => ask("POST", "/score", SCORE, [["Content-Type", "application/json"]]);

  const json = ({ bytes }: { readonly bytes: Buffer }): unknown => JSON.parse(String(bytes));

  async function inferBinary(more: [string, string][] = []): Promise<{ status: number; sum: number[] }> {
    const { body, jsonBytes } = binaryRequest();
    const length: [string, string] = ["Inference-Header-Content-Length", String(jsonBytes)];
    const answer = await ask("POST", "/v2/models/addsub/infer", body, [length, ...more]);
    const start = Number(answer.header("inference-header-content-length") ?? 0);
    const sum = VALUES.map((_value, index) =>
      answer.status === 200 ? answer.bytes.readFloatLE(start + 4 * index) : 0,
    );
    return { status: answer.status, sum };
  }

  const ONNX = "{ path: addsub.onnx, type: custom_model }";
  const TRITON = "{ path: repository, type: triton_model }";

  test("serves an ONNX file, takes a repository in its place without losing a request, and a second deployment", async () => {
    await deploy("create", "blue", ONNX, "--all-traffic");
    expect(json(await score())).toMatchObject({ OUTPUT0: [SUM] });
    expect(json(await ask("GET", "/v2/models/addsub"))).toMatchObject({ name: "addsub", versions: ["1"] });
    expect(await inferBinary()).toEqual({ status: 200, sum: SUM });

    expect((await ask("GET", "/v2/models/addsub/ready", "", [], "wrong")).status).toBe(401);

    const seen = new Set<string>();
    let isOver = false;
    const client = async (call: () => Promise<string>): Promise<void> => {
      while (!isOver) seen.add(await call().catch(String));
    };
    const clients = Promise.all(
      Array.from({ length: CLIENTS }, (_client, index) =>
        client(
          index % 2 === 0
            ? async () => JSON.stringify(await inferBinary())
            : async () => `score ${(await score()).status}`,
        ),
      ),
    );
    try {
      await deploy("update", "blue", TRITON);
      await deploy("create", "green", ONNX);
    } finally {
      isOver = true;
      await clients;
    }
    expect([...seen].sort()).toEqual(["score 200", JSON.stringify({ status: 200, sum: SUM })].sort());
    expect(json(await ask("GET", "/v2/models/addsub"))).toMatchObject({ versions: ["3"] });
    expect(json(await ask("POST", "/v2/repository/index"))).toEqual([{ name: "addsub", version: "3", state: "READY" }]);
    // The header chooses, as for a script.
    const green: [string, string][] = [["azureml-model-deployment", "green"]];
    expect(json(await ask("GET", "/v2/models/addsub", "", green))).toMatchObject({ versions: ["1"] });
    expect(await inferBinary(green)).toEqual({ status: 200, sum: SUM });
    const shown = JSON.parse(await scorefn("online-deployment", "show", "-e", "models", "-n", "green"));
    expect(shown).toMatchObject({ code_configuration: null, provisioning_state: "Succeeded" });
    expect(shown.environment_variables.SCOREFN_MODEL).toBe(join(folder, "addsub.onnx"));
    await scorefn("online-deployment", "delete", "-e", "models", "-n", "green", "--yes");
    expect((await inferBinary(green)).status).not.toBe(200);
    expect(await inferBinary()).toEqual({ status: 200, sum: SUM });
  });

  test("a model that cannot be loaded leaves the one that serves", async () => {
    layOutModels(folder, { "junk.onnx": "junk.onnx" });
    await expect(deploy("update", "blue", "{ path: junk.onnx, type: custom_model }")).rejects.toThrow(
      /junk\.onnx cannot be loaded: it is no ONNX model/,
    );
    expect(await inferBinary()).toEqual({ status: 200, sum: SUM });
  });
});
