import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { DEADLINE_MS } from "../setup/deadline.ts";
import { environment } from "../setup/environments.mjs";
import { freePort, type RunningServer, startServer } from "../setup/server.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const EXAMPLES = join(ROOT, "examples");
const COMMAND = join(ROOT, "dist", "adapters", "cli", "scorefn.js");

const sklearn = environment("sklearn");
const onnx = environment("onnx");
const unavailable = { sklearn: reasonIn(sklearn), onnx: reasonIn(onnx) };

interface Example {
  readonly folder: string;
  /** Where the command is typed. */
  readonly cwd: string;
  readonly args: readonly string[];
  /** Set when it cannot be run here. */
  readonly unavailable?: string | undefined;
  /** What the answer has to be, from elsewhere than the example's own script. */
  readonly oracle: (body: string) => Promise<unknown>;
}

const examples: readonly Example[] = [
  {
    folder: "regression",
    cwd: ROOT,
    args: ["--entry_script", "examples/regression/score.py", "--model_dir", "examples/regression/model"],
    unavailable: unavailable.sklearn,
    oracle: predictWithSklearn,
  },
  {
    folder: "sklearn",
    cwd: join(EXAMPLES, "sklearn"),
    args: ["--entry_script", "./onlinescoring/score.py", "--model_dir", "./"],
    unavailable: unavailable.sklearn,
    oracle: predictWithSklearn,
  },
  {
    folder: "onnx",
    cwd: ROOT,
    args: ["--entry_script", "examples/onnx/score.ts", "--model_dir", "examples/onnx/model"],
    unavailable: unavailable.onnx,
    oracle: predictWithOnnx,
  },
  {
    folder: "hello-ts",
    cwd: ROOT,
    args: ["--entry_script", "examples/hello-ts/score.ts"],
    oracle: async (body) => ({ message: `Hello, ${JSON.parse(body).name}!` }),
  },
];

beforeAll(() => {
  if (!existsSync(COMMAND)) throw new Error("there is no dist/; run: npm run build");
});

describe.each(examples)("example $folder", (example) => {
  test.skipIf(example.unavailable !== undefined)(
    `serves what its README promises${example.unavailable ? ` (${example.unavailable})` : ""}`,
    async () => {
      const body = await readFile(join(EXAMPLES, example.folder, "sample-request.json"), "utf8");
      const server = await start(example);
      await server.waitReady();

      const answer = await score(server, body);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("application/json");
      const result = await answer.json();
      expectClose(result, await example.oracle(body));
      expectClose(result, await promiseOf(example));

      await expectPlainRoutes(server);
      expect(await server.stop()).toBe(0);
    },
  );
});

test.skipIf(unavailable.sklearn !== undefined)("regression says what is wrong with its input", async () => {
  const server = await start(examples[0]!);
  await server.waitReady();
  const answer = await score(server, '{"data": [[1, 2, 3]]}');
  expect(answer.status).toBe(500);
  expect(await answer.json()).toMatchObject({
    error: {
      type: "ValueError",
      message: "data[0] has to be a list of 10 numbers: age, sex, bmi, bp, s1, s2, s3, s4, s5, s6",
      location: { file: "examples/regression/score.py", function: "check_row" },
    },
  });
  expect(await server.stop()).toBe(0);
});

async function start({ args, cwd, folder }: Example): Promise<RunningServer> {
  const port = await freePort();
  const python = folder === "sklearn" && "python" in sklearn ? ["--python", sklearn.python] : [];
  return startServer({
    command: process.execPath,
    args: [COMMAND, "serve", ...args, ...python, "--port", String(port), "--host", "127.0.0.1"],
    cwd,
    port,
  });
}

function score(server: RunningServer, body: string): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return fetch(`${server.url}/score`, { method: "POST", headers, body, signal: AbortSignal.timeout(DEADLINE_MS) });
}

/** The answer that the README shows below its curl command. */
async function promiseOf({ folder }: Example): Promise<unknown> {
  const readme = await readFile(join(EXAMPLES, folder, "README.md"), "utf8");
  return JSON.parse(/^\$ curl .*\n(.*)$/m.exec(readme)?.[1] ?? "null");
}

async function expectPlainRoutes(server: RunningServer): Promise<void> {
  const liveness = await fetch(`${server.url}/`);
  expect([liveness.status, await liveness.text()]).toEqual([200, "Healthy"]);
  const versions = { "": "2.0", "?version=2": "2.0", "?version=3": "3.0.3", "?version=3.1": "3.1.0" };
  for (const [query, version] of Object.entries(versions)) {
    const document = (await (await fetch(`${server.url}/swagger.json${query}`)).json()) as Record<string, unknown>;
    expect(document.swagger ?? document.openapi).toBe(version);
  }
}

/** Processors round the last digits in different ways. */
function expectClose(answer: unknown, oracle: unknown): void {
  if (!Array.isArray(oracle)) {
    expect(answer).toEqual(oracle);
    return;
  }
  expect(answer).toHaveLength(oracle.length);
  for (const [index, value] of oracle.entries()) expect((answer as number[])[index]).toBeCloseTo(value, 6);
}

async function predictWithSklearn(body: string): Promise<unknown> {
  if ("unavailable" in sklearn) throw new Error(sklearn.unavailable);
  const program = [
    "import joblib, json, sys",
    "model = joblib.load('model/sklearn_regression_model.pkl')",
    "print(json.dumps(model.predict(json.loads(sys.argv[1])['data']).tolist()))",
  ].join("\n");
  const run = promisify(execFile);
  const { stdout } = await run(sklearn.python, ["-c", program, body], { cwd: join(EXAMPLES, "sklearn") });
  return JSON.parse(stdout);
}

interface OnnxRuntime {
  readonly Tensor: new (type: string, data: Float32Array, dimensions: readonly number[]) => unknown;
  readonly InferenceSession: {
    create(model: string): Promise<{ run(feeds: object): Promise<Record<string, { readonly data: Float32Array }>> }>;
  };
}

async function predictWithOnnx(body: string): Promise<unknown> {
  const runtime: OnnxRuntime = createRequire(join(EXAMPLES, "onnx", "score.ts"))("onnxruntime-node");
  const rows: number[][] = JSON.parse(body).data;
  const session = await runtime.InferenceSession.create(join(EXAMPLES, "onnx", "model", "diabetes.onnx"));
  const input = new runtime.Tensor("float32", Float32Array.from(rows.flat()), [rows.length, 10]);
  const { predictions } = await session.run({ rows: input });
  return Array.from(predictions!.data);
}

function reasonIn(found: object): string | undefined {
  return "unavailable" in found ? String(found.unavailable) : undefined;
}
