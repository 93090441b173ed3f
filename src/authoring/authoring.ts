// What authors of TypeScript scripts import, as types or as values.
import { mark, markerOf } from "./marker.ts";

/** Second argument of `run(data, context)`. */
export interface RunContext {
  /** Lower-case names; a repeated header is joined with `,`. */
  readonly requestHeaders: Readonly<Record<string, string>>;
  /** `x-request-id` of the request, or the id the server gave it. */
  readonly requestId: string;
  /** Aborts at the scoring deadline and when the client leaves. */
  readonly signal: AbortSignal;
  /** W3C traceparent for what run() calls in turn: of the server's span where it traces, else the caller's. Undefined:
   *  neither. */
  readonly traceparent: string | undefined;
  /** W3C tracestate that goes with it. */
  readonly tracestate: string | undefined;
  /** Writes records on logger `azmlinfsrv.print`. */
  readonly logger: ScriptLogger;
}

export interface ScriptLogger {
  debug(message: string): void;
  info(message: string): void;
  warning(message: string): void;
  error(message: string): void;
}

/** Shape of a score script, for `export default { init, run } satisfies ScoreScript`. What run() returns is rendered as
 *  JSON; a generator is streamed. `Input` is what run() gets: text, a `Request` with rawHttp(), the declared members with
 *  schema(). */
export interface ScoreScript<Input = string> {
  init(): void | Promise<void>;
  run(data: Input, context: RunContext): unknown;
}

/** A raw HTTP run(): gets a web-standard request, gives a web-standard response. */
export type RawHttpRun = (request: Request, context: RunContext) => Response | Promise<Response>;

// A registered symbol, because a script may come with its own copy of this package.
const RAW_HTTP = Symbol.for("scorefn.rawHttp");

/** Marks run() as taking the HTTP request itself: `export const run = rawHttp(async (request) => new Response("hi"))`. */
export function rawHttp(run: RawHttpRun): RawHttpRun {
  const raw = Object.assign((request: Request, context: RunContext) => run(request, context), { [RAW_HTTP]: true });
  // Both at once is a mistake, which is told when the script is loaded.
  const marker = markerOf(run);
  return marker === undefined ? raw : mark(raw, marker);
}

export function isRawHttp(run: unknown): run is RawHttpRun {
  return typeof run === "function" && (run as { [RAW_HTTP]?: boolean })[RAW_HTTP] === true;
}
