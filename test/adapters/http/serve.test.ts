import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import {
  createGate,
  DEADLINE_MS,
  type Gate,
  SCRIPTS,
  scriptFile,
  temporaryFolder,
  until,
} from "../../setup/service.ts";

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");

async function start(script: string, env: NodeJS.ProcessEnv = {}, ...flags: string[]): Promise<RunningServer> {
  const port = await freePort();
  const args = [COMMAND, "serve", "--entry_script", join(SCRIPTS, script), "--host", "127.0.0.1", ...flags];
  const server = startServer({
    command: process.execPath,
    args: [...args, "--port", String(port)],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    port,
  });
  await server.waitReady();
  return server;
}

async function gate(): Promise<Gate> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  return createGate(folder, "gate");
}

function post(url: string, body: string): Promise<Response> {
  return fetch(`${url}/score`, { method: "POST", body, signal: AbortSignal.timeout(DEADLINE_MS) });
}

/** True when nobody listens any more. A connection of its own: one that is kept may still be there. */
function isRefused(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", () => resolve(true));
  });
}

test.for([
  ["SIGTERM", "python"],
  ["SIGTERM", "typescript"],
  ["SIGINT", "python"],
] as const)(
  "PROC-7, PROC-8: %s lets a running request of %s end, takes no new one, and the exit code is 0",
  async ([signal, language]) => {
    const server = await start(scriptFile("waits_for_file", language));
    const running = await gate();
    const answer = post(server.url, running.path);
    await running.begun();
    process.kill(server.pid, signal);
    await until(() => isRefused(server.url), "the port is closed");
    await running.open();
    expect((await answer).status).toBe(200);
    expect(Number(await (await answer).text())).toBeGreaterThan(0);
    expect(await server.waitExit()).toBe(0);
    expect(server.stdout()).not.toContain(" E [");
  },
);

test("PROC-7: connections that nothing has come through do not hold up the end", async () => {
  const server = await start("echo.py");
  const sockets = Array.from({ length: 20 }, () => connect(Number(new URL(server.url).port), "127.0.0.1"));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  // One answer later the server knows of all of them.
  await fetch(server.url);
  const closed = sockets.map(
    (socket) =>
      new Promise((resolve) =>
        socket
          .on("error", () => {})
          .resume()
          .once("close", resolve),
      ),
  );
  expect(await server.stop()).toBe(0);
  await Promise.all(closed);
});

test("RT-9: with a port of its own for health, both ports serve all routes", async () => {
  const health = await freePort();
  const server = await start("echo.py", { SEPERATE_HEALTH_ENDPOINT: "true" }, "--health_port", String(health));
  for (const url of [server.url, `http://127.0.0.1:${health}`]) {
    expect(await (await fetch(url)).text()).toBe("Healthy");
    expect(await (await post(url, "x")).text()).toBe('"x"');
  }
  expect(await server.stop()).toBe(0);
});
