// `online-endpoint serve`, and commands beside it.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort, type RunningServer, startServer } from "../../../setup/server.ts";
import { deploymentFile, kill, openShell, PROGRAM, type Shell } from "./shell.ts";

function writeFiles(shell: Shell, traffic = "traffic: {blue: 90, green: 10}"): void {
  shell.write("endpoint.yml", `name: one\n${traffic}\n`);
  shell.write("blue.yml", deploymentFile("blue"));
  shell.write("green.yml", deploymentFile("green", { VERSION: "2" }));
}

async function serve(shell: Shell, words: string): Promise<RunningServer> {
  const port = await freePort();
  const args = [PROGRAM[1]!, ..."online-endpoint serve --port".split(" "), String(port), ...words.split(" ")];
  return startServer({ command: PROGRAM[0]!, args, env: shell.env, cwd: shell.folder, port });
}

const READY = /Ctrl\+C stops it/;

test.each(["-f endpoint.yml -f blue.yml -f green.yml", "-f green.yml -f endpoint.yml -f blue.yml"])(
  "serves %s, and other commands work beside it",
  async (words) => {
    const shell = openShell();
    writeFiles(shell);
    shell.write("request.json", "{}");
    const server = await serve(shell, words);
    await server.waitOutput(READY);
    expect(server.stdout()).toContain(`scoring URI: ${server.url}/score`);
    expect(JSON.parse(await shell.ok("online-endpoint show -n one --query traffic"))).toEqual({ blue: 90, green: 10 });
    await shell.ok("online-endpoint invoke -n one -r request.json -d green");
    await shell.ok("online-endpoint update -n one --traffic", "blue=100");
    expect(await shell.ok("online-endpoint report -n one")).toContain("traffic %");
    expect(await shell.ok("online-endpoint open -n one")).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
    const { path } = shell.of("one");
    for (const file of ["state.json", "credentials.json", "endpoint.log"])
      expect(existsSync(join(path, file))).toBe(false);
    expect(await server.stop()).toBe(0);
    expect(existsSync(path)).toBe(false);
    expect((await shell.type("online-endpoint show -n one")).code).toBe(3);
  },
);

test("one deployment without traffic gets all of it, which is said", async () => {
  const shell = openShell();
  writeFiles(shell);
  const server = await serve(shell, "-f blue.yml -n two");
  await server.waitOutput(READY);
  expect(server.stderr()).toContain("the only deployment, blue, gets all of it");
  expect(JSON.parse(await shell.ok("online-endpoint show -n two --query traffic"))).toEqual({ blue: 100 });
  await shell.ok("online-endpoint delete -n two --yes");
  expect(await server.waitExit()).toBe(0);
});

test("one that is killed is in nobody's way", async () => {
  const shell = openShell();
  writeFiles(shell);
  const server = await serve(shell, "-f endpoint.yml -f blue.yml -f green.yml");
  await server.waitOutput(READY);
  await kill(server.pid);
  expect(await shell.ok("online-endpoint list")).toBe("[]\n");
  expect((await shell.type("online-endpoint show -n one")).code).toBe(3);
  await shell.ok("online-endpoint create -n one");
});

test("a name that an endpoint in the background has is refused, and that one stays", async () => {
  const shell = openShell();
  writeFiles(shell);
  await shell.ok("online-endpoint create -n one");
  const running = await serve(shell, "-f endpoint.yml -f blue.yml -f green.yml");
  expect(await running.waitExit()).toBe(1);
  expect(running.stderr()).toMatch(/error: the endpoint one runs already, as process \d+\n$/);
  await kill(shell.pid("one"));
  const stopped = await serve(shell, "-f endpoint.yml -f blue.yml -f green.yml");
  expect(await stopped.waitExit()).toBe(1);
  expect(stopped.stderr()).toMatch(/error: the endpoint one exists/);
  await shell.ok("online-endpoint show -n one");
});

test.each([
  ["two endpoints", "-f endpoint.yml -f other.yml -f blue.yml", /are both endpoints/],
  ["a deployment twice", "-f endpoint.yml -f blue.yml -f blue.yml", /two files describe the deployment blue/],
  ["traffic to what is not there", "-f endpoint.yml -f blue.yml", /traffic names green/],
  ["a sum of 99", "-f bad.yml -f blue.yml", /99/],
  ["a file that is not there", "-f no.yml", /no\.yml cannot be read/],
  ["a deployment that does not come up", "-f endpoint.yml -f blue.yml -f broken.yml", /green does not come up/],
  ["no file", "", /--file is missing/],
])("%s ends it with one line and leaves nothing", async (_what, words, message) => {
  const shell = openShell();
  writeFiles(shell);
  shell.write("other.yml", "name: other\n");
  shell.write("bad.yml", "name: one\ntraffic: {blue: 99}\n");
  shell.write("broken.yml", deploymentFile("green", { FAIL: "start" }));
  const server = await serve(shell, words === "" ? "-n one" : words);
  expect(await server.waitExit()).toBe(1);
  const errors = server
    .stderr()
    .split("\n")
    .filter((line) => line.includes("error:"));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatch(message);
  expect(existsSync(shell.of("one").path)).toBe(false);
});

test("a port in use is one line", async () => {
  const shell = openShell();
  writeFiles(shell);
  const first = await serve(shell, "-f blue.yml -n two");
  await first.waitOutput(READY);
  const args = [
    PROGRAM[1]!,
    ..."online-endpoint serve -f blue.yml -n three --port".split(" "),
    new URL(first.url).port,
  ];
  const second = startServer({ command: PROGRAM[0]!, args, env: shell.env, cwd: shell.folder, port: 0 });
  expect(await second.waitExit()).toBe(1);
  expect(second.stderr()).toMatch(/error: port \d+ is in use/);
});
