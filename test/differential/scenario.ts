import type { WireRequest } from "./exchange.ts";

/** One life of a server: how it is started, what it is asked. It runs in a folder of its own, which is also its app root. */
export interface Scenario {
  /** Unique; begins with the ids of the contract it looks at. */
  readonly name: string;
  /** Files of `scripts/` to be copied into the folder. */
  readonly scripts?: readonly string[];
  /** Further files of the folder: path to content. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Default: `--entry_script` with the first of `scripts`. A free `--port` is added unless `port` is false. */
  readonly args?: readonly string[];
  readonly port?: false;
  /** `<folder>` in a value becomes the path of the folder. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the reference is given in its place, where it cannot run what ours can. */
  readonly forReference?: Pick<Scenario, "scripts" | "files">;
  /** Absent: the process is to end by itself. */
  readonly requests?: readonly LabelledRequest[];
}

export interface LabelledRequest extends WireRequest {
  /** Stands for the request in differences; unique within its scenario. */
  readonly label: string;
}

type Headers = Readonly<Record<string, string>>;

export function get(path: string, headers: Headers = {}): LabelledRequest {
  return send("GET", path, undefined, headers);
}

export function post(body: string | Uint8Array, headers: Headers = {}, path = "/score"): LabelledRequest {
  return send("POST", path, body, headers);
}

export function send(method: string, path: string, body?: string | Uint8Array, headers: Headers = {}): LabelledRequest {
  const words = [method, path];
  for (const [name, value] of Object.entries(headers)) words.push(`${name}:${shorten(value)}`);
  if (typeof body === "string") words.push(JSON.stringify(shorten(body)));
  else if (body !== undefined) words.push(`<${shorten(Buffer.from(body).toString("hex"))}>`);
  return {
    label: words.join(" "),
    method,
    path,
    headers: Object.entries(headers),
    ...(body !== undefined && { body }),
  };
}

/** Long enough for the inputs of the scenarios to differ. */
const SHOWN_CHARACTERS = 30;

function shorten(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…(${text.length})`;
}
