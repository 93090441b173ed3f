// Processes that are killed at moments of chance: whatever is left, the next command goes on from it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { lockHolder } from "../../../../endpoint/control/state/lock.ts";
import { deploymentFile, kill, openShell, PROGRAM, type Shell, until } from "./shell.ts";

/** Longer than a creation takes on a quiet machine, in milliseconds. */
const LONGEST_MS = 1_200;

async function killAll(shell: Shell, command: ReturnType<typeof spawn>): Promise<void> {
  command.kill("SIGKILL");
  if (command.exitCode === null && command.signalCode === null) await once(command, "close");
  const holder = lockHolder(shell.of("one").path);
  if (holder !== undefined) await kill(holder.pid);
}

function start(shell: Shell, line: string): ReturnType<typeof spawn> {
  return spawn(PROGRAM[0]!, [PROGRAM[1]!, ...line.split(" ")], { cwd: shell.folder, env: shell.env, stdio: "ignore" });
}

test("a creation that is killed at any moment leaves an endpoint, or room for one", async () => {
  const shell = openShell();
  for (let round = 0; round < 8; round++) {
    const command = start(shell, "online-endpoint create -n one");
    await delay((LONGEST_MS * round) / 8 + Math.random() * (LONGEST_MS / 8));
    await killAll(shell, command);
    const listed = JSON.parse(await shell.ok("online-endpoint list --query", "[].name")) as string[];
    // Its process may have been started, and not be at its lock yet.
    const again = await shell.type("online-endpoint create -n one");
    if (again.code !== 0) expect(again.stderr).toMatch(/one (exists|runs already)/);
    else expect(listed).toEqual([]);
    expect(JSON.parse(await shell.ok("online-endpoint show -n one")).name).toBe("one");
    await shell.ok("online-endpoint delete -n one --yes");
  }
});

test("changes that are killed at any moment have been made, or have not", async () => {
  const shell = openShell();
  await shell.ok("online-endpoint create -n one");
  shell.write("blue.yml", deploymentFile("blue"));
  await shell.ok("online-deployment create -e one -f blue.yml --all-traffic");
  let last = 0;
  for (let round = 1; round <= 8; round++) {
    let asked = last;
    const changes = (async () => {
      for (;;) {
        asked++;
        const { code } = await shell.type(`online-endpoint update -n one --set tags.count=${asked}`);
        if (code !== 0) return;
        last = asked;
      }
    })();
    await until(() => last > 0);
    await delay(Math.random() * 300);
    await kill(shell.pid("one"));
    // The loop may start it again, and go on.
    const holder = await Promise.race([
      changes.then(() => undefined),
      delay(200).then(() => lockHolder(shell.of("one").path)),
    ]);
    if (holder !== undefined) {
      await delay(100);
      await kill(holder.pid).catch(() => {});
    }
    const stop = new Promise<void>((resolve) => void changes.then(resolve));
    await Promise.race([stop, untilStopped(shell, stop)]);
    const shown = JSON.parse(await shell.ok("online-endpoint show -n one")) as {
      tags: { count: number };
      traffic: unknown;
    };
    expect([last, asked]).toContain(shown.tags.count);
    expect(shown.traffic).toEqual({ blue: 100 });
    last = shown.tags.count;
  }
});

test("an endpoint that is being deleted does not come back, whatever is asked meanwhile", async () => {
  const shell = openShell();
  for (let round = 0; round < 4; round++) {
    await shell.ok("online-endpoint create -n one");
    const deleted = shell.ok("online-endpoint delete -n one --yes --no-wait");
    const asked = Array.from({ length: 5 }, async (_, index) => {
      await delay(index * 20);
      return shell.type(index % 2 === 0 ? "online-endpoint show -n one" : "online-endpoint list");
    });
    await deleted;
    for (const { code } of await Promise.all(asked)) expect([0, 1, 3]).toContain(code);
    await until(() => !existsSync(shell.of("one").path));
    expect((await shell.type("online-endpoint show -n one")).code).toBe(3);
    // The folder has another name while it is being removed.
    await until(() => readdirSync(join(shell.home, "endpoints")).length === 0);
  }
});

/** Kills the process again and again until a command has met one that is gone. */
async function untilStopped(shell: Shell, stop: Promise<void>): Promise<void> {
  let isStopped = false;
  void stop.then(() => {
    isStopped = true;
  });
  while (!isStopped) {
    const holder = lockHolder(shell.of("one").path);
    if (holder !== undefined) await kill(holder.pid).catch(() => {});
    await delay(50);
  }
}

interface Attacked {
  /** What is done while the process is killed. */
  readonly line: string;
  /** Whether it has been done, as another command sees it. */
  isDone(shell: Shell): Promise<boolean>;
  /** What brings the endpoint back to where it was. */
  readonly undo: string;
}

