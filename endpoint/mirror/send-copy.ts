// One request to a shadow: its answer, whatever the shadow does.
import {
  abandon,
  afterReading,
  DeadlineError,
  endEarly,
  type ScoreRequest,
  type ScoreResponse,
  timerMs,
} from "../../src/host.ts";
import type { Target } from "../types.ts";
import { Collected } from "./collect.ts";
import type { Answer } from "./compare.ts";

/** It was heard to its end, broke off, took too long, or the mirror had no time for it any more. */
export type End = "complete" | "failed" | "timeout" | "stopped";

export interface ShadowAnswer extends Answer {
  /** What the deployment said; undefined: nothing. */
  readonly head: ScoreResponse | undefined;
  readonly end: End;
  /** Milliseconds until the head of the answer, and until its end. */
  readonly headMs: number;
  readonly totalMs: number;
  /** Of the body, kept or not. */
  readonly bytes: number;
}

/** What a gateway would answer where there is none in time, and where a deployment fails as none should. */
const TIMEOUT_STATUS = 408;
const FAILED_STATUS = 500;

/** Never rejects. Does not wait for a shadow that goes on in spite of its signal.
 *  @param request its signal is not used: the copy has one of its own
 *  @param stops gets what ends it early, for as long as it runs */
export function sendCopy(
  shadow: Target,
  request: ScoreRequest,
  maxBodyBytes: number,
  stops: Set<() => void>,
): Promise<ShadowAnswer> {
  const begun = performance.now();
  const own = new AbortController();
  const collected = new Collected(maxBodyBytes);
  let head: ScoreResponse | undefined;
  let headMs = 0;
  let bytes = 0;
  let chunks: AsyncIterator<Uint8Array> | undefined;

  return new Promise((resolve) => {
    let isOver = false;
    let timer: NodeJS.Timeout;
    const finish = (end: End, statusWithout: number): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      stops.delete(leave);
      const totalMs = performance.now() - begun;
      const contentType = head === undefined ? "" : contentTypeOf(head);
      const body = head === undefined ? Buffer.alloc(0) : collected.body();
      resolve({
        status: head?.status ?? statusWithout,
        contentType,
        body,
        isCutOff: end !== "complete" && head !== undefined,
        head,
        end,
        headMs: head === undefined ? totalMs : headMs,
        totalMs,
        bytes,
      });
    };
    const stop = (end: End, reason: unknown): void => {
      finish(end, TIMEOUT_STATUS);
      own.abort(reason);
      if (chunks !== undefined) endEarly(chunks);
    };
    const leave = (): void => stop("stopped", undefined);
    const limitMs = shadow.requestTimeoutMs;
    const watchTime = (): void => {
      const leftMs = begun + limitMs - performance.now();
      timer = setTimeout(() => afterReading(check), timerMs(Math.max(0, leftMs)));
    };
    const check = (): void => {
      if (isOver) return;
      if (performance.now() < begun + limitMs) watchTime();
      else stop("timeout", new DeadlineError(limitMs));
    };
    watchTime();
    stops.add(leave);

    const read = async (): Promise<void> => {
      const { method, path, query, loggedQuery, headers, body: sent, remoteAddress } = request;
      const copy = {
        method,
        path,
        query,
        loggedQuery,
        headers,
        body: sent,
        remoteAddress,
        signal: own.signal,
        receivedAt: begun,
      };
      const answer = await shadow.handle(copy);
      if (isOver) return abandon(answer.body);
      headMs = performance.now() - begun;
      head = answer;
      const { body } = answer;
      if (typeof body === "string" || body instanceof Uint8Array) {
        const whole = typeof body === "string" ? Buffer.from(body) : body;
        bytes = whole.length;
        collected.add(whole);
      } else {
        chunks = body[Symbol.asyncIterator]();
        for (let item = await chunks.next(); item.done !== true && !isOver; item = await chunks.next()) {
          bytes += item.value.length;
          collected.add(item.value);
        }
      }
      finish("complete", answer.status);
    };
    read().catch(() => finish("failed", FAILED_STATUS));
  });
}

export function contentTypeOf({ headers }: ScoreResponse): string {
  for (const [name, value] of headers) if (name.toLowerCase() === "content-type") return value;
  return "";
}
