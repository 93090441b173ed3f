// When the server is killed nothing is left of it, whatever its workers are doing: no process, no file.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { hasEnded, kill, startProgram } from "../setup/front.ts";
import { freePort } from "../setup/server.ts";
import { temporaryFolder, until } from "../setup/service.ts";

const PYTHON = `import ctypes, re, sys
def busy():
    sys.stdout.write("busy\\n")
    sys.stdout.flush()
    re.match("(a+)+$", "a" * 60 + "b")
`;
const TYPESCRIPT = `import { writeSync } from "node:fs";
const busy = (): void => {
  writeSync(1, "busy\\n");
  for (;;);
};
`;
const SCRIPTS: Record<string, string> = {
  "idle.py": `${PYTHON}def init(): pass\ndef run(data): return 1\n`,
  "running.py": `${PYTHON}def init(): pass\ndef run(data): busy()\n`,
  "in init.py": `${PYTHON}def init(): busy()\ndef run(data): return 1\n`,
  "loading.py": `${PYTHON}busy()\ndef init(): pass\ndef run(data): return 1\n`,
  "awaiting.py": `${PYTHON}def init(): pass\nasync def run(data): busy()\n`,
  "idle.ts": `${TYPESCRIPT}export const init = (): void => {};\nexport const run = (): number => 1;\n`,
  "running.ts": `${TYPESCRIPT}export const init = (): void => {};\nexport const run = busy;\n`,
  "in init.ts": `${TYPESCRIPT}export const init = busy;\nexport const run = (): number => 1;\n`,
  "loading.ts": `${TYPESCRIPT}busy();\nexport const init = (): void => {};\nexport const run = (): number => 1;\n`,
};

/** The processes below one, with the id of each one's parent. */
function descendantsOf(ancestor: number): Map<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      if (/^\d+$/.test(name)) parents.set(Number(name), Number(stat.split(") ").at(-1)!.split(" ")[1]));
    } catch {
      // No process, or no more.
    }
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && (parents.get(pid) === ancestor || isBelow(parents.get(pid)));
  return new Map([...parents].filter(([pid]) => isBelow(pid)));
}

/** Whether the kernel can be asked to wake a worker for JavaScript; Python's are killed by it. */
const WAKES = existsSync("/usr/bin/setpriv");

const cases = Object.keys(SCRIPTS).flatMap((script) => [
  { script, preload: "false", stopped: false },
  ...(script.endsWith(".py") ? [{ script, preload: "true", stopped: false }] : []),
  ...(script.endsWith(".py") || WAKES ? [{ script, preload: "false", stopped: true }] : []),
]);

describe.skipIf(process.platform !== "linux")("when the server is killed nothing is left", () => {
  test.for(cases)("of $script, WORKER_PRELOAD=$preload, stopped $stopped", async ({ script, preload, stopped }) => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const TMPDIR = folder.file("tmp");
    mkdirSync(TMPDIR);
    writeFileSync(folder.file(script), SCRIPTS[script]!);
    const port = await freePort();
    // One that is stopped before it has begun to watch for the end cannot be told of it.
    const count = stopped ? 1 : 2;
    const args = [
      "serve",
      "--entry_script",
      folder.file(script),
      "--port",
      String(port),
      "--worker_count",
      String(count),
    ];
    const server = startProgram(process.execPath, [packageFile("dist/adapters/cli/scorefn.js"), ...args], {
      TMPDIR,
      WORKER_PRELOAD: preload,
    });
    const begins = /^(idle|running|awaiting)/.test(script);
    if (begins) {
      await server.says(/ready for serving/);
      const url = `http://127.0.0.1:${port}`;
      await until(async () => (await fetch(`${url}/ready`)).status === 200, "the server is ready");
      if (!script.startsWith("idle")) {
        for (let sent = 0; sent < 4; sent += 1) fetch(`${url}/score`, { method: "POST", body: "x" }).catch(() => {});
      }
    }
    if (!script.startsWith("idle")) {
      const busy = begins || preload === "false" ? count : 1;
      await until(() => server.output().match(/^busy$/gm)?.length === busy, "all are busy");
    }
    const parents = descendantsOf(server.process.pid!);
    const processes = [...parents.keys()];
    onTestFinished(() => processes.forEach(kill));
    expect(processes.length).toBeGreaterThanOrEqual(preload === "true" && !begins ? 1 : count);
    // Not the compiler's service: nobody continues that one.
    const toStop = processes.filter((pid) => stopped && parents.get(pid) === server.process.pid);
    for (const pid of toStop) process.kill(pid, "SIGSTOP");
    server.process.kill("SIGKILL");
    await until(() => processes.every(hasEnded), "all have ended");
    expect(readdirSync(TMPDIR)).toEqual([]);
  });
});