const tagOf = async (shell: Shell): Promise<unknown> =>
  JSON.parse(await shell.ok("online-deployment show -e one -n blue --query tags"));
const names = async (shell: Shell): Promise<string[]> =>
  JSON.parse(await shell.ok("online-deployment list -e one --query", "[].name")) as string[];

const ATTACKED: readonly Attacked[] = [
  {
    line: "online-deployment create -e one -n green -f green.yml",
    isDone: async (shell) => (await names(shell)).includes("green"),
    undo: "online-deployment delete -e one -n green --yes",
  },
  {
    line: "online-deployment update -e one -n blue --set tags.a=1 environment_variables.VERSION=2",
    isDone: async (shell) => JSON.stringify(await tagOf(shell)) === '{"a":1}',
    undo: "online-deployment update -e one -n blue --remove tags --set environment_variables.VERSION=1",
  },
  {
    line: "online-deployment delete -e one -n red --yes",
    isDone: async (shell) => !(await names(shell)).includes("red"),
    undo: "online-deployment create -e one -n red -f red.yml",
  },
];

test.each(ATTACKED)(
  "$line: killed at each step on the disk, it has been done or not, and can be done again",
  async (attacked) => {
    const { line, isDone, undo } = attacked;
    const shell = openShell();
    const killAt = join(shell.folder, "kill-at");
    shell.env.KILL_AT = killAt;
    for (const name of ["blue", "green", "red"]) shell.write(`${name}.yml`, deploymentFile(name));
    await shell.ok("online-endpoint create -n one");
    await shell.ok("online-deployment create -e one -f blue.yml --all-traffic");
    await shell.ok("online-deployment create -e one -f red.yml");
    let kills = 0;
    for (let step = 1; ; step++) {
      const pid = shell.pid("one");
      writeFileSync(killAt, String(step));
      const { code, stderr } = await shell.type(line);
      rmSync(killAt);
      // A kill may come after the change was written down, and before the process could say so.
      if (code !== 0) expect(stderr).toMatch(/the process of the endpoint ended before it answered/);
      const wasDone = await isDone(shell);
      if (code === 0) expect(wasDone).toBe(true);
      // The command that has just looked has started it again.
      const isKilled = shell.pid("one") !== pid;
      if (isKilled) kills++;
      else expect(code).toBe(0);
      expect(JSON.parse(await shell.ok("online-endpoint show -n one --query traffic")).blue).toBe(100);
      if (!wasDone) await shell.ok(line);
      expect(await isDone(shell)).toBe(true);
      await shell.ok(undo);
      expect(await isDone(shell)).toBe(false);
      if (!isKilled) break;
    }
    expect(kills).toBeGreaterThan(5);
  },
);

test("the deletion of an endpoint that is killed at each step on the disk can be finished by the next one", async () => {
  const shell = openShell();
  const killAt = join(shell.folder, "kill-at");
  shell.env.KILL_AT = killAt;
  shell.write("blue.yml", deploymentFile("blue"));
  for (let step = 1, isKilled = true; isKilled; step++) {
    await shell.ok("online-endpoint create -n one");
    await shell.ok("online-deployment create -e one -f blue.yml --all-traffic");
    writeFileSync(killAt, String(step));
    const { code } = await shell.type("online-endpoint delete -n one --yes");
    rmSync(killAt);
    isKilled = code !== 0;
    const left = JSON.parse(await shell.ok("online-endpoint list --query", "[].name")) as string[];
    if (left.length > 0) await shell.ok("online-endpoint delete -n one --yes");
    expect((await shell.type("online-endpoint show -n one")).code).toBe(3);
  }
  await shell.ok("online-endpoint create -n one");
});

test("two commands at once on one deployment are carried out one after the other, or refused with one line", async () => {
  const shell = openShell();
  for (const name of ["blue", "green"]) shell.write(`${name}.yml`, deploymentFile(name));
  await shell.ok("online-endpoint create -n one");
  const create = "online-deployment create -e one -n blue -f blue.yml";
  const remove = "online-deployment delete -e one -n blue --yes";
  const update = "online-deployment update -e one -n blue -f blue.yml --set tags.a=1";
  for (const [first, second] of [
    [create, create],
    [update, remove],
    [create, remove],
    [remove, update],
    [create, update],
    [update, update],
    [remove, remove],
  ] as const) {
    const both = await Promise.all([shell.type(first), shell.type(second)]);
    for (const { code, stderr } of both) {
      expect([0, 1, 3]).toContain(code);
      if (code !== 0)
        expect(stderr).toMatch(/error: (the deployment blue exists|the endpoint one has no deployment blue)/);
    }
    const states = JSON.parse(
      await shell.ok("online-deployment list -e one --query", "[].provisioning_state"),
    ) as string[];
    expect(states.every((state) => state === "Succeeded")).toBe(true);
  }
});
