// Sends the requests that went well again and again, and looks at what that costs.
import { formatBytes } from "../packaging/report.ts";
import { confirmed, type Growth, growthOf, LEAST_REQUESTS, PARTS, WARM_UP } from "./growth.ts";
import type { CheckResult, Finding, ReceivedAnswer, RequestCheck, Running, Usage } from "./types.ts";

/** A request that was answered as expected, with its status. */
export interface GoodRequest {
  readonly check: RequestCheck;
  readonly status: number;
}

export interface RepeatOptions {
  /** Requests of a round; undefined: as many as fit into a second, up to `USUAL_REQUESTS`. */
  readonly requests: number | undefined;
}

/** What a round has where nothing else is asked for: enough to tell, and done in a moment by a quick script. */
export const USUAL_REQUESTS = 120;

/** So long may the repetitions take in all where no number is asked for, in milliseconds. */
const USUAL_MS = 1_000;

/** @returns undefined: there is nothing to be told, as too few requests were made in the time */
export async function repeat(
  running: Running,
  good: readonly GoodRequest[],
  { requests }: RepeatOptions,
): Promise<{ result: CheckResult | undefined; sent: number }> {
  const startedAt = performance.now();
  const count = requests ?? USUAL_REQUESTS;
  const isOver = (): boolean => requests === undefined && performance.now() - startedAt > USUAL_MS;
  const times: number[] = [];
  const findings: Finding[] = [];
  let sent = 0;

  /** @returns false: there is no time left, or an answer is another one */
  async function send(many: number): Promise<boolean> {
    for (let index = 0; index < many; index++) {
      if (isOver()) return false;
      const { check, status } = good[sent % good.length]!;
      sent++;
      const answer = await running.send(check.request).catch((error: Error) => error);
      if (!(answer instanceof Error)) times.push(answer.ms);
      if (answer instanceof Error || answer.status !== status) {
        findings.push(another(check, status, answer, sent));
        return false;
      }
    }
    return true;
  }

  /** @returns undefined: it was not done to its end, or figures cannot be had */
  async function round(): Promise<Growth | undefined> {
    const figures: (Usage | undefined)[] = [running.usage?.()];
    for (let part = 0; part < PARTS; part++) {
      if (!(await send(Math.ceil(count / PARTS)))) return undefined;
      figures.push(running.usage?.());
    }
    const known = figures.filter((usage) => usage !== undefined);
    return known.length === figures.length ? growthOf(known, count) : undefined;
  }

  const isWarm = await send(WARM_UP);
  const one = isWarm && count >= LEAST_REQUESTS ? await round() : undefined;
  if (one !== undefined && (one.hasMemoryLeak || one.hasFileLeak)) {
    const other = await round();
    if (other !== undefined) findings.push(...leaks(one, other, count));
  }
  if (one === undefined && findings.length === 0 && requests === undefined) return { result: undefined, sent };
  const ms = performance.now() - startedAt;
  return { result: { name: `${sent} more requests`, facts: factsOf(times, one), ms, findings }, sent };
}

function another(
  { name, place }: RequestCheck,
  status: number,
  answer: ReceivedAnswer | Error,
  count: number,
): Finding {
  const got =
    answer instanceof Error
      ? answer.message
      : `status ${answer.status}${answer.failure === undefined ? "" : `: ${answer.failure.message}`}`;
  return {
    rule: "repeated-answer",
    level: "error",
    message: `${name}: had status ${status} at first, and when it was sent again (request ${count}) ${got}`,
    cure: "look for what run() keeps from one call to the next",
    details: answer instanceof Error ? undefined : answer.failure?.report?.traceback,
    place,
    key: name,
  };
}

function leaks(one: Growth, other: Growth, count: number): Finding[] {
  const { hasMemoryLeak, hasFileLeak } = confirmed(one, other);
  const findings: Finding[] = [];
  if (hasMemoryLeak) {
    const message = `memory grows with each request: by ${formatBytes(one.bytes)} in ${count} requests, and by ${formatBytes(other.bytes)} in the next ${count}`;
    findings.push({
      rule: "memory-growth",
      level: "error",
      message,
      cure: "look for lists and caches that run() adds to",
    });
  }
  if (hasFileLeak) {
    const message = `open files grow with each request: by ${one.files} in ${count} requests, and by ${other.files} in the next ${count}`;
    findings.push({
      rule: "file-growth",
      level: "error",
      message,
      cure: "close in run() what it opens: files, sockets, sessions",
    });
  }
  return findings;
}

function factsOf(times: readonly number[], growth: Growth | undefined): string {
  const sorted = [...times].sort((one, other) => one - other);
  const at = (share: number): string =>
    `${(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1)} ms`;
  const facts = [`median ${at(0.5)}, 99 % within ${at(0.99)}`];
  if (growth !== undefined) {
    facts.push(
      `memory ${signed(formatBytes(Math.abs(growth.bytes)), growth.bytes)}`,
      `open files ${signed(String(Math.abs(growth.files)), growth.files)}`,
    );
  }
  return facts.join(", ");
}

function signed(text: string, value: number): string {
  return `${value < 0 ? "-" : "+"}${text}`;
}
