import { spawn } from "node:child_process";
import { connect } from "node:net";
import type { Readable, Writable } from "node:stream";

/** One message of the Debug Adapter Protocol, as far as the tests read it. */
interface DapMessage {
  readonly type: "response" | "event" | "request";
  readonly seq?: number;
  readonly command?: string;
  readonly event?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  // biome-ignore lint/suspicious/noExplicitAny: each kind of message has a body of its own.
  readonly body?: any;
  /** Of a request. */
  readonly arguments?: DapMessage["body"];
}

/** What an editor does: speaks the Debug Adapter Protocol with a debug adapter. */
export class DapClient {
  readonly #output: Writable;
  readonly #close: () => void;
  readonly #waiting: { matches: (message: DapMessage) => boolean; resolve: (message: DapMessage) => void }[] = [];
  readonly #seen: DapMessage[] = [];
  #bytes = Buffer.alloc(0);
  #seq = 0;

  private constructor(input: Readable, output: Writable, close: () => void) {
    this.#output = output;
    this.#close = close;
    input.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#read();
    });
    output.on("error", () => {});
  }

  /** Starts an adapter that speaks on stdin and stdout. */
  static start(command: string, args: readonly string[]): DapClient {
    const adapter = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    return new DapClient(adapter.stdout, adapter.stdin, () => adapter.kill());
  }

  /** Opens a session with an adapter that listens at this port of 127.0.0.1. */
  static connect(port: number): DapClient {
    const socket = connect(port, "127.0.0.1");
    return new DapClient(socket, socket, () => socket.destroy());
  }

  /** Sends a request. @returns the body of its response   @throws when it is refused */
  async request(command: string, args: object = {}): Promise<DapMessage["body"]> {
    const seq = ++this.#seq;
    this.#write({ seq, type: "request", command, arguments: args });
    const response = await this.#next((message) => message.type === "response" && message.request_seq === seq);
    if (response.success !== true) throw new Error(`${command}: ${response.message}`);
    return response.body;
  }

  /** Waits for an event, which may have come already. @returns its body */
  async event(name: string): Promise<DapMessage["body"]> {
    return (await this.#next((message) => message.event === name)).body;
  }

  /** Waits for a request of the adapter's own, and says that it is done. @returns its arguments */
  async requested(command: string): Promise<DapMessage["body"]> {
    const request = await this.#next((message) => message.type === "request" && message.command === command);
    this.#write({ seq: ++this.#seq, type: "response", request_seq: request.seq, command, success: true, body: {} });
    return request.arguments;
  }

  close(): void {
    this.#close();
  }

  #write(message: object): void {
    const text = JSON.stringify(message);
    this.#output.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  #next(matches: (message: DapMessage) => boolean): Promise<DapMessage> {
    const index = this.#seen.findIndex(matches);
    if (index >= 0) return Promise.resolve(this.#seen.splice(index, 1)[0]!);
    return new Promise((resolve) => this.#waiting.push({ matches, resolve }));
  }

  #read(): void {
    for (;;) {
      const end = this.#bytes.indexOf("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/i.exec(this.#bytes.toString("latin1", 0, Math.max(end, 0)))?.[1]);
      if (end < 0 || this.#bytes.length < end + 4 + length) return;
      const message: DapMessage = JSON.parse(this.#bytes.toString("utf8", end + 4, end + 4 + length));
      this.#bytes = this.#bytes.subarray(end + 4 + length);
      const index = this.#waiting.findIndex(({ matches }) => matches(message));
      if (index < 0) this.#seen.push(message);
      else this.#waiting.splice(index, 1)[0]!.resolve(message);
    }
  }
}
