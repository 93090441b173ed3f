import { writeFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { withAllocator } from "../../../src/pool/allocator.ts";
import { startService, temporaryFolder } from "../../setup/service.ts";

/** Answers with what it sees of these variables, and what its interpreter was started with. */
const SCRIPT = `
import os

def init():
    pass

def run(data):
    started = open("/proc/self/environ").read().split("\\0")
    return [sorted(name for name in os.environ if name.startswith("MALLOC_")),
            sorted(text.split("=")[0] for text in started if text.startswith("MALLOC_"))]
`;

async function ask(env: Readonly<Record<string, string>>): Promise<unknown> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const script = folder.file("score.py");
  writeFileSync(script, SCRIPT);
  const service = await startService(script, env);
  onTestFinished(service.close);
  return JSON.parse((await service.post("")).text);
}

test.runIf(process.platform === "linux")("only the interpreter sees how its memory is kept", async () => {
  expect(await ask({})).toEqual([[], ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"]]);
});

test.runIf(process.platform === "linux")("what the user has chosen counts, and stays in sight", async () => {
  expect(await ask({ MALLOC_ARENA_MAX: "2" })).toEqual([["MALLOC_ARENA_MAX"], ["MALLOC_ARENA_MAX"]]);
});

test("another allocator is not told anything", () => {
  const env = { LD_PRELOAD: "libjemalloc.so.2" };
  expect(withAllocator(env)).toEqual({ env, own: [] });
});
