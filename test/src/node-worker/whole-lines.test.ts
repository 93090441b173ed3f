// What a worker writes of its log, through real pipes and sockets that take less than a line at a time.
import { execFileSync, spawn } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";

const MODULE = packageFile("dist/src/node-worker/whole-lines.js");

/** Writes `count` lines of `length` letters; `process.stdout` makes its descriptor one that does not block. */
const WRITER = `
import { writeLines } from ${JSON.stringify(MODULE)};
const [letter, count, length] = process.argv.slice(1);
process.stdout.on("error", () => {});
for (let number = 0; number < Number(count); number++) {
  writeLines(\`\${letter} \${number} \`.padEnd(Number(length) - 1, letter) + "\\n");
}
process.stderr.write("written");
`;

function lines(letter: string, count: number, length: number): string[] {
  return Array.from({ length: count }, (_, number) => `${letter} ${number} `.padEnd(length - 1, letter));
}

function write(stdout: "pipe" | number, letter: string, count: number, length: number) {
  const args = ["--input-type=module", "-e", WRITER, letter, String(count), String(length)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", stdout, "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let told = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  const ended = new Promise<readonly [number | null, string]>((resolve) => {
    child.once("close", (code) => resolve([code, told]));
  });
  return { child, ended };
}

/** Reads all, in small pieces and with pauses, so that there is room for parts of lines. */
async function readSlowly(reader: Socket): Promise<string> {
  let output = "";
  reader.setEncoding("latin1").on("readable", () => {
    for (let piece: string | null = ""; piece !== null; piece = reader.read(1_733) ?? reader.read()) output += piece;
  });
  await new Promise((resolve) => reader.once("end", resolve));
  return output;
}

test("a line that a socket takes in parts arrives whole, and the next behind it", async () => {
  const [count, length] = [5, 3_000_000];
  const { child, ended } = write("pipe", "a", count, length);
  expect(await readSlowly(child.stdout as Socket)).toBe(lines("a", count, length).join("\n").concat("\n"));
  expect(await ended).toEqual([0, "written"]);
});

test.skipIf(process.platform === "win32")("two writers to one pipe leave each other's lines whole", async () => {
  const [count, length] = [2_000, 4_096];
  const folder = mkdtempSync(join(tmpdir(), "scorefn-lines-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writers = ["a", "b"].map((letter) => {
    const writing = openSync(path, constants.O_WRONLY);
    const writer = write(writing, letter, count, length);
    closeSync(writing);
    return writer;
  });
  const output = await readSlowly(new Socket({ fd: reading, readable: true, writable: false }));
  const found = output.trimEnd().split("\n");
  for (const letter of ["a", "b"]) {
    expect(found.filter((line) => line.startsWith(letter))).toEqual(lines(letter, count, length));
  }
  expect(found).toHaveLength(2 * count);
  for (const { ended } of writers) expect(await ended).toEqual([0, "written"]);
});

test("a reader that has gone stops nobody", async () => {
  const { child, ended } = write("pipe", "a", 1_000, 4_096);
  child.stdout!.destroy();
  expect(await ended).toEqual([0, "written"]);
});
