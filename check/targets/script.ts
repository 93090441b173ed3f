// A script, loaded as the server would load it: the same service and the same worker processes, without a port.
import { resolve } from "node:path";
import {
  type Config,
  createRuntime,
  createService,
  DeadlineError,
  openLog,
  ScoreError,
  type ScoreRequest,
  type ScoreResponse,
  type Service,
  timerMs,
  toScoreError,
} from "../../src/host.ts";
import { placeOf } from "../judge.ts";
import type { Output } from "../output.ts";
import { NotLoaded, type ReceivedAnswer, type Running, type SentRequest, type Target } from "../types.ts";
import { peakBytesOf, usageOf } from "../usage.ts";

export interface ScriptOptions {
  readonly config: Config;
  readonly warnings: readonly string[];
  /** As the user has named it. */
  readonly name: string;
  /** How long the script may take to be loaded, init() included, in milliseconds. */
  readonly initTimeoutMs: number;
  readonly output: Output;
}

/** A script that runs: it can also be served. */
export interface RunningScript extends Running {
  readonly service: Service;
}

/** Bytes of an answer that are kept. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Beyond the limit of run(), in milliseconds: what a request may take that has to wait for a worker. */
const WAIT_MS = 5_000;

/** How long workers may take to end, and what they wrote to arrive, in milliseconds. */
const END_MS = 1_000;

export function scriptTarget(options: ScriptOptions): Target<RunningScript> {
  const { config, name } = options;
  return {
    name,
    script: config.entryScript ?? undefined,
    startName: config.model === null ? "the script loads, and init() is done" : "the model loads",
    servesModel: config.model !== null,
    start: () => start(options),
  };
}

async function start({ config, warnings, initTimeoutMs, output }: ScriptOptions): Promise<RunningScript> {
  const failures = new WeakMap<object, ScoreError>();
  let modelDir = config.modelDir;
  let runs = 0;
  const service = openService(() =>
    createService({
      settings: { config, warnings },
      // What the server says of itself is no news; its warnings are.
      openLog: () => openLog({ ...config, logLevel: "WARNING" }, (text) => output.add(text)),
      createRuntime(ready, log, events) {
        ({ modelDir } = ready);
        return createRuntime(ready, log, events, { onOutput: (stream) => output.take(stream) });
      },
      subscribers: [
        {
          requestFailed: ({ request, failure }) => void failures.set(request, failure),
          runEnded({ end }) {
            if (end !== "bad_input") runs++;
          },
        },
      ],
    }),
  );
  const { runtime, scorer } = service;
  const close = async (): Promise<void> => {
    await runtime.close(0);
    scorer.flush();
    await output.ended(END_MS);
  };
  const startedAt = performance.now();
  try {
    await withinLimit(runtime.start(), initTimeoutMs);
  } catch (error) {
    await close();
    throw notLoaded(toScoreError(error), config);
  }
  const initMs = performance.now() - startedAt;

  async function send(sent: SentRequest): Promise<ReceivedAnswer> {
    const over = new AbortController();
    const { scoringTimeoutMs } = config;
    const limitMs = scoringTimeoutMs + WAIT_MS;
    const timer =
      scoringTimeoutMs === 0 ? undefined : setTimeout(() => over.abort(new DeadlineError(limitMs)), timerMs(limitMs));
    const late = new Promise<never>((_, reject) => {
      over.signal.addEventListener("abort", () => reject(over.signal.reason));
    });
    late.catch(() => {});
    const request: ScoreRequest = {
      ...sent,
      headers: { host: "localhost", ...sent.headers },
      remoteAddress: "127.0.0.1",
      signal: over.signal,
    };
    const from = performance.now();
    try {
      const response = await scorer.handle(request);
      const { body, isComplete, failure } = await collect(response, late);
      const ms = performance.now() - from;
      return {
        status: response.status,
        headers: response.headers,
        body,
        isComplete,
        ms,
        failure: failure ?? failures.get(request),
      };
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    service,
    initMs,
    modelDir: () => (modelDir === null ? undefined : resolve(modelDir)),
    send,
    peakBytes: () => peakBytesOf(runtime.load?.pids ?? []),
    runs: () => runs,
    usage: () => usageOf(runtime.load?.pids ?? []),
    close,
  };
}

/** @throws NotLoaded when the logging configuration cannot be used */
function openService(create: () => Service): Service {
  try {
    return create();
  } catch (error) {
    if (!(error instanceof ScoreError)) throw error;
    throw new NotLoaded({ rule: "script-load", level: "error", message: error.message });
  }
}

async function withinLimit(started: Promise<unknown>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TooLate(limitMs)), timerMs(limitMs));
  });
  try {
    await Promise.race([started, late]);
  } finally {
    clearTimeout(timer);
    started.catch(() => {});
  }
}

class TooLate extends ScoreError {
  static override readonly className: string = "TooLate";
  constructor(limitMs: number) {
    super("ERR_SCRIPT_INIT", `the script was not loaded, or init() was not done, within ${limitMs} ms`);
  }
}

function notLoaded(error: ScoreError, { appRoot }: Config): NotLoaded {
  const { report, message } = error;
  const cure =
    error instanceof TooLate ? "give it more time with --init_timeout_ms, or look for what it waits for" : report?.hint;
  const details = report?.codeFrame ?? report?.traceback;
  return new NotLoaded({
    rule: "script-load",
    level: "error",
    message,
    cure,
    details,
    place: placeOf(error, appRoot),
    key: error.code,
  });
}

/** The whole of a body, streams included.
 *  @param late rejects when nobody waits for the rest any more */
async function collect(
  { body }: ScoreResponse,
  late: Promise<never>,
): Promise<Pick<ReceivedAnswer, "body" | "isComplete" | "failure">> {
  if (typeof body === "string" || body instanceof Uint8Array) return { body: Buffer.from(body), isComplete: true };
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const stream = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await Promise.race([stream.next(), late]);
      if (done === true) return { body: Buffer.concat(chunks), isComplete: true };
      bytes += value.length;
      if (bytes > MAX_ANSWER_BYTES) {
        const message = `the answer has more than ${MAX_ANSWER_BYTES} bytes, more than is looked at`;
        throw new ScoreError("ERR_ANSWER", message);
      }
      chunks.push(value);
    }
  } catch (error) {
    // A script that is not done may take its time to hear of it.
    void stream.return?.().catch(() => {});
    return { body: Buffer.concat(chunks), isComplete: false, failure: toScoreError(error) };
  }
}
