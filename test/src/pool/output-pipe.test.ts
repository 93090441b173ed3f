// Pipes for the output of workers: nothing of them is left when a worker does not start, or when they cannot be made.
import { closeSync, mkdtempSync, readdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type OutputPipe, openOutputPipes } from "../../../src/pool/output-pipe.ts";
import { type Exit, type ProcessEvents, WorkerProcess } from "../../../src/pool/process.ts";
import type { StartOptions } from "../../../src/protocol/messages.ts";
import { until } from "../../setup/service.ts";

describe.runIf(process.platform === "linux")("pipes for the output of workers", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "scorefn-test-"));
    vi.stubEnv("TMPDIR", folder);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (): number => readdirSync("/proc/self/fd").length;

  /** @returns how it ended, and the text of its outputs */
  async function start(args: readonly string[], file = process.execPath): Promise<{ exit: unknown; output: string }> {
    const texts: Promise<string>[] = [];
    const exit = await new Promise<unknown>((resolve, reject) => {
      const events: Partial<ProcessEvents> = {
        onOutput: (stream: Readable) => texts.push(stream.setEncoding("utf8").reduce((all, part) => all + part, "")),
        onExit: resolve,
      };
      const command = { file, args, env: {}, nudgeSignal: null, onMissing: (cause: Exit) => cause };
      try {
        new WorkerProcess(
          command as never,
          { appRoot: folder, entryScript: null } as StartOptions,
          0,
          events as ProcessEvents,
        );
      } catch (error) {
        reject(error);
      }
    });
    return { exit, output: (await Promise.all(texts)).join("") };
  }

  test("carry what is written, and have no name any more", async () => {
    const [pipe, other] = openOutputPipes(["one", "two"]) as [OutputPipe, OutputPipe];
    expect(readdirSync(folder)).toEqual([]);
    for (const { reader, writeFd } of [pipe, other]) {
      writeSync(writeFd, "text");
      closeSync(writeFd);
      expect(await reader.setEncoding("utf8").reduce((all, part) => all + part, "")).toBe("text");
    }
  });

  test("end with a worker that starts, opens them by path and ends", async () => {
    const before = open();
    const program = "fs.writeFileSync('/dev/stdout', 'by path'); fs.writeFileSync('/dev/stderr', ', too')";
    expect((await start(["-e", program])).output).toContain("by path, too");
    await until(() => open() <= before, "its descriptors are closed");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("are closed when the program is missing, and when it cannot even be tried", async () => {
    const before = open();
    expect((await start([], join(folder, "missing"))).exit).toMatchObject({ code: "ENOENT" });
    await expect(start(["a word with \0 in it"])).rejects.toThrow("null bytes");
    await until(() => open() <= before, "their descriptors are closed");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("are left out where there is no mkfifo, and no folder for temporary files; the output is read all the same", async () => {
    const before = open();
    vi.stubEnv("PATH", folder);
    expect(openOutputPipes(["one"])).toBeUndefined();
    expect((await start(["-e", "console.log('said')"])).output).toContain("said");
    vi.unstubAllEnvs();
    vi.stubEnv("TMPDIR", join(folder, "missing"));
    expect(openOutputPipes(["one"])).toBeUndefined();
    await until(() => open() <= before, "their descriptors are closed");
    expect(readdirSync(folder)).toEqual([]);
  });
});
