// Brings batches to the service, whatever it does. The exporter's own ways are switched off: they keep what could not be sent
// on the disk, or take it for sent where they may not.
import { setTimeout as delay } from "node:timers/promises";
import type { Losses } from "./app-insights-losses.ts";

/** Who is told how it goes. */
export type DeliveryObserver = Pick<Losses, "failing" | "works" | "lost">;

/** How long things may take, in milliseconds. */
export interface DeliveryTimes {
  /** One attempt, its answer included. */
  readonly attemptMs: number;
  /** For so long a batch is kept for a service that takes nothing. */
  readonly patienceMs: number;
  /** Pause after a failure; it doubles with each further one. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** Pause after an answer that tells of an exhausted quota: asking sooner changes nothing. */
  readonly quotaPauseMs: number;
}

const TIMES: DeliveryTimes = {
  attemptMs: 15_000,
  patienceMs: 300_000,
  firstPauseMs: 1_000,
  longestPauseMs: 30_000,
  quotaPauseMs: 600_000,
};

/** Longest `Retry-After` that counts, in milliseconds; a quota is one of a day at most. */
const LONGEST_RETRY_AFTER_MS = 86_400_000;
/** Redirections that one attempt follows. */
const MAX_REDIRECTS = 5;
/** Longest answer that is read, in bytes. Those of the service have some hundred, or one line for each item refused. */
const MAX_ANSWER_BYTES = 1_000_000;
/** Of a message of the service, in characters. */
const MAX_MESSAGE = 200;

const RETRIABLE: ReadonlySet<number> = new Set([401, 403, 408, 429, 500, 502, 503, 504]);
/** No more is taken today, or this month. */
const QUOTA: ReadonlySet<number> = new Set([402, 439]);

/** What the exporter hands its HTTP client, as far as it counts here. */
export interface OutgoingRequest {
  url: string;
  body?: unknown;
  allowInsecureConnection: boolean;
  abortSignal?: unknown;
  onDownloadProgress?: ((progress: { readonly loadedBytes: number }) => void) | undefined;
  readonly headers: { delete(name: string): void };
}

export interface IncomingAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | undefined };
  readonly bodyAsText?: string | null | undefined;
}

export type Next = (request: OutgoingRequest) => Promise<IncomingAnswer>;

/** What became of one attempt. */
type Outcome =
  | { readonly kind: "taken" }
  /** @prop left items to send again   @prop refused number of those that never will be taken */
  | { readonly kind: "part"; readonly left: readonly unknown[]; readonly refused: number; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string; readonly mayRetry: boolean; readonly pauseMs?: number };

export class Delivery {
  readonly #address: string;
  readonly #losses: DeliveryObserver;
  readonly #times: DeliveryTimes;
  readonly #hide: (text: string) => string;
  /** Ends all waiting. */
  readonly #end = new AbortController();
  /** Where the service has sent us. */
  #url: string;
  #failures = 0;
  /** Nothing is sent before, on the clock of `performance.now()`. */
  #notBefore = 0;

  /** @param key what no message may show */
  constructor(address: string, key: string, losses: DeliveryObserver, times: DeliveryTimes = TIMES) {
    this.#address = address;
    this.#url = address;
    this.#losses = losses;
    this.#times = times;
    this.#hide = (text) => text.replaceAll(new RegExp(key, "gi"), "…");
  }

  /** Nothing waits any longer: each batch gets one more attempt. */
  stop(): void {
    this.#end.abort();
  }

  /** Resolves when the batch is taken, or given up, which is then told. */
  async deliver(request: OutgoingRequest, next: Next): Promise<void> {
    const until = performance.now() + this.#times.patienceMs;
    for (;;) {
      const { aborted: isLast } = this.#end.signal;
      if (!isLast && this.#notBefore > until) return this.#giveUp(request, "it asks to wait too long");
      if (!isLast) await this.#waitUntil(this.#notBefore);
      const outcome = await this.#attempt(request, next);
      if (outcome.kind === "taken") return this.#works();
      if (outcome.kind === "part") {
        this.#works();
        if (outcome.refused > 0) this.#losses.lost(outcome.refused, outcome.reason);
        if (outcome.left.length === 0) return;
        request.body = JSON.stringify(outcome.left);
        this.#pause(undefined);
      } else {
        this.#losses.failing(outcome.reason);
        this.#url = this.#address;
        if (outcome.mayRetry || outcome.pauseMs !== undefined) this.#pause(outcome.pauseMs);
        if (!outcome.mayRetry) return this.#giveUp(request, outcome.reason);
      }
      if (isLast) return this.#giveUp(request, "the server ends");
    }
  }

  async #waitUntil(time: number): Promise<void> {
    const waitMs = time - performance.now();
    if (waitMs > 0) await delay(waitMs, undefined, { ref: false, signal: this.#end.signal }).catch(() => {});
  }

  #works(): void {
    this.#failures = 0;
    this.#losses.works();
  }

  /** @param pauseMs as the service says */
  #pause(given: number | undefined): void {
    const { firstPauseMs, longestPauseMs } = this.#times;
    const pauseMs = given ?? Math.min(firstPauseMs * 2 ** this.#failures, longestPauseMs);
    this.#failures++;
    this.#notBefore = Math.max(this.#notBefore, performance.now() + pauseMs);
  }

  #giveUp({ body }: OutgoingRequest, reason: string): void {
    this.#losses.lost(itemsOf(body).length, reason);
  }

