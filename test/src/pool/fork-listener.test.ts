// The socket to which forked workers connect: strangers change nothing, whatever they say.
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ForkListener } from "../../../src/pool/fork-listener.ts";
import { temporaryFolder, until } from "../../setup/service.ts";

/** A socket that awaits roles 0 to 2 of workers 1 to 100, once each, and gives back what a worker writes. */
async function listen(platform: NodeJS.Platform = process.platform) {
  const workers = new Map<string, Socket>();
  const listener = await ForkListener.open((number, role, socket) => {
    const key = `${number}:${role}`;
    if (number < 1 || number > 100 || role > 2 || workers.has(key)) return false;
    workers.set(key, socket);
    onTestFinished(() => void socket.destroy());
    socket.on("data", (chunk: Buffer) => socket.write(chunk));
    return true;
  }, platform);
  onTestFinished(() => listener.close());
  return { listener, workers };
}

function preamble(secret: string, number: number, role: number): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.write(secret, "hex");
  bytes.writeUInt32LE(number, 16);
  bytes.writeUInt32LE(role, 20);
  return bytes;
}

/** Makes another secret of it. */
function flipLastBit(bytes: Buffer): Buffer {
  bytes[15]! ^= 1;
  return bytes;
}

/** Connects and says something. */
function call(path: string, bytes?: Uint8Array) {
  const socket = connect(path);
  onTestFinished(() => void socket.destroy());
  const state = { socket, received: "", isClosed: false };
  socket
    .on("error", () => {})
    .on("close", () => {
      state.isClosed = true;
    })
    .on("data", (chunk: Buffer) => {
      state.received += chunk.toString();
    });
  if (bytes !== undefined) socket.write(bytes);
  return state;
}

async function expectToWork(path: string, secret: string, number: number): Promise<void> {
  const worker = call(path, Buffer.concat([preamble(secret, number, 0), Buffer.from("first")]));
  await until(() => worker.received === "first", "what came behind the preamble has been read");
}

describe.skipIf(process.platform === "win32")("a stranger on the preload's socket", () => {
  test.for([
    ["garbage", () => Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ["zeros", () => Buffer.alloc(24)],
    ["a megabyte", () => Buffer.alloc(1_000_000, 1)],
    ["the secret as text", (secret: string) => Buffer.from(secret)],
    ["a secret that is almost right", (secret: string) => flipLastBit(preamble(secret, 1, 0))],
    ["a worker's number that is not awaited", (secret: string) => preamble(secret, 101, 0)],
    ["the greatest number", (secret: string) => preamble(secret, 0xffff_ffff, 0)],
    ["a role that there is not", (secret: string) => preamble(secret, 1, 3)],
  ] as const)("that says %s is closed", async ([, say]) => {
    const { listener, workers } = await listen();
    const { path, secret } = listener;
    const stranger = call(path, say(secret));
    await until(() => stranger.isClosed, "the stranger is closed");
    expect(workers.size).toBe(0);
    await expectToWork(path, secret, 1);
  });

  test.for([0, 1, 15, 16, 23])("that says %d bytes and ends is closed", async (length) => {
    const { listener, workers } = await listen();
    const { path, secret } = listener;
    const stranger = call(path);
    stranger.socket.end(preamble(secret, 1, 0).subarray(0, length));
    await until(() => stranger.isClosed, "the stranger is closed");
    expect(workers.size).toBe(0);
    await expectToWork(path, secret, 1);
  });

  test("that says too little, or nothing, and waits is closed in time", async () => {
    const { listener } = await listen();
    const { path, secret } = listener;
    const strangers = [0, 23].map((length) => call(path, preamble(secret, 1, 0).subarray(0, length)));
    await expectToWork(path, secret, 2);
    expect(strangers.map(({ isClosed }) => isClosed)).toEqual([false, false]);
    await until(() => strangers.every(({ isClosed }) => isClosed), "the strangers are closed");
  });

  test("that takes a role which is taken is closed, and whoever has it goes on", async () => {
    const { listener } = await listen();
    const { path, secret } = listener;
    const worker = call(path, preamble(secret, 1, 0));
    worker.socket.write("one");
    await until(() => worker.received === "one", "the worker is heard");
    const stranger = call(path, preamble(secret, 1, 0));
    await until(() => stranger.isClosed, "the stranger is closed");
    worker.socket.write("two");
    await until(() => worker.received === "onetwo", "the worker is heard again");
  });

  test("a preamble in single bytes is one", async () => {
    const { listener, workers } = await listen();
    const worker = call(listener.path);
    worker.socket.setNoDelay(true);
    for (const byte of preamble(listener.secret, 1, 2)) {
      worker.socket.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    await until(() => workers.has("1:2"), "the worker has been taken");
  });

  test("that comes a thousand times keeps no worker out, and holds few connections", async () => {
    const { listener } = await listen();
    const { path, secret } = listener;
    const strangers: ReturnType<typeof call>[] = [];
    for (let number = 1; number <= 20; number += 1) {
      const batch = Array.from({ length: 50 }, () => call(path));
      await Promise.all(batch.map(({ socket }) => once(socket, "connect")));
      strangers.push(...batch);
      await expectToWork(path, secret, number);
    }
    await until(() => strangers.filter(({ isClosed }) => !isClosed).length <= 256, "the first are closed");
    await until(() => strangers.every(({ isClosed }) => isClosed), "all are closed");
    await expectToWork(path, secret, 21);
  });

  test("sees a folder of mode 0700 where there are no abstract addresses, and nothing of it is left", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    vi.stubEnv("TMPDIR", folder.file(""));
    onTestFinished(() => void vi.unstubAllEnvs());
    const { listener } = await listen("darwin");
    const [name] = readdirSync(folder.file(""));
    expect(statSync(join(folder.file(""), name!)).mode & 0o777).toBe(0o700);
    expect(listener.path).toBe(join(folder.file(""), name!, "fork"));
    await expectToWork(listener.path, listener.secret, 1);
    listener.close();
    expect(readdirSync(folder.file(""))).toEqual([]);
  });

  test.runIf(process.platform === "linux")("finds an address that only who was told it can know", async () => {
    const first = await listen();
    const second = await listen();
    expect(first.listener.path).toMatch(/^\0scorefn-[0-9a-f]{99}$/);
    expect(first.listener.path).not.toBe(second.listener.path);
    expect(first.listener.secret).toMatch(/^[0-9a-f]{32}$/);
    expect(first.listener.secret).not.toBe(second.listener.secret);
  });
});
