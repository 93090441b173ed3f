// Models without a script beside what else serves them: a small classifier, a regression that MLflow saved, and a picture.
// Environments of the others are made once, below test/.envs, with uv: MLServer's takes 950 MB, MLflow's about as much.
// npm run bench -- models --smoke: only what needs none of them, one short round.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { command } from "../test/setup/command.mjs";
import { environment, prepareEnvironments } from "../test/setup/environments.mjs";
import { makePythonEnvironment, pythonOf } from "../test/setup/python-environment.mjs";
import { load, postScript, requireWrk } from "./load.mjs";
import { printModels } from "./models-report.mjs";
import { freePort, memoryOf, startServer } from "./server.mjs";

const IS_SMOKE = process.argv.includes("--smoke");
const ROUNDS = IS_SMOKE ? 1 : Number(process.env.BENCH_ROUNDS ?? 5);
const SECONDS = IS_SMOKE ? 1 : Number(process.env.BENCH_SECONDS ?? 2);
/** Starts of each server; the last one stays. */
const STARTS = IS_SMOKE ? 1 : Number(process.env.BENCH_STARTS ?? 3);
const CONNECTIONS = [1, 32];
/** What a load of pictures takes longer: some servers answer few of them a second. */
const PICTURE_TIMES = 3;
/** MLflow takes its time on a machine that does other things. */
const START_DEADLINE_MS = 180_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const apps = fileURLToPath(new URL("./models", import.meta.url));
const SCOREFN = `${root}dist/adapters/cli/scorefn.js`;
/** Where onnxruntime-node is. */
const ENGINE = join(root, "examples", "onnx", "/");
const ENVIRONMENTS = join(root, "test", ".envs");

const FLOWER = [5.1, 3.5, 1.4, 0.2];
const PATIENT = [0.0381, 0.0507, 0.0617, 0.0219, -0.0442, -0.0348, -0.0434, -0.0026, 0.0199, -0.0176];
const COLUMNS = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"];
const PICTURE = Float32Array.from({ length: 3 * 224 * 224 }, (_, index) => ((index * 7919) % 256) / 255);

