import { type ChildProcess, spawn } from "node:child_process";

/** One message of the Debug Adapter Protocol, as far as the tests read it. */
interface DapMessage {
  readonly type: "response" | "event" | "request";
  readonly command?: string;
  readonly event?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  // biome-ignore lint/suspicious/noExplicitAny: each kind of message has a body of its own.
  readonly body?: any;
}

/** What an editor does: starts a debug adapter and speaks the Debug Adapter Protocol with it on stdin and stdout. */
export class DapClient {
  readonly #adapter: ChildProcess;
  readonly #waiting: { matches: (message: DapMessage) => boolean; resolve: (message: DapMessage) => void }[] = [];
  readonly #seen: DapMessage[] = [];
  #bytes = Buffer.alloc(0);
  #seq = 0;

  constructor(command: string, args: readonly string[]) {
    this.#adapter = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#adapter.stdout!.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#read();
    });
  }

  /** Sends a request. @returns the body of its response   @throws when it is refused */
  async request(command: string, args: object = {}): Promise<DapMessage["body"]> {
    const seq = ++this.#seq;
    const text = JSON.stringify({ seq, type: "request", command, arguments: args });
    this.#adapter.stdin!.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    const response = await this.#next((message) => message.type === "response" && message.request_seq === seq);
    if (response.success !== true) throw new Error(`${command}: ${response.message}`);
    return response.body;
  }

  /** Waits for an event, which may have come already. @returns its body */
  async event(name: string): Promise<DapMessage["body"]> {
    return (await this.#next((message) => message.event === name)).body;
  }

  close(): void {
    this.#adapter.kill();
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
