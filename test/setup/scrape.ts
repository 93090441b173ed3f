// A reader of metrics that shares nothing with what writes them.
import { request as sendRequest } from "node:http";
import { DEADLINE_MS } from "./deadline.ts";

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** The labels of its exemplar. */
  readonly exemplar: string | undefined;
}

export interface Scrape {
  readonly text: string;
  readonly contentType: string;
  readonly samples: readonly Sample[];
  /** Sum of the samples of that name that have at least these labels; undefined: there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

/** @param url of the server */
export async function scrape(url: string, accept = "*/*", path = "/metrics"): Promise<Scrape> {
  // A connection that is kept would be one of those that a test may count.
  const headers = { accept, connection: "close" };
  const answer = await fetch(url + path, { headers, signal: AbortSignal.timeout(DEADLINE_MS) });
  if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
  return read(await answer.text(), answer.headers.get("content-type") ?? "");
}

function read(text: string, contentType: string): Scrape {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const samples = lines.map(readSample);
  return {
    text,
    contentType,
    samples,
    value(name, labels = {}) {
      const fits = samples.filter(
        (sample) =>
          sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      );
      return fits.length === 0 ? undefined : fits.reduce((sum, { value }) => sum + value, 0);
    },
  };
}

const SAMPLE =
  /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)(?: # \{(.*)\} \S+ \S+)?$/;

function readSample(line: string): Sample {
  const [, name, labels = "", value, exemplar] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label!, text!] as const);
  return { name, labels: Object.fromEntries(pairs), value: Number(value), exemplar };
}

/** A request whose method and target are sent as they are. */
export function sendRaw(
  url: string,
  { method, path, headers = {} }: { method: string; path: string; headers?: Record<string, string> },
): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = sendRequest({ hostname, port, method, path, headers, agent: false }, (answer) => {
      answer.resume().once("end", () => resolve(answer.statusCode ?? 0));
    });
    sent.once("error", reject).end();
  });
}
