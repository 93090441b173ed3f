// The control socket, broken off at every byte: by whoever asks, and by the process that answers.
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { call, EndedError, NotRunningError } from "../../../endpoint/control/channel/client.ts";
import { controlOf } from "../../../endpoint/control/channel/routes.ts";
import { listenForControl } from "../../../endpoint/control/channel/server.ts";
import { OperationError } from "../../../endpoint/control/errors.ts";
import { create, createLab, deployment } from "./lab.ts";

let path: string;

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), "scorefn-resets-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  path = join(folder, "control.sock");
});

const nothing = (): void => {};
const show = () =>
  call(path, { method: "GET", path: "/endpoint" }, nothing) as Promise<{ tags: Record<string, string> }>;

/** Sends bytes, and leaves. */
function send(bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(bytes, () => socket.destroy()));
    socket.on("close", () => resolve());
    socket.on("error", (error: NodeJS.ErrnoException) => (error.code === "EPIPE" ? resolve() : reject(error)));
  });
}

function httpRequest(method: string, target: string, body: string): Buffer {
  return Buffer.from(
    `${method} ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

test("a command that is not whole changes nothing, and the next one is carried out", async () => {
  const lab = createLab();
  await create(lab, deployment("blue"));
  const host = { hello: () => ({}) as never, remove: async () => {}, page: async () => "" };
  const { close } = await listenForControl(path, controlOf(lab.endpoint, host));
  onTestFinished(close);
  const set = { kind: "set", words: ["tags.reached=yes"], forceString: true };
  const update = httpRequest("PATCH", "/endpoint", JSON.stringify({ document: null, changes: [set], folder: "/" }));
  const follow = httpRequest("GET", "/log/blue?lines=2", "");
  for (const bytes of [update, follow]) {
    for (let length = 0; length < bytes.length; length++) await send(bytes.subarray(0, length));
  }
  expect((await show()).tags).toEqual({});
  await send(follow);
  await send(update);
  // Whoever asked has left, and it has been done all the same.
  await lab.endpoint.settled();
  while ((await show()).tags.reached === undefined) await new Promise(setImmediate);
});

test("an answer that is not whole is told as the end of the process, whatever byte it ends at", async () => {
  const body = `${JSON.stringify({ progress: "é" })}\n${JSON.stringify({ lines: ["a"] })}\n${JSON.stringify({ result: { name: "one" } })}\n`;
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n`;
  const size = Buffer.byteLength(body).toString(16);
  const whole = Buffer.from(`${head}${size}\r\n${body}\r\n0\r\n\r\n`);
  let length = 0;
  const server = createServer((socket) => {
    socket.on("error", nothing);
    socket.once("data", () => socket.write(whole.subarray(0, length), () => socket.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  // From where the last line is whole, the answer is known.
  const known = whole.indexOf(`"one"}}\n`) + `"one"}}\n`.length;
  for (; length <= whole.length; length++) {
    const [said, lines]: [string[], string[]] = [[], []];
    const outcome = await call(
      path,
      { method: "GET", path: "/endpoint" },
      (line) => said.push(line),
      async (more) => lines.push(...more) > 0,
    ).catch((error: unknown) => error);
    if (length < known) expect(outcome).toBeInstanceOf(EndedError);
    else expect(outcome).toEqual({ name: "one" });
    for (const line of said) expect(line).toBe("é");
  }
});

test.each([
  ["closes at once", (bytes: Buffer) => bytes.subarray(0, 0)],
  ["speaks no HTTP", () => Buffer.from("hello\r\n\r\n")],
  ["answers no JSON", () => Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nno!\n")],
  ["answers with half a line", () => Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"result"')],
])("whoever %s is no endpoint's process, and hangs no command", async (_what, answer) => {
  const server = createServer((socket) => {
    socket.on("error", nothing);
    socket.once("data", (bytes) => socket.end(answer(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  const failed = await show().catch((error: unknown) => error);
  expect(failed instanceof OperationError || failed instanceof NotRunningError).toBe(true);
});
