import type { RawHttpRun, RunContext } from "../authoring/authoring.ts";
import type { BodyStream, RunOutcome } from "../core/types.ts";
import type { ScriptInput } from "./input.ts";

/** Calls a raw HTTP run() with a web-standard request and takes its response apart again. */
export async function runRawHttp(run: RawHttpRun, input: ScriptInput, context: RunContext): Promise<RunOutcome> {
  const startedAt = performance.now();
  const response = await run(toRequest(input, context), context);
  const execMs = performance.now() - startedAt;
  if (!(response instanceof Response)) {
    throw new TypeError(`a rawHttp run() must return a Response; it returned ${describe(response)}`);
  }
  const body = await readBody(response);
  const headers: [string, string][] = [];
  for (const [name, value] of response.headers) headers.push([name, value]);
  return { kind: "response", status: response.status, headers, body, execMs, fromScript: true };
}

function toRequest(input: ScriptInput, context: RunContext): Request {
  const { method = "POST", path = "/score", query = "", headers = {} } = input;
  const host = headers.host ?? "localhost";
  const url = `http://${host}${path}${query === "" ? "" : `?${query}`}`;
  const bodyless = method === "GET" || method === "HEAD";
  return new Request(url, {
    method,
    headers: { ...headers },
    body: bodyless ? null : (input.body as Uint8Array<ArrayBuffer>),
    signal: context.signal,
  });
}

/** A body that is there at once is sent whole, with its length; one that takes longer is streamed. */
async function readBody(response: Response): Promise<Uint8Array | BodyStream> {
  if (response.body === null) return new Uint8Array(0);
  const reader = response.body.getReader();
  const first = await reader.read();
  if (first.done) return new Uint8Array(0);
  const second = reader.read();
  const ended = await Promise.race([second.then(({ done }) => done), macrotask()]);
  if (ended) return first.value;
  const body = rest(first.value, second, reader);
  await body.next();
  return body;
}

function macrotask(): Promise<false> {
  return new Promise((resolve) => setImmediate(resolve, false as const));
}

/** Its first value is empty and is to be taken at once: a generator that is closed before it was begun runs none of its
 *  code, so the script's stream would not be cancelled. */
async function* rest(
  first: Uint8Array,
  second: ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield new Uint8Array(0);
    yield first;
    for (let item = await second; !item.done; item = await reader.read()) if (item.value.length > 0) yield item.value;
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === "object" ? (value.constructor?.name ?? "an object") : `a ${typeof value}`;
}
