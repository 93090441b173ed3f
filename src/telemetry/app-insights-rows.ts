// Rows of requests as JSON. The exporter makes them in some 40 us each; nearly all of a row is the same for all requests of a
// kind, so the exporter shows once what a row of that kind looks like, and the texts that differ are put in their places.
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { type RowTexts, requestAttributes, type ServiceNames, textsOf } from "./app-insights-request.ts";
import type { RequestRow } from "./app-insights-row.ts";
import { isoTime, shortTimeSpan } from "./app-insights-text.ts";

/** Has the exporter make rows. @returns a JSON array of them */
export type Render = (spans: readonly ReadableSpan[]) => Promise<string>;

/** What all rows have in common. */
export interface RowContext {
  readonly names: ServiceNames;
  readonly resource: { readonly attributes: Readonly<Record<string, unknown>> };
}

const SAMPLED = 1;
const SERVER = 1;

/** What the exporter reads of a request's span. */
export function spanOf(row: RequestRow, { names, resource }: RowContext, texts: RowTexts = textsOf(row)): ReadableSpan {
  const { spanName, traceId, spanId, parentSpanId, startTime, duration, spanStatus } = row;
  const context = { traceId, spanId, traceFlags: SAMPLED };
  const span = {
    name: spanName,
    kind: SERVER,
    spanContext: () => context,
    parentSpanContext: parentSpanId === undefined ? undefined : { ...context, spanId: parentSpanId },
    startTime,
    duration,
    status: { code: spanStatus },
    attributes: requestAttributes(row, texts, names),
    links: [],
    events: [],
    resource,
  };
  return span as unknown as ReadableSpan;
}

/** Kinds of rows that are known at most, each of some 3 kB. Routes and statuses are few; a client that tries out all methods, with
 *  and without what it may leave out, makes some 150. */
const MAX_KINDS = 256;
/** Longest text that no limit of the exporter can touch, in bytes: what it keeps of a property. */
const MAX_TEXT_BYTES = 8_192;
/** Characters that surely fit in. */
const SURELY_SHORT = Math.floor(MAX_TEXT_BYTES / 3);
/** What stands in a JSON text as it is: nearly all that is sent. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** What stands between the texts, and which of `CELLS` comes behind each piece but the last. */
interface Form {
  readonly pieces: readonly string[];
  readonly slots: readonly number[];
}

/** Rows that differ in nothing but their texts. */
class Kind {
  readonly #of: RequestRow;
  /** Undefined: only the exporter can tell. */
  form: Form | undefined;

  constructor(row: RequestRow) {
    // Without its long texts, which would be kept for good.
    this.#of = { ...row, path: "", url: "", responseText: row.responseText === undefined ? undefined : "" };
  }

  has(row: RequestRow): boolean {
    const of = this.#of;
    return (
      row.status === of.status &&
      row.route === of.route &&
      row.method === of.method &&
      row.knownMethod === of.knownMethod &&
      row.spanName === of.spanName &&
      row.spanStatus === of.spanStatus &&
      row.rate === of.rate &&
      isThere(row.parentSpanId) === isThere(of.parentSpanId) &&
      isThere(row.clientAddress) === isThere(of.clientAddress) &&
      isThere(row.userAgent) === isThere(of.userAgent) &&
      (row.requestBytes === undefined) === (of.requestBytes === undefined) &&
      (row.responseBytes === undefined) === (of.responseBytes === undefined) &&
      (row.execMs === undefined) === (of.execMs === undefined) &&
      (row.queueMs === undefined) === (of.queueMs === undefined) &&
      (row.worker === undefined) === (of.worker === undefined) &&
      (row.responseText === undefined) === (of.responseText === undefined)
    );
  }
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== "";
}

export class Rows {
  readonly #context: RowContext;
  readonly #render: Render;
  readonly #kinds: Kind[] = [];
  #isTrusted = true;

  constructor(context: RowContext, render: Render) {
    this.#context = context;
    this.#render = render;
  }