  async #attempt(request: OutgoingRequest, next: Next): Promise<Outcome> {
    const over = new AbortController();
    const { attemptMs } = this.#times;
    const timer = setTimeout(() => over.abort(), attemptMs).unref();
    let problem = `no answer within ${attemptMs / 1000} s`;
    request.abortSignal = over.signal;
    request.onDownloadProgress = ({ loadedBytes }) => {
      if (loadedBytes <= MAX_ANSWER_BYTES) return;
      problem = "an answer without end";
      over.abort();
    };
    try {
      for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
        request.url = this.#url;
        request.allowInsecureConnection = this.#url.startsWith("http:");
        // That of the body before.
        request.headers.delete("content-length");
        const answer = await unless(over.signal, next(request));
        if (answer.status !== 307 && answer.status !== 308) return this.#judge(request, answer);
        const target = redirection(this.#url, answer.headers.get("location"));
        if (target === undefined) return failed(`HTTP ${answer.status} that leads nowhere`, true);
        this.#url = target;
      }
      return failed("redirections without end", true);
    } catch (error) {
      return failed(over.signal.aborted ? problem : this.#hide(messageOf(error)), true);
    } finally {
      clearTimeout(timer);
    }
  }

  #judge({ body }: OutgoingRequest, { status, headers, bodyAsText }: IncomingAnswer): Outcome {
    if (status === 200 || status === 206) return this.#part(body, status, errorsOf(bodyAsText));
    const message = this.#hide(errorsOf(bodyAsText)?.[0]?.message?.slice(0, MAX_MESSAGE) ?? "");
    const reason = `HTTP ${status}${message === "" ? "" : ` (${message})`}`;
    const retryAfterMs = readRetryAfter(headers.get("retry-after"));
    if (QUOTA.has(status)) {
      return { kind: "failed", reason, mayRetry: false, pauseMs: retryAfterMs ?? this.#times.quotaPauseMs };
    }
    const mayRetry = RETRIABLE.has(status);
    return { kind: "failed", reason, mayRetry, ...(retryAfterMs !== undefined && { pauseMs: retryAfterMs }) };
  }

  #part(body: unknown, status: number, errors: readonly ItemError[] | undefined): Outcome {
    if (errors === undefined) {
      return status === 200 ? { kind: "taken" } : failed("HTTP 206 that does not say which items were taken", false);
    }
    if (errors.length === 0) return { kind: "taken" };
    const items = itemsOf(body);
    const left = errors
      .filter(({ statusCode }) => RETRIABLE.has(statusCode))
      .flatMap(({ index }) => items[index] ?? []);
    const others = errors.filter((error) => !RETRIABLE.has(error.statusCode) && !isSampledOut(error));
    const [{ statusCode = 0, message = "" } = {}] = others;
    const reason = `items were refused: ${statusCode} ${this.#hide(message.slice(0, MAX_MESSAGE))}`;
    return { kind: "part", left, refused: others.length, reason };
  }
}

/** Its client keeps waiting where an answer breaks off behind its head. */
function unless<T>(signal: AbortSignal, action: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
    action.then(resolve, reject);
  });
}

const failed = (reason: string, mayRetry: boolean): Outcome => ({ kind: "failed", reason, mayRetry });

/** What the service says of one item. */
interface ItemError {
  readonly index: number;
  readonly statusCode: number;
  readonly message?: string;
}

/** It has been told to keep a part of all items only. */
function isSampledOut({ message }: ItemError): boolean {
  return message?.toLowerCase() === "telemetry sampled out.";
}

function itemsOf(body: unknown): readonly unknown[] {
  const text = body instanceof Uint8Array ? Buffer.from(body).toString() : body;
  return typeof text === "string" ? (JSON.parse(text) as unknown[]) : [];
}

/** @returns undefined: the answer does not say */
function errorsOf(text: string | null | undefined): readonly ItemError[] | undefined {
  try {
    const answer: unknown = JSON.parse(text ?? "");
    const errors = (answer as { readonly errors?: unknown } | null)?.errors;
    return Array.isArray(errors) ? errors.filter(isItemError) : undefined;
  } catch {
    return undefined;
  }
}

function isItemError(value: unknown): value is ItemError {
  const { index, statusCode, message } = (value ?? {}) as Record<string, unknown>;
  const hasMessage = message === undefined || typeof message === "string";
  return typeof index === "number" && typeof statusCode === "number" && hasMessage;
}

/** @returns undefined where it cannot be followed: to nowhere, or from a secure address to an open one */
function redirection(from: string, location: string | undefined): string | undefined {
  if (location === undefined || !URL.canParse(location, from)) return undefined;
  const { href, protocol } = new URL(location, from);
  return protocol === "https:" || (protocol === "http:" && from.startsWith("http:")) ? href : undefined;
}

/** Seconds, or a date. @returns milliseconds */
function readRetryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return ms > 0 ? Math.min(ms, LONGEST_RETRY_AFTER_MS) : undefined;
}

function messageOf(error: unknown): string {
  const { message, code } = error as { readonly message?: string; readonly code?: string };
  return message || code || String(error);
}
