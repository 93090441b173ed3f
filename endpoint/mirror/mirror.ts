// Sends copies of live requests to a shadow, after their answers, and compares both answers. Clients never wait for it: what
// finds no room is dropped, and counted.
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ScoreRequest, ScoreResponse } from "../../src/host.ts";
import { seenAs, seenInstead } from "../gateway/answers.ts";
import { INTERNAL, TIMED_OUT } from "../gateway/refusals.ts";
import type { GatewayEvents, GatewayForm, GatewayRecord, Mirror, MirrorReport, Target } from "../types.ts";
import { Collected, observed } from "./collect.ts";
import { type Answer, compareAnswers } from "./compare.ts";
import type { CompareOptions } from "./compare-values.ts";
import { readIgnorePaths } from "./ignore-paths.ts";
import { MIRROR_DEFAULTS, type MirrorOptions } from "./options.ts";
import { contentTypeOf, type ShadowAnswer, sendCopy } from "./send-copy.ts";
import { createTally, shownBody, shownRequest, type Tally } from "./tally.ts";

export interface MirrorSettings {
  readonly options?: Partial<MirrorOptions>;
  /** Hears of the copies: they count among the requests of their deployment. */
  readonly events?: GatewayEvents;
  /** How records tell what clients would have seen. Default: as it is. */
  readonly form?: () => GatewayForm;
}

export interface ReportingMirror extends Mirror {
  /** Of the last shadow; null: nothing has been offered to one. */
  report(): MirrorReport | null;
  /** Begins a new report: the shadow, or what it is compared with, is not what it was. Copies of before do not count. */
  reset(): void;
  /** Resolves when every copy that was made has been compared or dropped. */
  settled(): Promise<void>;
  /** Takes nothing more, and ends what runs. */
  close(): void;
}

interface Copy {
  readonly request: ScoreRequest;
  readonly from: Target;
  readonly shadow: Target;
  readonly tally: Tally;
  readonly live: Answer;
  readonly liveMs: number;
  /** What it takes of the queue's bytes. */
  bytes: number;
}

