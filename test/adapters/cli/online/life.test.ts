// Endpoints in the background: real processes, killed and started again.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, relative } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { deploymentFile, kill, openShell, PROGRAM, type Shell, until } from "./shell.ts";

async function withBlue(shell: Shell): Promise<void> {
  shell.write("blue.yml", deploymentFile("blue"));
  shell.write("request.json", '{"data": [1]}');
  await shell.ok("online-endpoint create -n one");
  await shell.ok("online-deployment create -e one -n blue -f blue.yml --all-traffic");
}

test("secrets of the command that creates or updates a deployment count, and are not kept", async () => {
  const shell = openShell();
  const value = "a-value-that-nobody-sees";
  shell.write("blue.yml", deploymentFile("blue", { SECRET: "SCOREFN_SECRET_K" }));
  await shell.ok("online-endpoint create -n one");
  expect((await shell.type("online-deployment create -e one -f blue.yml")).stderr).toContain("set SCOREFN_SECRET_K");
  shell.env.SCOREFN_SECRET_K = value;
  const shown = await shell.ok("online-deployment create -e one -f blue.yml");
  const updated = await shell.ok("online-deployment update -e one -n blue --set environment_variables.VERSION=2");
  const logs = await shell.ok("online-deployment get-logs -e one -n blue");
  const files = [shell.of("one").state, shell.of("one").log, shell.of("one").output];
  for (const text of [shown, updated, logs, ...files.map((path) => readFileSync(path, "utf8"))]) {
    expect(text).not.toContain(value);
  }
  // It comes back with those of the command that starts it.
  await kill(shell.pid("one"));
  const state = "online-deployment show -e one -n blue -o tsv --query provisioning_state";
  expect(await shell.ok(state)).toBe("Succeeded\n");
});

test("a relative home is the same one for the process of the endpoint", async () => {
  const shell = openShell();
  shell.env.SCOREFN_HOME = relative(process.cwd(), shell.home);
  await shell.ok("online-endpoint create -n one");
  expect(JSON.parse(await shell.ok("online-endpoint show -n one")).name).toBe("one");
  expect(existsSync(shell.of("one").state)).toBe(true);
});

test("a request waits for no other deployment", async () => {
  const shell = openShell();
  await withBlue(shell);
  shell.write("green.yml", deploymentFile("green", { WAIT: join(shell.folder, "go") }));
  await shell.ok("online-deployment create -e one -f green.yml --no-wait");
  expect(await shell.ok("online-endpoint invoke -n one -r request.json")).toContain("blue");
  expect(await shell.ok("online-endpoint invoke -n one -r request.json -d blue")).toContain("blue");
  shell.write("go", "");
  expect(await shell.ok("online-endpoint invoke -n one -r request.json -d green")).toContain("green");
});

