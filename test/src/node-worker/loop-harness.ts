// A task loop on a link in memory, with a clock of its own.
import { fileURLToPath } from "node:url";
import type { Log } from "../../../src/core/log.ts";
import type { Link } from "../../../src/node-worker/channel.ts";
import { TaskLoop } from "../../../src/node-worker/loop.ts";
import { RecordLink } from "../../../src/node-worker/records.ts";
import { FrameReader, frameHead } from "../../../src/protocol/frame.ts";
import {
  creditPayload,
  Frame,
  jsonPayload,
  parseJson,
  type Records,
  splitMeta,
  toBeginBy,
} from "../../../src/protocol/messages.ts";
import { type LoadedScript, loadJavaScript } from "../../../src/script/javascript.ts";

const silent = { debug() {}, info() {}, warning() {}, error() {}, critical() {} };
export const silentLog = { server: silent, script: silent, print: silent } as unknown as Log;

const folder = new URL("../../fixtures/scenarios/", import.meta.url);
export const scenarioFile = (name: string): URL => new URL(name, folder);

export function loadScenarioScript(): Promise<LoadedScript> {
  const entryScript = fileURLToPath(scenarioFile("scripts/score.mjs"));
  return loadJavaScript({ entryScript, appRoot: fileURLToPath(folder), modelDir: null }, silentLog);
}

export interface Said {
  /** As the scenarios write it: `RESULT 1`, `RECALLED 2,3`, `ERROR 1 run`. */
  readonly text: string;
  readonly type: number;
  readonly id: number;
  /** Which write brought it. */
  readonly write: number;
}

/** What the script of the scenarios tells and asks. */
export class Hooks {
  readonly ran: string[] = [];
  readonly closedNames: string[] = [];
  readonly #gates = new Map<string, { promise: Promise<void>; open: () => void }>();

  readonly noted: string[] = [];
  /** The script writes a record. */
  note: (text: string) => void = () => {};
  readonly began = (name: string): void => void this.ran.push(name);
  readonly closed = (name: string): void => void this.closedNames.push(name);
  readonly gate = (name: string): Promise<void> => this.#gate(name).promise;

  release(name: string): void {
    this.#gate(name).open();
  }

  #gate(name: string): { promise: Promise<void>; open: () => void } {
    let gate = this.#gates.get(name);
    if (gate === undefined) {
      let open = (): void => {};
      const promise = new Promise<void>((resolve) => {
        open = resolve;
      });
      gate = { promise, open };
      this.#gates.set(name, gate);
    }
    return gate;
  }
}

export class LoopHarness {
  clockMs = 1_000_000;
  /** Milliseconds that pass while the next BEGUN is written. */
  afterBegunMs = 0;
  readonly said: Said[] = [];
  stopped = 0;
  /** Called for each frame of the loop with the clock when its write began. */
  onSaid: (said: Said, before: number) => void = () => {};
  readonly loop: TaskLoop;
  readonly #toLoop: FrameReader;
  /** Keeps the script's records, where the front wants them. */
  readonly records: RecordLink | undefined;
  /** What waits for the end of a turn of the records. */
  #turns: (() => void)[] = [];
  #writes = 0;

  constructor(script: LoadedScript, concurrency: number, records = false) {
    const fromLoop = new FrameReader((type, id, payload) => {
      this.said.push({ text: describe(type, id, payload), type, id, write: this.#writes });
    });
    const link: Link = {
      write: (buffers) => {
        this.#writes++;
        const before = this.clockMs;
        const count = this.said.length;
        fromLoop.feed(Buffer.concat(buffers));
        if (!fromLoop.atBoundary) throw new Error("a write ends within a frame");
        const frames = this.said.slice(count);
        if (frames.some(({ type }) => type === Frame.BEGUN)) {
          this.clockMs += this.afterBegunMs;
          this.afterBegunMs = 0;
        }
        for (const said of frames) this.onSaid(said, before);
      },
    };
    const tryWrite = (bytes: Buffer): number => {
      link.write([bytes]);
      return bytes.length;
    };
    if (records) this.records = new RecordLink(link, tryWrite, (action) => void this.#turns.push(action));
    this.loop = new TaskLoop({
      link: this.records ?? link,
      script,
      concurrency,
      now: () => this.clockMs,
      defer: setImmediate,
      onStopped: () => void this.stopped++,
    });
    this.#toLoop = new FrameReader((...frame) => this.loop.receive(...frame));
  }

  note(text: string): void {
    this.records?.add({ time: 0, level: "INFO", logger: "test", message: text, fields: undefined });
  }

  /** Lets a turn of the records end. */
  turn(): void {
    for (const action of this.#turns.splice(0)) action();
  }

  /** As one read of the pipe. */
  feed(chunk: Buffer): void {
    this.#toLoop.feed(chunk);
    this.loop.advance();
  }

  /** A frame as the scenarios write it: `RUN 2 waits 1000 quick b`, `RECALL 0`. */
  encode(text: string): Buffer {
    const [name, idText = "0", ...words] = text.split(" ");
    const id = Number(idText);
    switch (name) {
      case "RUN": {
        const waits = words[0] === "waits";
        const rest = waits ? words.slice(2) : words;
        const beginBy = waits ? toBeginBy(this.clockMs + Number(words[1])) : 0;
        if (rest[0] === "meta") {
          const meta = Buffer.from(rest[1]!);
          const length = Buffer.alloc(4);
          length.writeUInt32LE(meta.length);
          return frame(
            Frame.RUN_META,
            id,
            Buffer.concat([length, meta, Buffer.from(rest.slice(2).join(" "))]),
            beginBy,
          );
        }
        const body = rest[0] === "garbled" ? Buffer.of(0xff) : Buffer.from(rest.join(" "));
        return frame(Frame.RUN, id, body, beginBy);
      }
      case "INTERRUPT":
        return frame(Frame.INTERRUPT, id, jsonPayload({ reason: words[0], timeoutMs: 1500 }));
      case "CREDIT":
        return frame(Frame.CREDIT, id, creditPayload(Number(words[0])));
      case "RECALL":
        return frame(Frame.RECALL, id);
      default:
        return frame(Frame.STOP, 0);
    }
  }
}

export function frame(type: number, id: number, payload: Buffer = Buffer.alloc(0), beginBy = 0): Buffer {
  return Buffer.concat([frameHead(type, id, payload.length, beginBy), payload]);
}

const NAMES = Object.fromEntries(Object.entries(Frame).map(([name, type]) => [type, name]));

function describe(type: number, id: number, payload: Buffer): string {
  const name = NAMES[type]!;
  switch (type) {
    case Frame.RECALLED:
      return `${name} ${parseJson<{ ids: number[] }>(payload).ids.join(",")}`.trim();
    case Frame.RECORDS: {
      const { records, dropped } = parseJson<Records>(payload);
      return `${name} ${records.map(({ message }) => message).join(",")}${dropped > 0 ? ` +${dropped}` : ""}`;
    }
    case Frame.ERROR:
      return `${name} ${id} ${parseJson<{ kind: string }>(payload).kind}`;
    case Frame.CHUNK:
      return `${name} ${id} ${payload.length}`;
    case Frame.RESPONSE:
      return `${name} ${id}${splitMeta<{ stream: boolean }>(payload).meta.stream ? "" : " whole"}`;
    default:
      return `${name} ${id}`;
  }
}
