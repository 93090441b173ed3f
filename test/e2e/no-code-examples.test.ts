// The examples of models that need no script, as their READMEs have one type them.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { DEADLINE_MS } from "../setup/deadline.ts";
import { environment } from "../setup/environments.mjs";
import { freePort, type RunningServer, startServer } from "../setup/server.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const EXAMPLES = join(ROOT, "examples");
const COMMAND = join(ROOT, "dist", "adapters", "cli", "scorefn.js");
/** Where onnxruntime-node is found when it is not beside the model: the READMEs install it there once more. */
const WITH_ENGINE = join(EXAMPLES, "onnx");

const onnx = reasonIn(environment("onnx"));
const models = environment("models");
const python = "python" in models ? models.python : "";

interface Example {
  readonly folder: string;
  readonly args: readonly string[];
  /** Set when it cannot be run here. */
  readonly unavailable: string | undefined;
}

const examples: readonly Example[] = [
  { folder: "onnx-no-code", args: ["model/iris.onnx"], unavailable: onnx },
  {
    folder: "mlflow",
    args: ["model", "--model_name", "diabetes", "--python", python],
    unavailable: reasonIn(models),
  },
  { folder: "triton", args: ["model_repository"], unavailable: onnx ?? reasonIn(models) },
];

beforeAll(() => {
  if (!existsSync(COMMAND)) throw new Error("there is no dist/; run: npm run build");
});

describe.each(examples)("example $folder", (example) => {
  test.skipIf(example.unavailable !== undefined)("answers what its README shows", async () => {
    const readme = await readFile(join(EXAMPLES, example.folder, "README.md"), "utf8");
    const server = await start(example);
    await server.waitReady("/v2/health/ready");

    const shown = [...readme.matchAll(/^\$ curl http:\/\/127\.0\.0\.1:5001(\S+)(.*) -d @(\S+)\n(.*)$/gm)];
    expect(shown.length).toBeGreaterThan(0);
    for (const [, path = "", options = "", file = "", answer = ""] of shown) {
      const body = await readFile(join(EXAMPLES, example.folder, file));
      const type = /'Content-Type: ([^']+)'/.exec(options)?.[1];
      const { status, text } = await post(server, path, body, type);
      expect(status, text).toBe(200);
      expectClose(JSON.parse(text), JSON.parse(answer));
      // Names and blanks, too: digits alone may differ.
      expect(withoutNumbers(text)).toBe(withoutNumbers(answer));
    }

    for (const version of ["2", "3", "3.1"]) {
      expect((await fetch(`${server.url}/swagger.json?version=${version}`)).status).toBe(200);
    }
    expect(await server.stop()).toBe(0);
  });
});

const triton = examples[2]!;
test.skipIf(triton.unavailable !== undefined)("NVIDIA's client prints what the README of triton shows", async () => {
  const readme = await readFile(join(EXAMPLES, "triton", "README.md"), "utf8");
  const shown = /^\$ \.venv\/bin\/python client\.py\n([\s\S]*?)```$/m.exec(readme)?.[1];
  const server = await start(triton);
  await server.waitReady("/v2/health/ready");
  const address = server.url.replace("http://", "");
  const options = { cwd: join(EXAMPLES, "triton"), timeout: DEADLINE_MS };
  const { stdout } = await promisify(execFile)(python, ["client.py", address], options);
  expect(stdout).toBe(shown);
  expect(await server.stop()).toBe(0);
});

const mlflow = examples[1]!;
/** Asks for both rows, one column per input; prints what came back. */
const BINARY_CLIENT = `
import json, sys, numpy as np, tritonclient.http as triton
request = json.load(open("infer-request.json"))
inputs = []
for entry in request["inputs"]:
    made = triton.InferInput(entry["name"], entry["shape"], entry["datatype"])
    made.set_data_from_numpy(np.array(entry["data"]))
    inputs.append(made)
client = triton.InferenceServerClient(sys.argv[1])
print(json.dumps(client.infer("diabetes", inputs).as_numpy("output-0").tolist()))
packed = client.infer("diabetes", inputs, request_compression_algorithm="gzip", response_compression_algorithm="deflate")
print(json.dumps(packed.as_numpy("output-0").tolist()))
`;

test.skipIf(mlflow.unavailable !== undefined)("NVIDIA's client asks an MLflow model in binary (OIP-19)", async () => {
  const server = await start(mlflow);
  await server.waitReady("/v2/health/ready");
  const options = { cwd: join(EXAMPLES, "mlflow"), timeout: DEADLINE_MS };
  const address = server.url.replace("http://", "");
  const { stdout } = await promisify(execFile)(python, ["-c", BINARY_CLIENT, address], options);
  const answers = stdout.trim().split("\n");
  expect(answers).toHaveLength(2);
  for (const answer of answers) expectClose(JSON.parse(answer), [206.11009187980002, 68.02223208820001]);
  expect(await server.stop()).toBe(0);
});

async function start({ args, folder }: Example): Promise<RunningServer> {
  const port = await freePort();
  const [model = "", ...more] = args;
  return startServer({
    command: process.execPath,
    args: [
      COMMAND,
      "serve",
      "--model",
      join(EXAMPLES, folder, model),
      ...more,
      "--port",
      `${port}`,
      "--host",
      "127.0.0.1",
    ],
    cwd: WITH_ENGINE,
    port,
  });
}

/** As curl does it: with its own type of content where none is given, which the Open Inference Protocol does not mind. */
async function post(
  { url }: RunningServer,
  path: string,
  body: Buffer<ArrayBuffer>,
  type = "application/x-www-form-urlencoded",
): Promise<{ status: number; text: string }> {
  const headers = { "content-type": type };
  const answer = await fetch(`${url}${path}`, {
    method: "POST",
    headers,
    body,
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  return { status: answer.status, text: await answer.text() };
}

/** Processors round the last digits in different ways. */
function expectClose(answer: unknown, shown: unknown): void {
  if (typeof shown === "number") {
    expect(answer).toBeCloseTo(shown, 5);
  } else if (typeof shown === "object" && shown !== null) {
    expect(Object.keys(answer as object)).toEqual(Object.keys(shown));
    for (const [name, value] of Object.entries(shown)) expectClose((answer as Record<string, unknown>)[name], value);
  } else expect(answer).toEqual(shown);
}

function withoutNumbers(text: string): string {
  return text.replaceAll(/(?<=[[ ,:])-?\d[\d.e+-]*/g, "#");
}

function reasonIn(found: object): string | undefined {
  return "unavailable" in found ? String(found.unavailable) : undefined;
}
