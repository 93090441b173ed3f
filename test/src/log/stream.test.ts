import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { logStream } from "../../../src/log/stream.ts";

/** A pipe that two write to: a stream to test, and a neighbour who writes a line wherever there is room for one. */
function pipe(): { fd: number; neighbour: (line: string) => boolean; read: (bytes: number) => string } {
  const folder = mkdtempSync(join(tmpdir(), "scorefn-pipe-"));
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const open = (flags: number): number => openSync(path, flags | constants.O_NONBLOCK);
  const reading = open(constants.O_RDONLY);
  const fd = open(constants.O_WRONLY);
  const other = open(constants.O_WRONLY);
  onTestFinished(() => {
    for (const each of [reading, fd, other]) closeSync(each);
    rmSync(folder, { recursive: true });
  });
  const room = Buffer.alloc(65_536);
  const unlessBusy = <T>(action: () => T, otherwise: T): T => {
    try {
      return action();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      return otherwise;
    }
  };
  return {
    fd,
    neighbour: (line) => unlessBusy(() => writeSync(other, line) > 0, false),
    read: (bytes) => unlessBusy(() => room.toString("latin1", 0, readSync(reading, room, 0, bytes, null)), ""),
  };
}

test.each([
  ["short ones", (number: number) => `own ${number} ${"x".repeat(number % 300)}`],
  ["of the greatest length", (number: number) => `own ${number} `.padEnd(4_095, "x")],
  ["of characters of several bytes", (number: number) => `own ${number} ${"é€".repeat((number * 37) % 800)}`],
])("lines of JSON reach a slow reader whole and in order: %s", async (_name, line) => {
  const LINES = 1_000;
  const { fd, neighbour, read } = pipe();
  const stream = logStream({ fd } as unknown as typeof process.stdout, "json");
  const own = Array.from({ length: LINES }, (_, number) => line(number));
  let isTaken = false;
  stream.write(own.map((text) => `${text}\n`).join(""), () => {
    isTaken = true;
  });
  let output = "";
  let others = 0;
  for (let piece = ""; !isTaken || piece !== ""; ) {
    // No multiple of what the writers write, so that there is room for parts of lines.
    piece = read(1_733);
    output += piece;
    if (!isTaken && neighbour(`other ${others}\n`)) others++;
    await turn();
  }
  const lines = Buffer.from(output, "latin1").toString().split("\n");
  expect(lines.pop()).toBe("");
  expect(lines.filter((text) => text.startsWith("own"))).toEqual(own);
  expect(lines.filter((text) => !text.startsWith("own"))).toEqual(
    Array.from({ length: others }, (_, number) => `other ${number}`),
  );
  expect(others).toBeGreaterThan(0);
});