test("Azure's rollout runs with only the program's name changed", async () => {
  const shell = openShell();
  shell.write("endpoint.yml", "name: my-endpoint\nauth_mode: key\n");
  shell.write("blue.yml", deploymentFile("blue"));
  shell.write("green.yml", deploymentFile("green", { VERSION: "2" }));
  shell.write("request.json", '{"data": [1]}');
  const created = JSON.parse(await shell.ok("online-endpoint create --name endpt-7 -f endpoint.yml"));
  expect(created).toMatchObject({ name: "endpt-7", provisioning_state: "Succeeded", traffic: {} });
  await shell.ok("online-deployment create --name blue --endpoint endpt-7 -f blue.yml --all-traffic");
  const answer = await shell.ok("online-endpoint invoke --name endpt-7 --request-file request.json");
  expect(JSON.parse(JSON.parse(answer))).toEqual({ deployment: "blue", version: "1" });
  const scaled = await shell.ok("online-deployment update --name blue --endpoint endpt-7 --set instance_count=2");
  expect(JSON.parse(scaled).instance_count).toBe(2);
  await shell.ok("online-deployment create --name green --endpoint endpt-7 -f green.yml");
  expect(JSON.parse(await shell.ok("online-endpoint show -n endpt-7 --query traffic"))).toEqual({
    blue: 100,
    green: 0,
  });
  const pinned = await shell.ok("online-endpoint invoke --name endpt-7 --deployment green --request-file request.json");
  expect(JSON.parse(JSON.parse(pinned))).toEqual({ deployment: "green", version: "2" });
  const key = (await shell.ok("online-endpoint get-credentials -n endpt-7 -o tsv --query primaryKey")).trim();
  const uri = (await shell.ok("online-endpoint show -n endpt-7 -o tsv --query scoring_uri")).trim();
  const headers = { authorization: `Bearer ${key}`, "azureml-model-deployment": "green" };
  expect((await fetch(uri, { method: "POST", headers, body: "{}" })).status).toBe(200);
  await shell.ok("online-endpoint update --name endpt-7 --mirror-traffic", "green=10");
  await shell.ok("online-endpoint update --name endpt-7 --mirror-traffic", "green=0");
  await shell.ok("online-endpoint update --name endpt-7 --traffic", "blue=90 green=10");
  expect((await shell.type("online-deployment delete --name blue --endpoint endpt-7 --yes")).stderr).toMatch(
    /90 % of the traffic/,
  );
  await shell.ok("online-endpoint update --name endpt-7 --traffic", "blue=0 green=100");
  await shell.ok("online-deployment delete --name blue --endpoint endpt-7 --yes --no-wait");
  const pid = shell.pid("endpt-7");
  await shell.ok("online-endpoint delete --name endpt-7 --yes --no-wait");
  await until(() => !existsSync(shell.of("endpt-7").path));
  await until(() => !isAlive(pid));
  expect((await shell.type("online-endpoint show -n endpt-7")).code).toBe(3);
});

test("an endpoint comes back as it was after a kill, and after a stop", async () => {
  const shell = openShell();
  await withBlue(shell);
  const [shown, keys] = [
    await shell.ok("online-endpoint show -n one"),
    await shell.ok("online-endpoint get-credentials -n one"),
  ];
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    await kill(shell.pid("one"), signal);
    expect(JSON.parse(await shell.ok("online-endpoint list"))).toEqual([JSON.parse(shown)]);
    expect(await shell.ok("online-endpoint show -n one")).toBe(shown);
    expect(await shell.ok("online-endpoint get-credentials -n one")).toBe(keys);
    await shell.ok("online-endpoint invoke -n one -r request.json");
  }
});

test.each(["state.json", "credentials.json"])(
  "a half-written %s does not stop a start, and is told of",
  async (file) => {
    const shell = openShell();
    await withBlue(shell);
    await shell.ok("online-endpoint regenerate-keys -n one");
    await kill(shell.pid("one"));
    const path = join(shell.of("one").path, file);
    writeFileSync(path, readFileSync(path, "utf8").slice(0, 20));
    const { code, stderr, stdout } = await shell.type("online-endpoint show -n one");
    expect([code, stderr]).toEqual([0, expect.stringContaining(`${path} cannot be used`)]);
    expect(JSON.parse(stdout).name).toBe("one");
    expect(existsSync(`${path}.unreadable`)).toBe(true);
    await kill(shell.pid("one"));
    expect((await shell.type("online-endpoint show -n one")).stderr).not.toContain("cannot be used");
  },
);

test("an endpoint of which nothing can be used starts empty", async () => {
  const shell = openShell();
  await withBlue(shell);
  await kill(shell.pid("one"));
  for (const name of readdirSync(shell.of("one").path)) {
    if (/^(state|credentials)/.test(name)) writeFileSync(join(shell.of("one").path, name), "\0\0");
  }
  const { code, stdout, stderr } = await shell.type("online-deployment list -e one");
  expect([code, JSON.parse(stdout)]).toEqual([0, []]);
  expect(stderr).toMatch(/starts empty.*\n.*|new keys/);
});

