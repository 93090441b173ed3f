// Edits, requests, streams and deaths of workers below a real server, in any order; then the end.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isAlive, until } from "../../setup/service.ts";
import { edited } from "./edited.ts";

/** Notes each run(), which a second one of the same request would show. */
const source = (value: number): string => `
import os

def init():
    with open("pids", "a") as file:
        file.write(f"{os.getpid()}\\n")

def parts(name):
    yield b"${value}"
    yield f"+{name}".encode()

def run(data):
    kind, name = data.split(" ")
    with open("runs", "a") as file:
        file.write(f"{name}\\n")
    if kind == "stream":
        return parts(name)
    if kind == "die":
        os._exit(1)
    return "${value}+" + name
`;

const BROKEN = [
  "def run(:\n",
  "import nothing_like_it\n",
  "def init():\n    raise ValueError()\ndef run(data):\n    pass\n",
  "",
];

const STEP = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("request", "stream") },
  { weight: 3, arbitrary: fc.constant("edit") },
  { weight: 2, arbitrary: fc.constant("broken edit") },
  { weight: 1, arbitrary: fc.constantFrom("die", "settle") },
);

test("each request is run once by a version that was good, whatever is edited around it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(STEP, { minLength: 6, maxLength: 24 }),
      fc.constantFrom("1", "2"),
      async (steps, workers) => {
        const server = await edited("score.py", { "score.py": source(0) }, { args: ["--worker_count", workers] });
        await server.waitReady();
        let value = 0;
        let requests = 0;
        const answers: Promise<{ name: string; mayFail: boolean; status: number; text: string }>[] = [];
        const hasDied = steps.includes("die");
        for (const step of steps) {
          if (step === "edit") await server.write("score.py", source(++value));
          else if (step === "broken edit") await server.write("score.py", BROKEN[value % BROKEN.length]!);
          else if (step === "settle") {
            await server.until(
              ({ body }) => !["starting", "reloading"].includes(body.reload!.state),
              "nothing comes up",
            );
          } else {
            const name = `r${requests++}`;
            answers.push(server.post(`${step} ${name}`).then((answer) => ({ name, mayFail: hasDied, ...answer })));
          }
        }
        for (const { name, mayFail, status, text } of await Promise.all(answers)) {
          if (mayFail && status !== 200) expect([500, 503]).toContain(status);
          else {
            expect(status, text).toBe(200);
            const [, by, whose] = /(\d+)\+(r\d+)/.exec(text) ?? [];
            expect(whose).toBe(name);
            expect(Number(by)).toBeLessThanOrEqual(value);
          }
        }
        const runs = existsSync(join(server.folder, "runs"))
          ? (await readFile(join(server.folder, "runs"), "utf8")).trim().split("\n")
          : [];
        expect(new Set(runs).size).toBe(runs.length);
        if (!hasDied) expect(runs).toHaveLength(requests);
        await server.write("score.py", source(++value));
        const last = value;
        await until(
          async () => (await server.post("request last")).text.startsWith(`"${last}+`),
          "the last edit serves",
          50,
        );
        expect(await server.stop()).toBe(0);
        const pids = (await readFile(join(server.folder, "pids"), "utf8")).trim().split("\n").map(Number);
        expect(pids.filter(isAlive)).toEqual([]);
      },
    ),
    { numRuns: process.env.CI === "true" ? 20 : 2, endOnFailure: true },
  );
});
