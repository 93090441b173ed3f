import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, startServer } from "../setup/server.ts";
import { exchange, type WireAnswer } from "./exchange.ts";
import { normaliseHeader, normaliseOutput, normaliseText, type Particulars, withoutLifecycle } from "./normalise.ts";
import type { LabelledRequest, Scenario } from "./scenario.ts";

const SCRIPTS = fileURLToPath(new URL("scripts", import.meta.url));
const READY = /Worker with pid \d+ ready for serving traffic/;

/** A program that understands the command line of azmlinfsrv. */
export interface Peer {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The interpreter of both peers; its folder leads PATH. */
  readonly python: string;
}

/** Something seen, as text. `where` is the stream, `exit code`, or a request's label and a part of its answer. */
export interface Fact {
  readonly where: string;
  readonly what: string;
}

/** Lives through a scenario with one peer. Facts of one place are in the order in which they were seen. */
export async function observe(peer: Peer, scenario: Scenario): Promise<Fact[]> {
  const home = await realpath(await mkdtemp(join(tmpdir(), "differential-")));
  const folder = join(home, "app");
  try {
    await furnish(folder, scenario);
    return await live(peer, scenario, { folder, port: await freePort() });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function live(peer: Peer, scenario: Scenario, particulars: Particulars): Promise<Fact[]> {
  const { folder, port } = particulars;
  const args = scenario.args ?? ["--entry_script", scenario.scripts?.[0] ?? ""];
  const server = startServer({
    command: peer.command,
    args: [...peer.args, ...args, ...(scenario.port === false ? [] : ["--port", String(port)])],
    env: environmentOf(peer, scenario, folder),
    cwd: folder,
    port,
  });
  const answers: Fact[] = [];
  const { requests } = scenario;
  const isUp =
    requests !== undefined &&
    (await server.waitOutput(READY).then(
      () => true,
      () => false,
    ));
  for (const request of isUp ? requests : []) {
    answers.push(...answerFacts(request, await exchange(port, request), particulars));
  }
  const exit = await (isUp ? server.stop() : server.waitExit());
  return [
    ...answers,
    { where: "exit code", what: String(exit) },
    ...normaliseOutput(server.stdout(), particulars).map((what) => ({ where: "stdout", what })),
    ...withoutLifecycle(normaliseOutput(server.stderr(), particulars)).map((what) => ({ where: "stderr", what })),
  ];
}

async function furnish(folder: string, { scripts = [], files = {} }: Scenario): Promise<void> {
  await mkdir(folder);
  for (const script of scripts) await cp(join(SCRIPTS, script), join(folder, script));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

/** Nothing of the surroundings but what a process needs, so that both peers see the same. */
function environmentOf(peer: Peer, scenario: Scenario, folder: string): NodeJS.ProcessEnv {
  return {
    PATH: [dirname(peer.python), process.env.PATH].join(delimiter),
    HOME: dirname(folder),
    LANG: "C.UTF-8",
    COLUMNS: "80",
    PYTHONDONTWRITEBYTECODE: "1",
    // Or every worker the reference forks prints the launcher's banner again.
    PYTHONUNBUFFERED: "1",
    ...peer.env,
    ...Object.fromEntries(
      Object.entries(scenario.env ?? {}).map(([name, value]) => [name, value.replaceAll("<folder>", folder)]),
    ),
  };
}

function answerFacts({ label }: LabelledRequest, answer: WireAnswer | undefined, particulars: Particulars): Fact[] {
  if (answer === undefined) return [{ where: `${label} > status`, what: "hung up without an answer" }];
  const headers = answer.headers.flatMap(([name, value]) => {
    const what = normaliseHeader(name, value, particulars);
    return what === undefined ? [] : [{ where: `${label} > header ${name}`, what }];
  });
  return [
    { where: `${label} > status`, what: String(answer.status) },
    ...headers.sort((one, other) => (one.where < other.where ? -1 : one.where > other.where ? 1 : 0)),
    { where: `${label} > body`, what: normaliseText(answer.body, particulars) },
    ...(answer.complete ? [] : [{ where: `${label} > body`, what: "(cut off)" }]),
  ];
}