test("one of many creations of a name wins, and the others say that it exists", async () => {
  const shell = openShell();
  const all = await Promise.all(Array.from({ length: 5 }, () => shell.type("online-endpoint create -n one")));
  expect(all.filter(({ code }) => code === 0)).toHaveLength(1);
  for (const { code, stderr } of all) if (code !== 0) expect(stderr).toMatch(/one (exists|runs already)/);
  await shell.ok("online-endpoint show -n one");
});

test("many commands at once start one process", async () => {
  const shell = openShell();
  await withBlue(shell);
  await kill(shell.pid("one"));
  const all = await Promise.all(
    Array.from({ length: 5 }, () => shell.type("online-endpoint show -n one --query name -o tsv")),
  );
  expect(all.map(({ stdout, code }) => [stdout, code])).toEqual(Array(5).fill(["one\n", 0]));
});

describe("a creation that fails leaves nothing", () => {
  const nothing = (shell: Shell): void => expect(existsSync(shell.of("one").path)).toBe(false);

  test("for a port that is in use", async () => {
    const shell = openShell();
    const { port } = await taken();
    const { code, stderr } = await shell.type(`online-endpoint create -n one --port ${port}`);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `scorefn online-endpoint create: error: port ${port} is in use; stop what listens there, or choose another with --port; for an endpoint that exists: online-endpoint update -n NAME --port N\n`,
    );
    nothing(shell);
  });

  test("for traffic to a deployment that is not there", async () => {
    const shell = openShell();
    shell.write("endpoint.yml", "name: one\ntraffic: {blue: 100}\n");
    const { code, stderr } = await shell.type("online-endpoint create -f endpoint.yml");
    expect([code, stderr]).toEqual([
      1,
      "scorefn online-endpoint create: error: the file gives traffic to blue, and a new endpoint has no deployments yet; leave traffic and mirror_traffic out of the file and create the deployment with --all-traffic, or start all files together with online-endpoint serve\n",
    ]);
    nothing(shell);
  });

  test("for a program that cannot be started, or dies", async () => {
    const shell = openShell();
    shell.env.NODE_OPTIONS = "--require /no/such/file.cjs";
    const { code, stderr } = await shell.type("online-endpoint create -n one");
    expect(code).toBe(1);
    expect(stderr).toMatch(/the process of the endpoint ended: [\s\S]*no\/such\/file/);
    delete shell.env.NODE_OPTIONS;
    await shell.ok("online-endpoint create -n one");
  });

  test("for a program that is not there", async () => {
    const shell = openShell();
    const { code, stderr } = await shell.typeWith(["/no/such/program"], "online-endpoint create -n one");
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/error: the process of the endpoint cannot be started: .*ENOENT\n$/),
    ]);
    await shell.ok("online-endpoint create -n one");
  });

  test.each(["assets", "start"])("of a deployment, at its %s", async (fail) => {
    const shell = openShell();
    await shell.ok("online-endpoint create -n one");
    shell.write("blue.yml", deploymentFile("blue", { FAIL: fail }));
    const { code, stderr } = await shell.type("online-deployment create -e one -f blue.yml --all-traffic");
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: .*blue/);
    expect(await shell.ok("online-deployment list -e one")).toBe("[]\n");
    expect((await shell.type("online-deployment show -e one -n blue")).stderr).toMatch(/its creation failed: /);
  });
});

