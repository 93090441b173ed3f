import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { LogFormat } from "../../src/host.ts";

/** So many lines of a deployment are kept. */
export const KEPT_LINES = 5_000;

/** A longer line comes as several, in characters: what a script prints without a line end must not fill the memory. */
export const MAX_LINE_CHARS = 65_536;

/** What a deployment has written, whichever of its versions: each line goes to the sink, and the last ones are kept. */
export class Lines {
  readonly #deployment: string;
  readonly #onLine: ((deployment: string, line: string) => void) | undefined;
  readonly #lines: string[] = [];
  /** Where the next line goes once there are as many as are kept. */
  #next = 0;

  constructor(deployment: string, onLine?: (deployment: string, line: string) => void) {
    this.#deployment = deployment;
    this.#onLine = onLine;
  }

  add(line: string): void {
    if (this.#lines.length < KEPT_LINES) this.#lines.push(line);
    else {
      this.#lines[this.#next] = line;
      this.#next = (this.#next + 1) % KEPT_LINES;
    }
    this.#onLine?.(this.#deployment, line);
  }

  /** The last ones, oldest first. */
  last(count: number): readonly string[] {
    const inOrder = [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)];
    return count > 0 ? inOrder.slice(-count) : [];
  }

  /** Takes whole lines, each ending with a newline. */
  writer(format: LogFormat): (text: string) => void {
    const add = this.#adder(format);
    return (text) => {
      for (const line of text.split("\n").slice(0, -1)) add(line);
    };
  }

  /** Reads a stream to its end. */
  read(stream: Readable, format: LogFormat): void {
    const add = this.#adder(format);
    const decoder = new StringDecoder("utf8");
    let begun = "";
    stream.on("data", (chunk: Buffer) => {
      const pieces = (begun + decoder.write(chunk)).split("\n");
      begun = pieces.pop()!;
      for (const line of pieces) addInParts(line, add);
      if (begun.length > MAX_LINE_CHARS) {
        addInParts(begun, add);
        begun = "";
      }
    });
    stream.once("close", () => {
      begun += decoder.end();
      if (begun !== "") addInParts(begun, add);
    });
    // A broken pipe shows as closed.
    stream.on("error", () => {});
  }

  /** Records of the format `json` say whose they are. */
  #adder(format: LogFormat): (line: string) => void {
    if (format !== "json") return (line) => this.add(line);
    const member = `,"deployment":${JSON.stringify(this.#deployment)}}`;
    return (line) => this.add(isRecord(line) ? `${line.slice(0, -1)}${member}` : line);
  }
}

/** As the server and its workers write them. */
function isRecord(line: string): boolean {
  return line.startsWith('{"time":"') && line.endsWith("}");
}

function addInParts(line: string, add: (line: string) => void): void {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  if (text.length <= MAX_LINE_CHARS) add(text);
  else for (let start = 0; start < text.length; start += MAX_LINE_CHARS) add(text.slice(start, start + MAX_LINE_CHARS));
}
