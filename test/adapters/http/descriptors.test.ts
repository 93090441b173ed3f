// A server that has used up its descriptors: what it says, and that it recovers.
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { freePort, startServer } from "../../setup/server.ts";
import { SCRIPTS, until } from "../../setup/service.ts";

/** Few enough to be used up by a handful of clients, and enough to start with. */
const DESCRIPTORS = 100;

test.runIf(process.platform !== "win32")("descriptors used up when a worker is to be started", async () => {
  const port = await freePort();
  const program = packageFile("dist/adapters/cli/scorefn.js");
  const serve = `exec "${process.execPath}" "${program}" serve --entry_script dies.py --port ${port}`;
  const server = startServer({
    command: "sh",
    args: ["-c", `ulimit -n ${DESCRIPTORS}; ${serve}`],
    env: { ...process.env, AML_APP_ROOT: SCRIPTS },
    cwd: SCRIPTS,
    port,
  });
  onTestFinished(async () => {
    await server.stop();
  });
  const isReady = /Worker with pid (\d+) ready/;
  await server.waitOutput(isReady);
  const pid = Number(isReady.exec(server.stdout())![1]);

  const clients: Socket[] = [];
  for (let count = 0; count < DESCRIPTORS; count++) clients.push(connect(port, "127.0.0.1").on("error", () => {}));
  onTestFinished(() => {
    for (const client of clients) client.destroy();
  });
  // The server has accepted what it can: as many as it has descriptors for.
  await until(() => clients.every(({ connecting }) => !connecting), "all clients are connected or queued");
  process.kill(pid, "SIGKILL");
  await server.waitOutput(/Cannot start a worker: .*EMFILE; give the server more open files/);
  for (const client of clients) client.destroy();
  await server.waitReady("/ready");
  const answer = await fetch(`${server.url}/score`, { method: "POST", body: "" });
  expect(answer.status).toBe(200);
  expect(server.stdout()).not.toContain("No Python interpreter");
  const ready = [...server.stdout().matchAll(/Worker with pid (\d+) ready/g)].map(([, id]) => Number(id));
  expect(await answer.json()).toBe(ready.at(-1));
  expect(ready).toHaveLength(2);
});
