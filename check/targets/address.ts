// A server that runs somewhere.
import { NotLoaded, type ReceivedAnswer, type Running, type SentRequest, type Target } from "../types.ts";

export interface AddressOptions {
  readonly url: URL;
  /** Goes along with every request, with lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** How long one answer may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** How long a server may take to say that it lives, in milliseconds. */
const REACH_MS = 10_000;

/** The address as messages and reports show it: no password. */
export function shownAddress(url: URL): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  shown.search = "";
  return shown.href.replace(/\/$/, "");
}

/** What paths of requests are put behind: the address without `/score`. */
export function baseOf(url: URL): string {
  return `${url.origin}${url.pathname.replace(/\/(?:score\/?)?$/, "")}`;
}

export function addressTarget(options: AddressOptions): Target {
  const name = shownAddress(options.url);
  return { name, startName: "the server answers", start: () => start(options, name) };
}

async function start({ url, headers, timeoutMs }: AddressOptions, name: string): Promise<Running> {
  const base = baseOf(url);
  const send = (request: SentRequest, limitMs: number = timeoutMs): Promise<ReceivedAnswer> =>
    post(base, { ...request, headers: { ...headers, ...request.headers } }, limitMs);
  try {
    await send(
      { method: "GET", path: "/", query: "", headers: {}, body: Buffer.alloc(0) },
      Math.min(REACH_MS, timeoutMs),
    );
  } catch (error) {
    const message = `${name}: ${(error as Error).message}`;
    throw new NotLoaded({
      rule: "address-reach",
      level: "error",
      message,
      cure: "look whether the server runs, and whether the address is right",
    });
  }
  return { send, close: async () => {} };
}

/** What systems say, in words. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the name of the host cannot be looked up",
  ECONNRESET: "the connection was reset",
  UND_ERR_SOCKET: "the connection was closed",
};

/** @throws Error whose message says why there is no answer */
async function post(
  base: string,
  { method, path, query, headers, body }: SentRequest,
  limitMs: number,
): Promise<ReceivedAnswer> {
  const from = performance.now();
  const hasBody = body.length > 0 && method !== "GET" && method !== "HEAD";
  try {
    const response = await fetch(`${base}${path}${query === "" ? "" : `?${query}`}`, {
      method,
      headers,
      redirect: "manual",
      signal: AbortSignal.timeout(limitMs),
      ...(hasBody && { body }),
    });
    const received = Buffer.from(await response.arrayBuffer());
    return {
      status: response.status,
      headers: [...response.headers],
      body: received,
      isComplete: true,
      ms: performance.now() - from,
    };
  } catch (error) {
    if ((error as Error).name === "TimeoutError") throw new Error(`no answer within ${limitMs} ms`);
    const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    throw new Error(REASONS[code ?? ""] ?? message);
  }
}
