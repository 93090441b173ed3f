// Whatever fails once while workers are forked off a preload process: that worker's launch ends, the next one succeeds, and
// no process is left.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { ScoreError } from "../../../src/core/errors.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { Fork } from "../../../src/pool/fork.ts";
import { Preload } from "../../../src/pool/preload.ts";
import type { Exit, LaunchedProcess } from "../../../src/pool/process.ts";
import { PROTOCOL_VERSION } from "../../../src/protocol/messages.ts";
import { hasEnded, kill } from "../../setup/front.ts";
import { SCRIPTS, temporaryFolder, until } from "../../setup/service.ts";

interface Launched {
  readonly process: LaunchedProcess;
  pipes?: { toWorker: Socket; fromWorker: Socket; lifeline: Socket };
  exit?: Exit;
}

/** A preload process of `preload_faults.py` that is started by the first launch. */
async function prepare(fault = "", forkLimitMs?: number) {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const [faultFile, notes] = [folder.file("fault"), folder.file("notes")];
  writeFileSync(faultFile, fault);
  writeFileSync(notes, "");
  const state = { preloadPids: [] as number[], exits: [] as string[] };
  const preload = new Preload(
    {
      command: {
        file: "python3",
        args: [packageFile("python/worker.py")],
        env: { PATH: process.env.PATH!, HOME: process.env.HOME!, FAULT: faultFile, NOTES: notes },
        nudgeSignal: "SIGUSR1",
        onMissing: (cause) => new ScoreError("ERR_INTERNAL", cause.message, { cause }),
      },
      start: {
        protocol: PROTOCOL_VERSION,
        server: "test",
        appRoot: SCRIPTS,
        entryScript: `${SCRIPTS}/preload_faults.py`,
        sourceDirectory: null,
        modelDir: null,
        concurrency: 1,
        logLevel: "CRITICAL",
        logging: null,
        strict: false,
      },
      helloMs: 0,
      ...(forkLimitMs === undefined ? {} : { forkLimitMs }),
    },
    {
      onStarting: () => {},
      onReady: (pid) => void state.preloadPids.push(pid),
      onFailed: ({ error }) => new ScoreError("ERR_SCRIPT_INIT", error.message),
      onExit: ({ message }) => void state.exits.push(message),
    },
  );
  const workerPids = () =>
    existsSync(notes) ? readFileSync(notes, "utf8").split("\n").filter(Boolean).map(Number) : [];
  const launched: Launched[] = [];
  onTestFinished(async () => {
    for (const { pipes } of launched) for (const socket of Object.values(pipes ?? {})) socket.destroy();
    for (const pid of [...workerPids(), ...state.preloadPids]) kill(pid);
    await preload.close();
  });
  const launch = (): Launched => {
    const one: { -readonly [key in keyof Launched]: Launched[key] } = {
      process: preload.launch({
        onPipes: (pipes) => {
          one.pipes = pipes;
          for (const socket of Object.values(pipes)) socket.on("error", () => {}).resume();
        },
        onExit: (exit) => {
          one.exit = exit;
        },
      }),
    };
    launched.push(one);
    return one;
  };
  return {
    state,
    preload,
    launch,
    workerPids,
    setFault: (text: string) => writeFileSync(faultFile, text),
    release: () => rmSync(faultFile),
    /** Launches a worker that works. */
    async launchWell(): Promise<Launched> {
      const one = launch();
      await until(() => one.pipes !== undefined && one.process.pid !== undefined, "a worker is connected");
      expect(one.exit).toBeUndefined();
      return one;
    },
  };
}

