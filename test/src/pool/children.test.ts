// What a worker has started ends with it when it is killed; what has a session of its own lives on.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { Children } from "../../../src/pool/children.ts";
import { StoppedWatch } from "../../../src/pool/stopped-watch.ts";
import { hasEnded, kill, startProgram } from "../../setup/front.ts";
import { SCRIPTS, startService, temporaryFolder, until } from "../../setup/service.ts";

/** joblib's processes, for example, would live on for 300 s, and hold their memory. */
describe.skipIf(process.platform !== "linux")("the processes below a worker end", () => {
  async function expectEnd(pids: readonly number[]): Promise<void> {
    onTestFinished(() => pids.forEach(kill));
    const [child, grandchild, apart, ofThread = child] = pids as [number, number, number, number?];
    await until(
      () => [child, grandchild, ofThread].every(hasEnded),
      "child, grandchild and that of a thread have ended",
    );
    expect(hasEnded(apart)).toBe(false);
  }

  test.for(["false", "true"])("when its run() is ended, WORKER_PRELOAD=%s", async (preload) => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const env = { SCORING_TIMEOUT_MS: "2000", WORKER_PRELOAD: preload };
    const service = await startService("has_children.py", env);
    onTestFinished(service.close);
    const file = folder.file("pids");
    const answer = service.post(file);
    await until(() => existsSync(file) && readFileSync(file, "utf8").split(" ").length === 4, "it runs");
    const pids = readFileSync(file, "utf8").split(" ").map(Number);
    expect((await answer).text).toContain("time");
    await expectEnd(pids);
    const others = JSON.parse((await service.post("answers")).text) as number[];
    others.forEach(kill);
  });

  test("unless the worker is none of ours", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    // A process of ours, below it one that may be a worker, as below a preload process, and below that what is not ours.
    const say = 'const { pid, argv } = process; console.log("pid " + pid + "\\nnumber " + argv.length + " is " + pid)';
    const start =
      'process.argv.length < 5 && require("child_process").spawn(process.execPath, [...process.argv.slice(1), "x"], { stdio: "inherit" })';
    writeFileSync(folder.file("chain.cjs"), `${say};${start};setInterval(() => {}, 1000);`);
    const top = startProgram(process.execPath, [folder.file("chain.cjs")]);
    const pids: number[] = [];
    for (const count of [2, 3, 4, 5]) pids.push(Number(await top.says(new RegExp(`^number ${count} is (\\d+)$`, "m"))));
    const children = new Children();
    children.note(pids[2]!, true);
    children.end();
    children.note(pids[1]!, true);
    expect(pids.some(hasEnded)).toBe(false);
    children.end();
    await until(() => hasEnded(pids[2]!) && hasEnded(pids[3]!), "what is below ours has ended");
    expect([hasEnded(pids[0]!), hasEnded(pids[1]!)]).toEqual([false, false]);
  });

  test("when somebody else has killed it after they were noted", async () => {
    const program = readFileSync(`${SCRIPTS}/has_children.py`, "utf8");
    const worker = startProgram("python3", ["-c", `${program}\nprint(run("answers"), flush=True)\ntime.sleep(1000)`]);
    const pids = JSON.parse(await worker.says(/^\[.*\]$/m)) as number[];
    const children = new Children();
    const watch = new StoppedWatch(() => [
      { pid: worker.process.pid, kill: () => {}, noteChildren: () => children.note(worker.process.pid!, false) },
    ]);
    watch.look();
    worker.process.kill("SIGKILL");
    await until(() => hasEnded(worker.process.pid!), "the worker has ended");
    expect(pids.some(hasEnded)).toBe(false);
    children.end();
    await expectEnd(pids);
    // Others may have these ids by now.
    children.end();
  });
});