/** Runs the comparison and prints its tables. */
export async function benchModels() {
  requireWrk();
  const folder = mkdtempSync(join(tmpdir(), "scorefn-bench-models-"));
  const running = [];
  try {
    const servers = await candidates(folder);
    for (const server of servers) await start(server, running);
    for (let round = 1; round <= ROUNDS; round++) {
      for (const connections of CONNECTIONS) {
        // Those that are compared follow one another, whatever the machine does meanwhile.
        for (const group of ["flower", "patient", "picture"]) {
          for (const server of servers.filter(({ url }) => url !== undefined)) {
            for (const way of server.ways.filter((each) => each.group === group)) {
              process.stderr.write(`round ${round} of ${ROUNDS}, ${connections}: ${server.name}, ${way.name}\n`);
              const script = postScript(`${server.name}-${way.name}`.replaceAll(/\W+/g, "-"), way.body, way.headers);
              const seconds = group === "picture" ? PICTURE_TIMES * SECONDS : SECONDS;
              const result = await load(`${server.url}${way.path}`, { connections, seconds, script });
              way.results[connections].push(result);
            }
          }
        }
      }
    }
    for (const server of servers) if (server.pid !== undefined) server.memory = memoryOf(server.pid) / 1e6;
    console.log(`${cpus().length} cores, load ${loadavg()[0].toFixed(1)}; ${ROUNDS} rounds of ${SECONDS} s, medians\n`);
    printModels(servers, CONNECTIONS);
  } finally {
    for (const server of running) await server.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function start(server, running) {
  const [{ path, body, headers }] = server.ways;
  server.starts = [];
  try {
    for (let count = 1; count <= STARTS; count++) {
      process.stderr.write(`start ${count} of ${STARTS}: ${server.name}\n`);
      const command = server.command === undefined ? await server.commandFor() : server.command;
      const started = await startServer(command, body, {
        ...{ env: server.env, cwd: server.cwd, path, headers },
        deadlineMs: START_DEADLINE_MS,
      });
      server.starts.push(started.firstAnswerMs);
      if (count < STARTS) await started.stop();
      else {
        running.push(started);
        Object.assign(server, { url: started.url, pid: started.pid });
      }
    }
  } catch (error) {
    if (IS_SMOKE) throw error;
    console.log(`${server.name} is left out: ${error.message}`);
  }
}

async function candidates(folder) {
  await prepareEnvironments({ names: ["models", "onnx"] });
  const models = environment("models");
  if ("unavailable" in models) throw new Error(models.unavailable);
  await make(models.python, "onnx", folder);
  const ours = ownServers(folder);
  if (IS_SMOKE) return ours;
  return [...ours, ...(await mlflowServers(folder)), ...(await mlserver(folder)), ...(await litserve(folder))];
}

function make(python, kind, folder) {
  return command(python, [join(apps, "make.py"), kind, folder]);
}

function scorefn(model, ...more) {
  return (port) => [process.execPath, SCOREFN, "serve", ...model, "--port", String(port), ...more];
}

function ownServers(folder) {
  const iris = join(folder, "iris.onnx");
  const picture = join(folder, "picture.onnx");
  const flower = tensor("flowers", "FP32", [1, 4], FLOWER);
  const image = tensor("picture", "FP32", [1, 3, 224, 224], PICTURE);
  const byHand = (name, model, group, body) => ({
    name,
    command: scorefn(["--entry_script", join(root, "bench/scripts/hand-written.ts")]),
    env: { BENCH_ENGINE: ENGINE, BENCH_MODEL: model },
    ways: [way(group, "by hand, JSON", "/score", body)],
  });
  return [
    {
      name: "scorefn, iris.onnx",
      command: scorefn(["--model", iris]),
      cwd: ENGINE,
      ways: [
        way("flower", "/v2, JSON", "/v2/models/iris/infer", inJson(flower)),
        way("flower", "/v2, binary", "/v2/models/iris/infer", ...inBinary(flower, FLOWER)),
        way("flower", "/score", "/score", JSON.stringify({ input_data: [FLOWER] })),
      ],
    },
    byHand("script by hand, iris.onnx", iris, "flower", inJson(flower)),
    {
      name: "scorefn, picture.onnx",
      command: scorefn(["--model", picture]),
      cwd: ENGINE,
      ways: [
        way("picture", "/v2, JSON", "/v2/models/picture/infer", inJson(image)),
        way("picture", "/v2, binary", "/v2/models/picture/infer", ...inBinary(image, PICTURE)),
      ],
    },
    byHand("script by hand, picture.onnx", picture, "picture", inJson(image)),
  ];
}

/** Both in one environment, with the same model. */
async function mlflowServers(folder) {
  const python = await environmentOf("mlflow");
  await make(python, "mlflow", folder);
  const model = join(folder, "diabetes");
  const split = JSON.stringify({ dataframe_split: { columns: COLUMNS, data: [PATIENT] } });
  return [
    {
      name: "scorefn, MLflow folder",
      command: scorefn(["--model", model], "--python", python),
      ways: [
        way("patient", "/invocations", "/invocations", split),
        way("patient", "/v2, JSON", "/v2/models/diabetes/infer", patientTensors()),
        way("patient", "/score", "/score", JSON.stringify({ input_data: { columns: COLUMNS, data: [PATIENT] } })),
      ],
    },
    {
      name: "mlflow models serve",
      command: (port) => [
        join(dirname(python), "mlflow"),
        ...["models", "serve", "--env-manager", "local", "--model-uri", model, "--port", String(port)],
      ],
      env: { PATH: `${dirname(python)}:${process.env.PATH}`, MLFLOW_DISABLE_TELEMETRY: "true" },
      ways: [way("patient", "/invocations", "/invocations", split)],
    },
  ];
}

/** Its models are made by its own packages, which are older ones. */
async function mlserver(folder) {
  const python = await environmentOf("mlserver");
  const place = join(folder, "mlserver");
  for (const name of ["iris", "patient"]) mkdirSync(join(place, name), { recursive: true });
  await make(python, "sklearn", place);
  await make(python, "mlflow", place);
  const settings = (name, implementation, uri) =>
    writeFileSync(
      join(place, name, "model-settings.json"),
      JSON.stringify({ name, implementation, parameters: { uri: join(place, uri) } }),
    );
  settings("iris", "mlserver_sklearn.SKLearnModel", "iris.joblib");
  settings("patient", "mlserver_mlflow.MLflowRuntime", "diabetes");
  return [
    {
      name: "MLServer 1.7.1",
      commandFor: async () => {
        const [grpc, metrics] = [await freePort(), await freePort()];
        return (port) => {
          const ports = { host: "127.0.0.1", http_port: port, grpc_port: grpc, metrics_port: metrics };
          writeFileSync(join(place, "settings.json"), JSON.stringify({ ...ports, debug: false }));
          return [join(dirname(python), "mlserver"), "start", place];
        };
      },
      env: { PATH: `${dirname(python)}:${process.env.PATH}` },
      ways: [
        way("flower", "/v2, JSON", "/v2/models/iris/infer", inJson(tensor("flowers", "FP32", [1, 4], FLOWER))),
        way("patient", "/v2, JSON", "/v2/models/patient/infer", patientTensors()),
      ],
    },
  ];
}

async function litserve(folder) {
  const python = await environmentOf("litserve");
  await make(python, "sklearn", folder);
  return [
    {
      name: "LitServe 0.2.19",
      command: (port) => [python, join(apps, "litserve_app.py"), join(folder, "iris.joblib"), String(port)],
      ways: [way("flower", "/score", "/score", JSON.stringify({ input_data: [FLOWER] }))],
    },
  ];
}

/** An interpreter with what a list names; what has been made stays as long as the list does. */
async function environmentOf(name) {
  const directory = join(ENVIRONMENTS, `bench-${name}`);
  const python = pythonOf(directory);
  const list = join(apps, `${name}.requirements.txt`);
  const wanted = readFileSync(list, "utf8");
  const finished = join(directory, "finished");
  if (existsSync(finished) && readFileSync(finished, "utf8") === wanted) return python;
  const say = (text) => process.stderr.write(`environment ${name}: ${text}\n`);
  await makePythonEnvironment({ directory, lists: [list], state: ENVIRONMENTS, say });
  writeFileSync(finished, wanted);
  return python;
}

function way(group, name, path, body, headers = {}) {
  return { group, name, path, body, headers, results: Object.fromEntries(CONNECTIONS.map((count) => [count, []])) };
}

function tensor(name, datatype, shape, data) {
  return { name, shape, datatype, data: Array.from(data) };
}

function inJson(input) {
  return JSON.stringify({ inputs: [input] });
}

function patientTensors() {
  return JSON.stringify({ inputs: COLUMNS.map((name, index) => tensor(name, "FP64", [1, 1], [PATIENT[index]])) });
}

/** As tritonclient sends it. @returns body and headers */
function inBinary({ data: _, ...input }, data) {
  const part = Buffer.from(Float32Array.from(data).buffer);
  const inputs = [{ ...input, parameters: { binary_data_size: part.length } }];
  const head = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  const type = { "Content-Type": "application/octet-stream" };
  return [Buffer.concat([head, part]), { ...type, "Inference-Header-Content-Length": String(head.length) }];
}
