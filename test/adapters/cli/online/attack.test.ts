// Processes that are killed at moments of chance: whatever is left, the next command goes on from it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
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
