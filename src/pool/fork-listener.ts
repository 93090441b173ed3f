// Where forked workers connect to the front (docs/worker-protocol.md, §8). Others can connect, too: what they say or leave
// unsaid changes nothing here.
import { randomBytes, timingSafeEqual } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SECRET_BYTES = 16;

/** What a connection begins with: secret, number of the fork, role of the connection. */
const PREAMBLE_BYTES = SECRET_BYTES + 8;

/** Bytes of an abstract address of Linux, all of which are used: some versions of Node fill up a shorter one with zeros, which
 *  makes it another address. The first is zero. */
const ABSTRACT_BYTES = 108;

/** So long may a connection say nothing, in milliseconds; a worker writes its preamble when it has connected. */
const SILENCE_MS = 5_000;

/** So many connections wait with the system to be taken; a worker's call waits while there are more. */
const BACKLOG = 64;

/** So many connections may be silent at a time; then the oldest of them is closed. Several times as many as can come at once,
 *  so that none is closed before what it has said could be read. */
const MAX_SILENT = 256;

/** A worker has connected. @returns false when it is not awaited */
export type OnWorker = (number: number, role: number, socket: Socket) => boolean;

export class ForkListener {
  /** Address of the unix socket. */
  readonly path: string;
  readonly #secret = randomBytes(SECRET_BYTES);
  readonly #folder: string | undefined;
  readonly #server: Server;
  readonly #silent = new Set<Socket>();
  readonly #onWorker: OnWorker;

  private constructor(onWorker: OnWorker, platform: NodeJS.Platform) {
    this.#onWorker = onWorker;
    if (platform === "linux") {
      // An abstract address: no file that a killed front could leave behind.
      this.path = `\0scorefn-${randomBytes(ABSTRACT_BYTES).toString("hex")}`.slice(0, ABSTRACT_BYTES);
    } else {
      // Of mode 0700.
      this.#folder = mkdtempSync(join(tmpdir(), "scorefn-"));
      this.path = join(this.#folder, "fork");
    }
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** @param platform stands in for the process's own */
  static open(onWorker: OnWorker, platform: NodeJS.Platform = process.platform): Promise<ForkListener> {
    const listener = new ForkListener(onWorker, platform);
    const server = listener.#server;
    return new Promise((resolve, reject) => {
      server.once("error", (error) => {
        listener.close();
        reject(error);
      });
      server.listen({ path: listener.path, backlog: BACKLOG }, () => {
        // A connection that cannot be accepted is its worker's loss.
        server.removeAllListeners("error").on("error", () => {});
        resolve(listener);
      });
    });
  }

  /** What workers must know, hexadecimal. */
  get secret(): string {
    return this.#secret.toString("hex");
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#silent) socket.destroy();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  #accept(socket: Socket): void {
    const timer = setTimeout(() => socket.destroy(), SILENCE_MS);
    const forget = (): void => {
      clearTimeout(timer);
      this.#silent.delete(socket);
      socket.off("readable", read).off("close", forget);
    };
    const read = (): void => {
      const preamble: Buffer | null = socket.read(PREAMBLE_BYTES);
      if (preamble === null) return;
      forget();
      if (!this.#isWorker(preamble, socket)) socket.destroy();
    };
    this.#silent.add(socket);
    socket
      .on("error", () => {})
      .on("close", forget)
      .on("readable", read);
    if (this.#silent.size > MAX_SILENT) for (const oldest of this.#silent) return void oldest.destroy();
  }

  #isWorker(preamble: Buffer, socket: Socket): boolean {
    // The last bytes of a connection come though they are fewer.
    if (preamble.length !== PREAMBLE_BYTES) return false;
    if (!timingSafeEqual(preamble.subarray(0, SECRET_BYTES), this.#secret)) return false;
    return this.#onWorker(preamble.readUInt32LE(SECRET_BYTES), preamble.readUInt32LE(SECRET_BYTES + 4), socket);
  }
}