test("a port that somebody else has taken stops a start with one line, and --port moves the endpoint", async () => {
  const shell = openShell();
  await withBlue(shell);
  const { port } = new URL(await shell.ok("online-endpoint show -n one -o tsv --query scoring_uri"));
  await kill(shell.pid("one"));
  const other = createServer().listen(Number(port), "127.0.0.1");
  onTestFinished(() => void other.close());
  await once(other, "listening");
  const refused = await shell.type("online-endpoint show -n one");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    new RegExp(`^scorefn online-endpoint show: error: port ${port} is in use.*--port.*\n$`),
  );
  const moved = JSON.parse(await shell.ok("online-endpoint update -n one --port 0"));
  expect(moved.scoring_uri).not.toContain(port);
  await shell.ok("online-endpoint invoke -n one -r request.json");
  expect((await shell.type("online-endpoint update -n one --port 0")).stderr).toMatch(
    /one runs; --port and --host count when it is started/,
  );
});

test("what takes long goes on without its command, and a deleted endpoint does not wait for it", async () => {
  const shell = openShell();
  await withBlue(shell);
  const go = join(shell.folder, "go");
  shell.write("green.yml", deploymentFile("green", { WAIT: go }));
  expect(await shell.ok("online-deployment create -e one -n green -f green.yml --no-wait")).toBe("");
  const state = "online-deployment show -e one -n green --query provisioning_state -o tsv";
  expect(await shell.ok(state)).toBe("Creating\n");
  writeFileSync(go, "");
  await until(async () => (await shell.ok(state)) === "Succeeded\n");

  shell.write("red.yml", deploymentFile("red", { WAIT: join(shell.folder, "never") }));
  const command = spawn(PROGRAM[0]!, [PROGRAM[1]!, ..."online-deployment create -e one -n red -f red.yml".split(" ")], {
    cwd: shell.folder,
    env: shell.env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  await once(command.stderr, "data");
  command.kill("SIGKILL");
  await once(command, "close");
  expect(await shell.ok("online-deployment show -e one -n red --query provisioning_state -o tsv")).toBe("Creating\n");
  const again = shell.type("online-deployment create -e one -n red -f red.yml");
  await shell.ok("online-endpoint delete -n one --yes");
  expect((await again).code).toBe(1);
  expect(existsSync(shell.of("one").path)).toBe(false);
});

test("what was being created when the process was killed is not there", async () => {
  const shell = openShell();
  await withBlue(shell);
  shell.write("green.yml", deploymentFile("green", { WAIT: join(shell.folder, "never") }));
  await shell.ok("online-deployment create -e one -n green -f green.yml --no-wait");
  const waiting = shell.type("online-deployment update -e one -n green --set tags.a=1");
  await shell.ok("online-endpoint show -n one");
  await kill(shell.pid("one"));
  expect((await waiting).stderr).toMatch(/the process of the endpoint ended before it answered/);
  expect(JSON.parse(await shell.ok("online-deployment list -e one --query", "[].name"))).toEqual(["blue"]);
});

test("an endpoint that does not run is deleted without being started", async () => {
  const shell = openShell();
  await withBlue(shell);
  await kill(shell.pid("one"));
  await shell.ok("online-endpoint delete -n one --yes");
  expect(existsSync(shell.of("one").path)).toBe(false);
  expect((await shell.type("online-endpoint delete -n one --yes")).code).toBe(3);
});

test("what is kept is readable by its user alone, and holds no key where paths are kept", async () => {
  const shell = openShell();
  await withBlue(shell);
  const { path, state } = shell.of("one");
  expect(statSync(path).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(path)) expect([name, statSync(join(path, name)).mode & 0o077]).toEqual([name, 0]);
  const key = (await shell.ok("online-endpoint get-credentials -n one -o tsv --query primaryKey")).trim();
  expect(readFileSync(state, "utf8")).not.toContain(key);
  expect(readFileSync(shell.of("one").log, "utf8")).not.toContain(key);
});

test("a long home folder has its socket elsewhere", async () => {
  const shell = openShell();
  shell.env.SCOREFN_HOME = join(shell.home, "a".repeat(100));
  await shell.ok("online-endpoint create -n one");
  await shell.ok("online-endpoint show -n one");
  await shell.ok("online-endpoint delete -n one --yes");
});

async function taken(): Promise<{ readonly port: number }> {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return server.address() as { port: number };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
