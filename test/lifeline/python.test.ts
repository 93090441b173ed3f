// A Python worker ends with its front, and not because of anything else that happens on its lifeline.
import { describe, expect, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { hasEnded, startFront } from "../setup/front.ts";
import { until } from "../setup/service.ts";

/** Starts a program that has taken hold of its lifeline and has said `ready` on descriptor 4. */
async function startWorker(program: string, env: NodeJS.ProcessEnv = {}) {
  const begin = "import os, sys\nfrom scorefn_worker import lifeline\nlifeline.hold()\nos.write(4, b'ready\\n')\n";
  const front = startFront([process.env.PYTHON ?? "python3", "-c", begin + program], {
    PYTHONPATH: packageFile("python"),
    ...env,
  });
  const pid = Number(await front.says(/^pid (\d+)$/m));
  await front.says(/^ready$/m);
  return { ...front, pid };
}

const waitsForever = "import threading\nthreading.Event().wait()";

describe.skipIf(process.platform === "win32")("when the front is killed a Python worker ends", () => {
  test.for([
    ["that waits", waitsForever],
    ["in a loop", "while True: pass"],
    ["that reads from the front", "os.read(3, 1)"],
    ["that ignores signals", `import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n${waitsForever}`],
    ["with a lively child", `os.fork() or os.close(5)\n${waitsForever}`],
  ])("%s", async ([, program]) => {
    const { process: front, pid } = await startWorker(program!);
    front.kill("SIGKILL");
    await until(() => hasEnded(pid), "the worker has ended");
  });

  // Only the kernel can do this; elsewhere the end comes when the call is over.
  test.skipIf(process.platform !== "linux").for([
    ["in a regular expression that takes for ever", "import re\nre.match('(a+)+$', 'a' * 60 + 'b')"],
    ["in an endless calculation", "10 ** 10 ** 9"],
    ["in a native call that holds Python's lock", "import ctypes\nctypes.PyDLL(None).sleep(1000)"],
    ["that is stopped", "import signal\nos.kill(os.getpid(), signal.SIGSTOP)"],
  ] as const)("%s", async ([, program]) => {
    const { process: front, pid } = await startWorker(program);
    front.kill("SIGKILL");
    await until(() => hasEnded(pid), "the worker has ended");
  });

  test("that took hold too late", async () => {
    const program = "import os\nos.write(4, b'ready\\n')\nos.read(3, 1)\nfrom scorefn_worker import lifeline\n";
    const { process: front, says } = startFront(
      [process.env.PYTHON ?? "python3", "-c", `${program}lifeline.hold()\n${waitsForever}`],
      { PYTHONPATH: packageFile("python") },
    );
    const pid = Number(await says(/^pid (\d+)$/m));
    await says(/^ready$/m);
    front.kill("SIGKILL");
    await until(() => hasEnded(pid), "the worker has ended");
  });
});

describe.skipIf(process.platform === "win32")("nothing else on the lifeline ends a Python worker", () => {
  test("a crash is told whole, though the front reads late and the socket is full", async () => {
    const program = `
import faulthandler, threading
def deep(depth):
    if depth: deep(depth - 1)
    else: halt.wait()
halt = threading.Event()
for _ in range(40): threading.Thread(target=deep, args=(120,), daemon=True).start()
faulthandler.enable(file=5)
faulthandler._sigsegv()`;
    const { says } = await startWorker(program, { FRONT_BUSY_MS: "700" });
    const end = JSON.parse(await says(/^end (.*)$/m));
    expect(end).toMatchObject({ code: null, signal: "SIGSEGV" });
    // 40 threads of 100 frames each, and the last line is whole.
    expect(end.length).toBeGreaterThan(40 * 100 * 20);
    expect(end.last).toMatch(/\n$/);
  });

  test("megabytes of text, in bytes and in blocks", async () => {
    const program = `
for _ in range(3000): os.write(5, b"x")
for _ in range(30): os.write(5, b"y" * 100_000)
sys.exit(7)`;
    const { says } = await startWorker(program, { FRONT_BUSY_MS: "300" });
    expect(JSON.parse(await says(/^end (.*)$/m))).toMatchObject({ code: 7, length: 3_003_000 });
  });

  test("a child that closes or keeps the descriptor, ends, or takes hold of a lifeline of its own", async () => {
    const program = `
import socket
def child(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    assert os.waitpid(pid, 0) == (pid, 0)
def takes_another():
    mine, theirs = socket.socketpair()
    os.dup2(mine.fileno(), 5)
    mine.close()
    lifeline.hold()
    os._exit(0)
child(lambda: os.close(5))
child(lambda: None)
child(takes_another)
sys.exit(7)`;
    const { says } = await startWorker(program);
    expect(JSON.parse(await says(/^end (.*)$/m))).toMatchObject({ code: 7, signal: null });
  });

  test("a forked worker ends with its own front, not with that of its parent", async () => {
    const program = `
import select, signal, socket
mine, theirs = socket.socketpair()
pid = os.fork()
if pid == 0:
    theirs.close()
    os.dup2(mine.fileno(), 5)
    mine.close()
    lifeline.hold()
    os.write(4, b"held\\n")
    while True: pass
mine.close()
os.write(4, b"pid %d\\n" % pid)
# Time for a signal that must not come.
select.select([], [], [], 0.2)
assert os.waitpid(pid, os.WNOHANG) == (0, 0)
theirs.close()
assert os.waitpid(pid, 0)[1] == signal.SIGKILL
sys.exit(7)`;
    const { says } = await startWorker(program);
    await says(/^held$/m);
    expect(JSON.parse(await says(/^end (.*)$/m))).toMatchObject({ code: 7, signal: null });
  });
});
