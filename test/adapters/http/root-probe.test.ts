// What GET / tells under the two commands, on the score port and on the health port (contract RT-9, RT-20).
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { freePort, startServer } from "../../setup/server.ts";
import { createGate, DEADLINE_MS, SCRIPTS, temporaryFolder, until } from "../../setup/service.ts";

/** Command and what goes before its flags. */
const SCOREFN = ["scorefn.js", "serve"];
const DROP_IN = ["azmlinfsrv.js"];

const LOADING = [503, "application/json", '{"state": "loading"}'];
const HEALTHY = [200, "text/html; charset=utf-8", "Healthy"];

async function ask(url: string): Promise<unknown[]> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) });
  return [answer.status, answer.headers.get("content-type"), await answer.text()];
}

test.each([
  { command: SCOREFN, flags: [], env: {}, loading: HEALTHY },
  { command: DROP_IN, flags: [], env: {}, loading: LOADING },
  { command: SCOREFN, flags: ["--root_probe", "ready"], env: {}, loading: LOADING },
  { command: DROP_IN, flags: [], env: { SCOREFN_ROOT_PROBE: "live" }, loading: HEALTHY },
  { command: DROP_IN, flags: ["--root_probe=live"], env: { SCOREFN_ROOT_PROBE: "ready" }, loading: HEALTHY },
])("$command $flags $env: $loading.0 until init() is done, on both ports", async ({ command, flags, env, loading }) => {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const gate = createGate(folder, "gate");
  const [port, health] = [await freePort(), await freePort()];
  const script = ["--entry_script", join(SCRIPTS, "init_waits_for_file.py")];
  const [file, ...words] = command;
  const server = startServer({
    command: process.execPath,
    args: [
      packageFile(`dist/adapters/cli/${file}`),
      ...[...words, ...script, ...flags, "--port", String(port), "--health_port", String(health)],
    ],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      SCOREFN_HOST: "127.0.0.1",
      SEPERATE_HEALTH_ENDPOINT: "true",
      TEST_GATE: gate.path,
      ...env,
    },
    port,
  });
  const ports = [server.url, `http://127.0.0.1:${health}`];
  for (const url of ports) {
    await until(() => ask(url).then(() => true), `${url} answers`);
    expect(await ask(`${url}/ready`), url).toEqual(LOADING);
    expect(await ask(`${url}/`), url).toEqual(loading);
  }
  await gate.open();
  await server.waitReady();
  for (const url of ports) {
    // What the health port says may be a moment old.
    await until(async () => (await ask(`${url}/ready`))[0] === 200, `${url} is ready`);
    expect(await ask(`${url}/`), url).toEqual(HEALTHY);
  }
  expect(await server.stop()).toBe(0);
});