describe.skipIf(process.platform === "win32")("a launch ends, and the next one succeeds, when", () => {
  test("fork() fails once", async () => {
    const { launch, launchWell, setFault, state } = await prepare();
    await launchWell();
    setFault("cannot fork");
    const failed = launch();
    await until(() => failed.exit !== undefined, "the launch has failed");
    expect((failed.exit as Error).message).toMatch(/no worker can be forked: .*Resource temporarily unavailable/);
    await launchWell();
    expect(state.preloadPids).toHaveLength(1);
  });

  test("the preload process dies in init()", async () => {
    const { launch, launchWell, state } = await prepare("dies in init");
    const failed = [launch(), launch()];
    await until(() => failed.every(({ exit }) => exit !== undefined), "both launches have failed");
    expect((failed[0]!.exit as Error).message).toContain("SIGKILL");
    await launchWell();
    expect(state.preloadPids).toHaveLength(1);
  });

  test("the preload process dies before it has read FORK", async () => {
    const { launch, launchWell, state } = await prepare();
    await launchWell();
    process.kill(state.preloadPids[0]!, "SIGSTOP");
    const failed = launch();
    process.kill(state.preloadPids[0]!, "SIGKILL");
    await until(() => failed.exit !== undefined, "the launch has failed");
    await launchWell();
    expect(state.preloadPids).toHaveLength(2);
    expect(state.exits).toHaveLength(1);
  });

  test("the preload process dies between fork() and FORKED", async () => {
    const { launch, launchWell, setFault, workerPids } = await prepare();
    await launchWell();
    setFault("dies after fork");
    const failed = launch();
    await until(() => failed.exit !== undefined, "the launch has failed");
    await until(() => workerPids().slice(1).every(hasEnded), "the worker that nobody knows has ended");
    await launchWell();
  });

  test("the preload process dies between FORKED and the connections", async () => {
    const { launch, launchWell, setFault, state, workerPids, release } = await prepare();
    await launchWell();
    setFault("worker is late");
    const failed = launch();
    await until(() => failed.process.pid !== undefined, "it has been forked");
    process.kill(state.preloadPids[0]!, "SIGKILL");
    await until(() => failed.exit !== undefined, "the launch has failed");
    release();
    setFault("");
    await until(() => hasEnded(workerPids()[1]!), "the late worker has ended");
    await launchWell();
  });

  test("the preload process is stopped", async () => {
    const { launch, launchWell, state } = await prepare("", 500);
    const before = await launchWell();
    process.kill(state.preloadPids[0]!, "SIGSTOP");
    const failed = launch();
    await until(() => failed.exit !== undefined, "the launch has failed");
    expect(state.exits[0]).toContain("it did not fork a worker within 500 ms");
    expect(hasEnded(state.preloadPids[0]!)).toBe(true);
    expect(before.exit).toBeUndefined();
    await launchWell();
  });

  test("the worker stops before it has connected", async () => {
    const { launch, launchWell, setFault, state, workerPids } = await prepare("", 500);
    await launchWell();
    setFault("worker stops");
    const failed = launch();
    await until(() => failed.exit !== undefined, "the launch has failed");
    expect(failed.exit).toEqual({ code: null, signal: "SIGKILL" });
    expect(hasEnded(workerPids()[1]!)).toBe(true);
    await launchWell();
    expect(state.preloadPids).toHaveLength(1);
  });

  test("the worker dies before it has connected", async () => {
    const { launch, launchWell, setFault } = await prepare();
    await launchWell();
    setFault("worker dies");
    const failed = launch();
    await until(() => failed.exit !== undefined, "the launch has failed");
    expect(failed.exit).toEqual({ code: null, signal: "SIGKILL" });
    await launchWell();
  });

  test("it is killed before it is known to be forked", async () => {
    const { launch, launchWell, state, workerPids } = await prepare();
    await launchWell();
    process.kill(state.preloadPids[0]!, "SIGSTOP");
    const failed = launch();
    failed.process.kill("SIGKILL");
    expect(failed.exit).toEqual({ code: null, signal: "SIGKILL" });
    process.kill(state.preloadPids[0]!, "SIGCONT");
    await until(() => workerPids().length === 2, "it is forked all the same");
    await until(() => hasEnded(workerPids()[1]!), "it has ended");
    await launchWell();
  });

  test("it is closed", async () => {
    const { launch, preload, state } = await prepare();
    const first = launch();
    const closed = preload.close();
    await until(() => first.exit !== undefined, "the launch has failed");
    await closed;
    const late = launch();
    await until(() => late.exit !== undefined, "a late launch fails");
    expect(state.preloadPids.every(hasEnded)).toBe(true);
  });
});

describe.skipIf(process.platform === "win32")("of a worker whose preload process has died", () => {
  async function orphan() {
    const prepared = await prepare();
    const worker = await prepared.launchWell();
    process.kill(prepared.state.preloadPids[0]!, "SIGKILL");
    await until(() => prepared.state.exits.length === 1, "the end of the preload process has been noticed");
    expect(worker.exit).toBeUndefined();
    return { ...prepared, worker, pid: worker.process.pid! };
  }

  test("the end is noticed", async () => {
    const { worker, pid } = await orphan();
    process.kill(pid, "SIGKILL");
    await until(() => worker.exit !== undefined, "the end is noticed");
    expect(worker.exit).toEqual({ code: null, signal: null });
  });

  test("the front can make an end", async () => {
    const { worker, pid } = await orphan();
    worker.process.kill("SIGKILL");
    await until(() => worker.exit !== undefined && hasEnded(pid), "it has ended");
  });

  test("no process is left when its lifeline closes", async () => {
    const { worker, pid } = await orphan();
    process.kill(pid, "SIGSTOP");
    worker.pipes!.lifeline.destroy();
    await until(() => worker.exit !== undefined && hasEnded(pid), "it has ended");
  });
});

describe("a process id", () => {
  const launch = { onPipes: () => {}, onExit: () => {} };

  test.for([-1, 0, 1, 1.5, 2 ** 60, "7", null, undefined, Number.NaN])("%s is nobody's", (pid) => {
    const fork = new Fork(launch, { onLate: () => {}, onEnd: () => {} });
    expect(() => fork.forked(pid)).toThrow("the preload process says that it has forked process");
  });

  const lastPid = "/proc/sys/kernel/ns_last_pid";
  test.runIf(process.platform === "linux" && process.getuid?.() === 0 && existsSync(lastPid))(
    "that the system has given to another process meanwhile is left alone",
    async ({ skip }) => {
      for (let attempt = 0; attempt < 50; attempt += 1) {
        const first = spawn("sleep", ["1000"]);
        const fork = new Fork(launch, { onLate: () => {}, onEnd: () => {} });
        fork.forked(first.pid);
        fork.kill("SIGKILL");
        expect((await once(first, "exit"))[1]).toBe("SIGKILL");
        // The start of a process is told to a hundredth of a second, and ids do not come round in that time by themselves.
        await new Promise((resolve) => setTimeout(resolve, 50));
        // Another process of this machine may be quicker.
        writeFileSync(lastPid, String(first.pid! - 1));
        const second = spawn("sleep", ["1000"]);
        onTestFinished(() => void second.kill("SIGKILL"));
        if (second.pid !== first.pid) continue;
        fork.kill("SIGKILL");
        fork.kill("SIGUSR1");
        process.kill(second.pid!, 0);
        second.kill("SIGTERM");
        expect((await once(second, "exit"))[1]).toBe("SIGTERM");
        return;
      }
      skip("the id was never given again");
    },
  );
});