  /** @returns undefined: the exporter has to make it */
  textOf(row: RequestRow): string | undefined {
    if (!this.#isTrusted) return undefined;
    for (const kind of this.#kinds) if (kind.has(row)) return kind.form && fill(kind.form, row);
    return undefined;
  }

  /** Has the exporter show what rows of these kinds look like, as far as they are not known. Never rejects. */
  async learn(rows: readonly RequestRow[]): Promise<void> {
    for (const row of rows) {
      if (this.#kinds.length >= MAX_KINDS) return;
      // Of an unusual one nothing could be checked.
      if (cellsOf(row) === undefined || this.#kinds.some((kind) => kind.has(row))) continue;
      const kind = new Kind(row);
      this.#kinds.push(kind);
      kind.form = await this.#formOf(row).catch(() => undefined);
    }
  }

  /** The exporter makes other rows than it has shown, so it makes all of them from now on. */
  distrust(): void {
    this.#isTrusted = false;
  }

  async #formOf(row: RequestRow): Promise<Form | undefined> {
    const [marked, texts] = mark(row);
    const form = divide(await this.#render([spanOf(marked, this.#context, texts)]));
    const made = await this.#render([spanOf(row, this.#context)]);
    return `[${fill(form, row)}]` === made ? form : undefined;
  }
}

/** Texts in which rows of a kind differ, in the order of `cellsOf`. */
const CELLS = [
  "time",
  "timeSpan",
  "start",
  "duration",
  "requestBytes",
  "responseBytes",
  "execMs",
  "queueMs",
  "worker",
  "traceId",
  "spanId",
  "parentSpanId",
  "requestId",
  "clientRequestId",
  "responseText",
  "path",
  "url",
  "clientAddress",
  "userAgent",
] as const;

/** Texts that may be missing, which they are for the exporter when they are empty. */
const OPTIONAL: ReadonlySet<string> = new Set(["parentSpanId", "clientAddress", "userAgent"]);

/** @returns undefined: one of them is too long, or another figure than usual */
function fill({ pieces, slots }: Form, row: RequestRow): string | undefined {
  const cells = cellsOf(row);
  if (cells === undefined) return undefined;
  let text = pieces[0]!;
  for (let index = 0; index < slots.length; index++) text += cells[slots[index]!]! + pieces[index + 1]!;
  return text;
}

function cellsOf(row: RequestRow): readonly string[] | undefined {
  const { startTime, duration, path, url, responseText = "" } = row;
  const { clientAddress = "", userAgent = "" } = row as {
    readonly clientAddress?: string;
    readonly userAgent?: string;
  };
  const timeSpan = shortTimeSpan(duration);
  if (timeSpan === undefined || !(isShort(path) && isShort(userAgent) && isShort(responseText))) return undefined;
  const texts = textsOf(row);
  return [
    isoTime(startTime),
    timeSpan,
    texts.start,
    texts.duration,
    texts.requestBytes ?? "",
    texts.responseBytes ?? "",
    texts.execMs ?? "",
    texts.queueMs ?? "",
    texts.worker ?? "",
    row.traceId,
    row.spanId,
    row.parentSpanId ?? "",
    escaped(row.requestId),
    escaped(row.clientRequestId),
    escaped(responseText),
    escaped(path),
    escaped(url),
    escaped(clientAddress),
    escaped(userAgent),
  ];
}

function isShort(text: string): boolean {
  return text.length <= SURELY_SHORT || Buffer.byteLength(text) <= MAX_TEXT_BYTES;
}

/** As it stands between quotes. */
function escaped(text: string): string {
  return PLAIN.test(text) ? text : JSON.stringify(text).slice(1, -1);
}

/** A row, and texts, that have in their places which of `CELLS` belongs there. What the exporter works out by itself, it works
 *  out of what no row has. */
function mark(row: RequestRow): readonly [row: RequestRow, texts: RowTexts] {
  const marked = <T extends object>(of: T): T => {
    const isMarked = (name: string): boolean => {
      const value = (of as Record<string, unknown>)[name];
      return OPTIONAL.has(name) ? isThere(value) : value !== undefined;
    };
    const places = CELLS.map((name, index) => [name, `@${String(index).padStart(2, "0")}@`] as const);
    return { ...of, ...Object.fromEntries(places.filter(([name]) => isMarked(name))) };
  };
  return [{ ...marked(row), startTime: MARK_START, duration: MARK_DURATION }, marked(textsOf(row))];
}

const MARK_START = [915_246_245, 6_000_000] as const;
const MARK_DURATION = [7, 8_009_000] as const;
/** Places, and what the exporter makes of that start and that duration. */
const MARK = /@(?<index>\d\d)@|(?<time>1999-01-02T03:04:05\.006Z)|00:00:07\.008009/g;

/** @param json of the one row that is marked */
function divide(json: string): Form {
  const pieces: string[] = [];
  const slots: number[] = [];
  let from = 1;
  for (const { 0: found, index: at, groups } of json.matchAll(MARK)) {
    pieces.push(json.slice(from, at));
    slots.push(
      groups?.index === undefined
        ? CELLS.indexOf(groups?.time === undefined ? "timeSpan" : "time")
        : Number(groups.index),
    );
    from = at + found.length;
  }
  return { pieces: [...pieces, json.slice(from, -1)], slots };
}
