// What is unlike in two answers to the same request.
import { isUtf8 } from "node:buffer";
import { type CompareOptions, compareValues, type Difference } from "./compare-values.ts";
import { cut, readJson } from "./json-values.ts";

/** An answer as a deployment gave it. */
export interface Answer {
  readonly status: number;
  /** As sent; empty: none. */
  readonly contentType: string;
  /** Undefined: it was too large to keep. */
  readonly body: Buffer | undefined;
  /** The stream broke off, or was not over in time. */
  readonly isCutOff: boolean;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** False: one of them was too large to keep. */
  readonly areBodiesCompared: boolean;
}

/** Yields between steps of about a millisecond. What has another status is expected to have another body, too, so nothing
 *  is said of that. */
export function* compareAnswers(live: Answer, shadow: Answer, options: CompareOptions): Generator<void, Comparison> {
  if (live.status !== shadow.status) {
    const [liveValue, shadowValue] = [String(live.status), String(shadow.status)];
    const status = { kind: `status ${liveValue} -> ${shadowValue}`, path: "status", liveValue, shadowValue };
    return { differences: [status], areBodiesCompared: live.body !== undefined && shadow.body !== undefined };
  }
  const differences: Difference[] = [];
  const [liveType, shadowType] = [normalType(live.contentType), normalType(shadow.contentType)];
  if (liveType !== shadowType) {
    differences.push({
      kind: `content-type ${liveType || "none"} -> ${shadowType || "none"}`,
      path: "content-type",
      liveValue: liveType,
      shadowValue: shadowType,
    });
  }
  if (live.isCutOff !== shadow.isCutOff) {
    const [liveValue, shadowValue] = [live, shadow].map(({ isCutOff }) => (isCutOff ? "cut off" : "complete"));
    const kind = `body: ${liveValue} -> ${shadowValue}`;
    differences.push({ kind, path: "body", liveValue: liveValue!, shadowValue: shadowValue! });
    return { differences, areBodiesCompared: true };
  }
  if (live.body === undefined || shadow.body === undefined) return { differences, areBodiesCompared: false };
  if (!live.body.equals(shadow.body)) {
    differences.push(...(yield* compareBodies(live as Kept, shadow as Kept, options)));
  }
  return { differences, areBodiesCompared: true };
}

type Kept = Answer & { readonly body: Buffer };

function* compareBodies(live: Kept, shadow: Kept, options: CompareOptions): Generator<void, Difference[]> {
  if (options.ignore.start === undefined) return [];
  const one = readBody(live);
  yield;
  const other = readBody(shadow);
  yield;
  if (one.kind === "json" && other.kind === "json") return yield* compareValues(one.value, other.value, options);
  const at = firstUnlike(live.body, shadow.body);
  const kind = one.kind === other.kind ? `body: ${one.kind}` : `body: ${one.kind} -> ${other.kind}`;
  return [{ kind, path: `byte ${at}`, liveValue: around(live.body, at), shadowValue: around(shadow.body, at) }];
}

interface Read {
  readonly kind: "json" | "text" | "bytes" | "empty";
  readonly value?: unknown;
}

const JSON_TYPE = /^(?:application\/json|[^;]*\+json|)(?:;|$)/;

function readBody({ body, contentType }: Kept): Read {
  if (body.length === 0) return { kind: "empty" };
  if (!isUtf8(body)) return { kind: "bytes" };
  const json = JSON_TYPE.test(normalType(contentType)) ? readJson(body.toString()) : undefined;
  return json === undefined ? { kind: "text" } : { kind: "json", value: json.value };
}

/** Characters of a content type that tell one kind from another: a script may make up any. */
const MAX_TYPE_CHARS = 100;

function normalType(contentType: string): string {
  return cut(contentType, MAX_TYPE_CHARS)
    .toLowerCase()
    .replace(/\s*;\s*/g, ";")
    .trim();
}

function firstUnlike(one: Buffer, other: Buffer): number {
  const length = Math.min(one.length, other.length);
  for (let index = 0; index < length; index++) if (one[index] !== other[index]) return index;
  return length;
}

/** Bytes that are shown before and behind the first that is another. */
const AROUND_BYTES = 20;

function around(body: Buffer, at: number): string {
  const from = Math.max(0, at - AROUND_BYTES);
  const bytes = body.subarray(from, at + AROUND_BYTES);
  const text = isUtf8(body) ? JSON.stringify(bytes.toString()) : bytes.toString("hex");
  return `${from > 0 ? "…" : ""}${text}${at + AROUND_BYTES < body.length ? "…" : ""}`;
}
