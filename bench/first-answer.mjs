// From nothing to a first answer, beside others that serve Python: how long and how much to install, from start to answer, and
// memory then. All with the same tiny model, each in a folder of its own, with empty caches: what is fetched comes over the
// line of this machine. Images are left out, and with them what Cog is usually run in.
import { spawnSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command } from "../test/setup/command.mjs";
import { PYTHON } from "../test/setup/python-environment.mjs";
import { memoryOf, startServer } from "./server.mjs";

/** Starts of each, which take turns; an installation is made once. */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const OTHERS = {
  azmlinfsrv: "azureml-inference-server-http==1.5.1",
  LitServe: "litserve==0.2.19",
  BentoML: "bentoml==1.4.40",
  Cog: "cog==0.23.1",
};

const root = fileURLToPath(new URL("..", import.meta.url));
const apps = fileURLToPath(new URL("./first-answer", import.meta.url));
const ROWS = [
  [1, 2],
  [3, 4],
];
const BODY = JSON.stringify({ data: ROWS });

/** Runs the comparison and prints its table. */
export async function benchFirstAnswer() {
  const folder = mkdtempSync(join(tmpdir(), "scorefn-first-answer-"));
  try {
    const rows = [];
    for (const candidate of await candidates(folder)) {
      process.stderr.write(`installing ${candidate.name}\n`);
      const row = { ...candidate, starts: [], memory: [] };
      try {
        const from = performance.now();
        for (const [file, ...args] of candidate.install) run(file, args, candidate.place);
        row.installS = (performance.now() - from) / 1_000;
        row.bytes = sizeOf(candidate.place) - candidate.before;
        rows.push(row);
      } catch (error) {
        console.log(`${candidate.name} is left out: ${error.message}`);
      }
    }
    for (let round = 1; round <= ROUNDS; round++) {
      for (const row of rows.filter(({ failed }) => failed === undefined)) {
        process.stderr.write(`round ${round} of ${ROUNDS}: ${row.name}\n`);
        await start(row).catch((error) => {
          row.failed = error.message;
          console.log(`${row.name} does not answer: ${row.failed}`);
        });
      }
    }
    print(rows);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function start(row) {
  const server = await startServer(row.start, row.body ?? BODY, { env: row.env, cwd: row.cwd, path: row.path });
  row.starts.push(server.firstAnswerMs);
  row.memory.push(memoryOf(server.pid) / 1e6);
  await server.stop();
}

/** Each with a folder that has what is there before anything is installed: nothing, or an empty environment of Python. */
async function candidates(folder) {
  const packed = join(folder, "packed");
  mkdirSync(packed);
  const [{ filename }] = JSON.parse(
    await command("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", packed], { cwd: root }),
  );
  await command(process.execPath, [join(root, "pip/build.mjs"), packed]);
  const wheel = join(
    packed,
    readdirSync(packed).find((name) => name.startsWith("scorefn-") && name.endsWith(".whl")),
  );
  const place = (name) => {
    const made = join(folder, name.replaceAll(/\W+/g, "-"));
    mkdirSync(made);
    return { name, place: made, before: 0, cwd: apps };
  };
  const serve = (port) => ["serve", "--entry_script", join(apps, "score.py"), "--port", String(port)];
  // From empty caches, which are no part of what is installed.
  const npm = (name) => ["--no-audit", "--no-fund", "--loglevel=error", "--cache", join(folder, "caches", name)];

  const ofNpm = place("scorefn, npm");
  ofNpm.install = [["npm", "install", ...npm("npm"), join(packed, filename)]];
  ofNpm.start = (port) => [join(ofNpm.place, "node_modules/.bin/scorefn"), ...serve(port)];
  const ofClone = place("scorefn, clone");
  ofClone.install = [
    ["git", "clone", "-q", "--depth", "1", `file://${root}`, "."],
    ["npm", "ci", ...npm("clone")],
  ];
  ofClone.start = (port) => [process.execPath, join(ofClone.place, "dist/adapters/cli/scorefn.js"), ...serve(port)];

  const ofPip = async (name, words, start, more = {}) => {
    const made = place(name);
    await command(PYTHON, ["-m", "venv", made.place]);
    const bin = join(made.place, "bin");
    const pip = [join(bin, "python"), "-m", "pip", "install", "-q", "--no-cache-dir", "--disable-pip-version-check"];
    return {
      ...made,
      before: sizeOf(made.place),
      install: [[...pip, ...words]],
      start: (port) => start(bin, String(port)),
      // As after its activation.
      env: { PATH: `${bin}:${process.env.PATH}` },
      ...more,
    };
  };
  return [
    ofNpm,
    await ofPip("scorefn, pip", [wheel], (bin, port) => [join(bin, "scorefn"), ...serve(port)], {
      // Without the Node of this machine.
      env: { PATH: "" },
    }),
    await ofPip("scorefn, pip beside Node", ["--no-deps", wheel], (bin, port) => [
      join(bin, "scorefn"),
      ...serve(port),
    ]),
    ofClone,
    await ofPip("azmlinfsrv", [OTHERS.azmlinfsrv], (bin, port) => [join(bin, "azmlinfsrv"), ...serve(port).slice(1)]),
    await ofPip("LitServe", [OTHERS.LitServe], (bin, port) => [
      join(bin, "python"),
      join(apps, "litserve_app.py"),
      port,
    ]),
    await ofPip(
      "BentoML",
      [OTHERS.BentoML],
      (bin, port) => [join(bin, "bentoml"), ...["serve", "bentoml_app:Model", "--host", "127.0.0.1", "--port", port]],
      { env: { BENTOML_DO_NOT_TRACK: "True", BENTOML_HOME: join(folder, "bentoml") } },
    ),
    await ofPip(
      "Cog, without its image",
      [OTHERS.Cog],
      (bin, port) => [
        "env",
        `PORT=${port}`,
        "COG_PREDICT_TYPE_STUB=predict.py:Predictor",
        join(bin, "python"),
        "-m",
        "cog.server.http",
      ],
      {
        path: "/predictions",
        body: JSON.stringify({ input: { data: JSON.stringify(ROWS) } }),
      },
    ),
  ];
}

function run(file, args, cwd) {
  const { status, stderr, error } = spawnSync(file, args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (status !== 0) throw new Error(`${file} ${args.join(" ")}: ${error?.message ?? stderr.trim().split("\n").at(-1)}`);
}

/** Bytes of all files below a folder, as written in them. */
function sizeOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + lstatSync(join(entry.parentPath, entry.name)).size, 0);
}

function print(rows) {
  const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
  console.log(
    `\nInstalled once, from empty caches over this machine's line; started ${ROUNDS} times in turns, medians. ` +
      `Node ${process.version}.\n\n| | install, s | installed, MB | first answer, ms | memory then, MB |\n| --- | --- | --- | --- | --- |`,
  );
  for (const { name, installS, bytes, starts, memory, failed } of rows) {
    const started =
      failed === undefined ? [median(starts), median(memory)].map((value) => value.toFixed(0)) : ["–", "–"];
    console.log(`| ${[name, installS.toFixed(1), (bytes / 1e6).toFixed(1), ...started].join(" | ")} |`);
  }
}