/** @throws ConfigError for a path to ignore that cannot be read */
export function createMirror({ options = {}, events, form = () => "none" }: MirrorSettings = {}): ReportingMirror {
  const { tolerance, ignore, maxQueue, maxQueueBytes, maxBodyBytes, maxExamples } = { ...MIRROR_DEFAULTS, ...options };
  const compareOptions: CompareOptions = { tolerance, ignore: readIgnorePaths(ignore) };
  /** Of the copies that run. */
  const stops = new Set<() => void>();
  const waiting: Copy[] = [];
  /** Copies by the shadow that they run on. */
  const running = new Map<Target, number>();
  let current: { readonly shadow: Target; readonly tally: Tally } | undefined;
  let held = 0;
  let heldBytes = 0;
  let isPumping = false;
  let isClosed = false;
  let comparing: Promise<void> = Promise.resolve();
  let whenEmpty: (() => void)[] = [];

  function tallyOf(shadow: Target): Tally {
    // A deployment that was deleted and made anew is another one, whatever its name.
    if (current?.shadow !== shadow) current = { shadow, tally: createTally(shadow.name, maxExamples) };
    return current.tally;
  }

  function hold(bytes: number): boolean {
    if (held >= maxQueue || heldBytes + bytes > maxQueueBytes) return false;
    held++;
    heldBytes += bytes;
    return true;
  }

  function release(bytes: number): void {
    held--;
    heldBytes -= bytes;
    if (held > 0) return;
    const waiters = whenEmpty;
    whenEmpty = [];
    for (const resolve of waiters) resolve();
  }

  function drop(copy: Copy): void {
    copy.tally.dropped++;
    release(copy.bytes);
  }

  function offer(
    request: ScoreRequest,
    from: Target,
    shadow: Target,
    answer: ScoreResponse,
    ms: number,
  ): ScoreResponse {
    if (isClosed) return answer;
    // Nobody knows what the whole answer would have been.
    if (request.signal?.aborted) return answer;
    const tally = tallyOf(shadow);
    const { status, body } = answer;
    const isWhole = typeof body === "string" || body instanceof Uint8Array;
    const answerBytes = isWhole ? Buffer.byteLength(body) : 0;
    const keptBytes = answerBytes > maxBodyBytes ? 0 : answerBytes;
    let bytes = request.body.length + keptBytes;
    if (!hold(bytes)) {
      tally.dropped++;
      return answer;
    }
    const contentType = contentTypeOf(answer);
    const enqueue = (kept: Buffer | undefined): void => {
      const live = { status, contentType, body: kept, isCutOff: false };
      waiting.push({ request, from, shadow, tally, live, liveMs: ms, bytes });
      pumpLater();
    };
    if (isWhole) {
      enqueue(answerBytes > maxBodyBytes ? undefined : asBuffer(body));
      return answer;
    }
    const collected = new Collected(maxBodyBytes);
    let isHeld = true;
    const letGo = (): void => {
      isHeld = false;
      release(bytes);
    };
    const chunk = (piece: Uint8Array): void => {
      if (!isHeld) return;
      const before = collected.size;
      collected.add(piece);
      const more = collected.size - before;
      bytes += more;
      heldBytes += more;
      if (heldBytes <= maxQueueBytes) return;
      tally.dropped++;
      letGo();
    };
    const end = (isComplete: boolean): void => {
      if (!isHeld) return;
      if (isComplete && !isClosed) enqueue(collected.body());
      else letGo();
    };
    return { ...answer, body: observed(body, { chunk, end }) };
  }

  /** One copy a turn of the event loop, so that what clients send is read in between. */
  function pumpLater(): void {
    if (isPumping) return;
    isPumping = true;
    setImmediate(() => {
      isPumping = false;
      pump();
    });
  }

  function pump(): void {
    const copy = waiting[0];
    if (copy === undefined) return;
    const { shadow, tally } = copy;
    const isStale = current?.tally !== tally;
    const isFull = shadow.inFlight - (shadow.leaving ?? 0) >= shadow.capacity;
    const own = running.get(shadow) ?? 0;
    if (!isStale && shadow.isReady && own >= placesOf(shadow)) return;
    waiting.shift();
    if (isStale) release(copy.bytes);
    else if (!shadow.isReady || isFull) drop(copy);
    else void run(copy);
    if (waiting.length > 0) pumpLater();
  }

  async function run(copy: Copy): Promise<void> {
    const { shadow, tally, request } = copy;
    running.set(shadow, (running.get(shadow) ?? 0) + 1);
    tally.mirrored++;
    const answer = await sendCopy(shadow, request, maxBodyBytes, stops);
    const left = running.get(shadow)! - 1;
    if (left === 0) running.delete(shadow);
    else running.set(shadow, left);
    pumpLater();
    // Of a copy that was stopped nobody knows what would have become.
    if (answer.end !== "stopped") events?.answered(recordOf(copy, answer, form()));
    copy.bytes += answer.body?.length ?? 0;
    heldBytes += answer.body?.length ?? 0;
    // One after the other: a step of one comparison a turn.
    comparing = comparing.then(() => compare(copy, answer)).catch(() => uncompared(copy));
    await comparing;
    release(copy.bytes);
  }

  /** Whatever clients and scripts have made up that no comparison is ready for, it is no reason to end a server. */
  function uncompared({ tally }: Copy): void {
    tally.compared({ differences: [], areBodiesCompared: false }, () => {
      throw new Error("without differences there is no example");
    });
  }

  async function compare(copy: Copy, answer: ShadowAnswer): Promise<void> {
    const { request, from, shadow, tally, live, liveMs } = copy;
    if (isClosed || current?.tally !== tally) return;
    const steps = compareAnswers(live, answer, compareOptions);
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) await nextTurn();
    tally.answered("live", live.status, liveMs);
    tally.answered("shadow", answer.status, answer.headMs);
    tally.compared(step.value, () => ({
      requestId: requestIdOf(request),
      time: new Date().toISOString(),
      request: shownRequest(request),
      live: { deployment: from.name, status: live.status, body: shownBody(live.body) },
      shadow: { deployment: shadow.name, status: answer.status, body: shownBody(answer.body) },
    }));
  }

  return {
    offer,
    report: () => current?.tally.report() ?? null,
    reset() {
      current = undefined;
    },
    settled: () =>
      held === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            whenEmpty.push(resolve);
          }),
    close() {
      isClosed = true;
      for (const stop of [...stops]) stop();
      for (const copy of waiting.splice(0)) release(copy.bytes);
    },
  };
}

/** The other half of what a deployment takes is for clients that ask for it by name. Half is what runs at a time: copies do
 *  not wait for each other within the shadow, which would show as its latency. */
function placesOf({ capacity }: Target): number {
  return Math.max(1, Math.floor(capacity / 2));
}

function asBuffer(body: string | Uint8Array): Buffer {
  return typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

function requestIdOf({ headers }: ScoreRequest): string {
  return headers["x-request-id"] ?? "";
}

function recordOf({ request, shadow }: Copy, answer: ShadowAnswer, form: GatewayForm): GatewayRecord {
  const { head, end, bytes, headMs, totalMs } = answer;
  const instead = end === "failed" ? INTERNAL : TIMED_OUT;
  const { status, modelStatus, reason } = head === undefined ? seenInstead(instead, form) : seenAs(head, form);
  return {
    request,
    requestId: requestIdOf(request),
    clientRequestId: request.headers["x-ms-client-request-id"],
    deployment: shadow.name,
    status,
    modelStatus,
    reason,
    requestBytes: request.body.length,
    responseBytes: bytes,
    headMs,
    totalMs,
    isMirrored: true,
  };
}
