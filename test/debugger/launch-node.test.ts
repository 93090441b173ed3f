// F5 in VS Code with a TypeScript script: launch.json as `scorefn init` writes it, with the debug adapter that VS Code runs.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { TEST_DEADLINE_MS } from "../setup/deadline.ts";
import { pathWithPrograms } from "../setup/programs.ts";
import { preparedJsDebug } from "../setup/runtimes.ts";
import { freePort, startServer } from "../setup/server.ts";
import { DapClient } from "./dap.ts";
import { type Configuration, lineIn, makeProject, onePatient } from "./project.ts";
import { post } from "./start.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-launch-node-")));
const PATH = pathWithPrograms(root);
afterAll(() => rmSync(root, { recursive: true, force: true }));

let program: string;
beforeAll(async () => {
  program = await preparedJsDebug();
}, TEST_DEADLINE_MS);

interface Adapter {
  readonly port: number;
  /** The session that VS Code opens first; it starts one for each process that is debugged. */
  readonly parent: DapClient;
}

async function startAdapter(): Promise<Adapter> {
  const port = await freePort();
  const adapter = spawn(process.execPath, [program, String(port), "127.0.0.1"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void adapter.kill("SIGKILL"));
  // It says where it listens.
  await once(adapter.stdout, "data");
  const parent = DapClient.connect(port);
  onTestFinished(() => parent.close());
  return { port, parent };
}

const CLIENT = {
  adapterID: "pwa-node",
  clientID: "vscode",
  pathFormat: "path",
  linesStartAt1: true,
  columnsStartAt1: true,
  supportsStartDebuggingRequest: true,
  supportsRunInTerminalRequest: true,
};

/** The name that the type `node` has within VS Code. */
function forAdapter(configuration: Configuration): object {
  return { ...configuration, type: "pwa-node" };
}

/** Sets breakpoints in a session as VS Code does before anything runs. */
async function configure(client: DapClient, path: string, lines: readonly number[]): Promise<void> {
  await client.event("initialized");
  await client.request("setBreakpoints", { source: { path }, breakpoints: lines.map((line) => ({ line })) });
  await client.request("configurationDone");
}

interface Stop {
  readonly client: DapClient;
  readonly threadId: number;
}

interface Followed {
  /** A breakpoint has found its place in a script that runs. */
  readonly bound: Promise<void>;
  readonly stopped: Promise<Stop>;
}

/** Opens a session for every process and thread that the adapter tells of, as VS Code does. */
function follow({ port, parent }: Adapter, path: string, lines: readonly number[]): Followed {
  const { promise: bound, resolve: bind } = withResolvers<void>();
  const { promise: stopped, resolve: stop, reject } = withResolvers<Stop>();
  const sessionsOf = async (from: DapClient): Promise<void> => {
    for (;;) {
      const { request, configuration } = await from.requested("startDebugging");
      const client = DapClient.connect(port);
      onTestFinished(() => client.close());
      sessionsOf(client).catch(reject);
      client.event("breakpoint").then(() => bind(), reject);
      client.event("stopped").then(({ threadId }) => stop({ client, threadId }), reject);
      await client.request("initialize", CLIENT);
      const begun = client.request(request, configuration);
      await configure(client, path, lines);
      await begun;
    }
  };
  sessionsOf(parent).catch(reject);
  return { bound, stopped };
}

/** Promise.withResolvers(), which Node 20 does not have. */
function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((one, other) => {
    resolve = one;
    reject = other;
  });
  return { promise, resolve, reject };
}

async function expectStop({ client, threadId }: Stop, name: string, path: string, line: number): Promise<void> {
  const { stackFrames } = await client.request("stackTrace", { threadId, startFrame: 0, levels: 1 });
  expect(stackFrames[0]).toMatchObject({ line, source: { path } });
  expect(stackFrames[0].name).toContain(name);
}

test("F5 starts the server, stops in init() and in run(), and goes on", async () => {
  const port = await freePort();
  const project = makeProject(root, "typescript");
  // As `npm install` does it.
  mkdirSync(join(project.folder, "node_modules"));
  symlinkSync(packageFile("."), join(project.folder, "node_modules/scorefn"), "junction");
  const path = join(project.folder, "score.ts");
  const [inInit, inRun] = [lineIn(path, "intercept = model"), lineIn(path, "context.logger")];
  const [configuration] = project.configurations;
  const adapter = await startAdapter();
  await adapter.parent.request("initialize", CLIENT);
  const launched = adapter.parent.request(configuration!.request, forAdapter(configuration!));
  await adapter.parent.event("initialized");
  await adapter.parent.request("configurationDone");
  const { stopped } = follow(adapter, path, [inInit, inRun]);

  // VS Code's terminal.
  const { args, env, cwd } = await adapter.parent.requested("runInTerminal");
  const server = startServer({
    command: args[0],
    args: args.slice(1),
    cwd,
    env: { ...process.env, ...env, PATH, SCOREFN_PORT: String(port), SCOREFN_HOST: "127.0.0.1" },
    port,
  });
  onTestFinished(async () => void (await server.stop().catch(() => {})));
  await launched;

  const first = await stopped;
  await expectStop(first, "init", path, inInit);
  await first.client.request("continue", { threadId: first.threadId });
  await server.waitReady();
  const answer = post(server.url, onePatient(project), "application/json");
  const { threadId } = await first.client.event("stopped");
  await expectStop({ client: first.client, threadId }, "run", path, inRun);
  await first.client.request("continue", { threadId });
  expect((await answer).status).toBe(200);
  expect(await server.stop()).toBe(0);
});

test("the second configuration attaches to a server that runs already", async () => {
  const [port, debugPort] = [await freePort(), await freePort()];
  const project = makeProject(root, "attached", {}, { 9229: debugPort }, "typescript");
  const path = join(project.folder, "score.ts");
  const server = startServer({
    command: "sh",
    args: ["-c", `exec scorefn serve "${path}"`],
    env: {
      ...process.env,
      PATH,
      AZUREML_DEBUG_PORT: String(debugPort),
      SCOREFN_PORT: String(port),
      SCOREFN_HOST: "127.0.0.1",
    },
    port,
  });
  onTestFinished(async () => void (await server.stop().catch(() => {})));
  await server.waitReady();
  const configuration = project.configurations[1]!;
  expect(configuration.name).toContain(`AZUREML_DEBUG_PORT=${debugPort}`);
  const adapter = await startAdapter();
  await adapter.parent.request("initialize", CLIENT);
  const attached = adapter.parent.request(configuration.request, forAdapter(configuration));
  await adapter.parent.event("initialized");
  await adapter.parent.request("configurationDone");
  const line = lineIn(path, "context.logger");
  const { bound, stopped } = follow(adapter, path, [line]);
  await attached;
  await bound;
  const answer = post(server.url, onePatient(project), "application/json");
  const stop = await stopped;
  await expectStop(stop, "run", path, line);
  await stop.client.request("continue", { threadId: stop.threadId });
  expect((await answer).status).toBe(200);
});
