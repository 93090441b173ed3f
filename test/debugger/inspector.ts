// A client of Node's inspector: JSON messages in WebSocket frames. Node 20 has no WebSocket of its own.
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import type { Socket } from "node:net";

interface InspectorMessage {
  readonly id?: number;
  readonly method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: each method has parameters and a result of its own.
  readonly params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly result?: any;
  readonly error?: { readonly message: string };
}

export class InspectorClient {
  readonly #socket: Socket;
  readonly #listeners = new Set<(message: InspectorMessage) => void>();
  #bytes: Buffer;
  #lastId = 0;

  private constructor(socket: Socket, first: Buffer) {
    this.#socket = socket;
    this.#bytes = first;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#read();
    });
  }

  /** Connects to the first target of the inspector at this port of 127.0.0.1. */
  static async connect(port: number): Promise<InspectorClient> {
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[];
    const { pathname } = new URL(targets[0]!.webSocketDebuggerUrl);
    const headers = {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
    };
    return new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port, path: pathname, headers })
        .once("upgrade", (_response, socket: Socket, head) => resolve(new InspectorClient(socket, head)))
        .once("error", reject)
        .end();
    });
  }

  /** Calls a method of the protocol. @returns its result   @throws when it is refused */
  async call(method: string, params: object = {}): Promise<InspectorMessage["result"]> {
    const id = ++this.#lastId;
    const answer = this.#next((message) => message.id === id);
    this.#write(JSON.stringify({ id, method, params }));
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** The parameters of the next event of that name that fits. Ask before it comes. */
  async event(
    method: string,
    fits: (params: InspectorMessage["params"]) => boolean = () => true,
  ): Promise<InspectorMessage["params"]> {
    return (await this.#next((message) => message.method === method && fits(message.params))).params;
  }

  close(): void {
    this.#socket.destroy();
  }

  #next(matches: (message: InspectorMessage) => boolean): Promise<InspectorMessage> {
    return new Promise((resolve) => {
      const listener = (message: InspectorMessage): void => {
        if (!matches(message)) return;
        this.#listeners.delete(listener);
        resolve(message);
      };
      this.#listeners.add(listener);
    });
  }

  /** One text frame, masked as a client's must be. */
  #write(text: string): void {
    const payload = Buffer.from(text);
    const mask = randomBytes(4);
    const head = Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 0xff]);
    for (let index = 0; index < payload.length; index++) payload[index]! ^= mask[index % 4]!;
    this.#socket.write(Buffer.concat([head, mask, payload]));
  }

  /** Reads whole frames; the inspector neither masks nor splits them. */
  #read(): void {
    while (this.#bytes.length >= 2) {
      const short = this.#bytes[1]! & 0x7f;
      const start = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (this.#bytes.length < start) return;
      const length =
        short < 126 ? short : short === 126 ? this.#bytes.readUInt16BE(2) : Number(this.#bytes.readBigUInt64BE(2));
      if (this.#bytes.length < start + length) return;
      const message: InspectorMessage = JSON.parse(this.#bytes.toString("utf8", start, start + length));
      this.#bytes = this.#bytes.subarray(start + length);
      for (const listener of this.#listeners) listener(message);
    }
  }
}
