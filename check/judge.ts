// An answer beside what is expected of it.
import { isUtf8 } from "node:buffer";
import { resolve } from "node:path";
import { compareValues, type Difference } from "../endpoint/mirror/compare-values.ts";
import { readIgnorePaths } from "../endpoint/mirror/ignore-paths.ts";
import { cut, readJson } from "../endpoint/mirror/json-values.ts";
import type { ScoreError } from "../src/host.ts";
import type { DeclaredOutput } from "./declared.ts";
import { plain } from "./read-values.ts";
import { isJsonType } from "./request-file.ts";
import { schemaFaults } from "./schema.ts";
import type { ExpectedBody, Finding, Place, ReceivedAnswer, RequestCheck } from "./types.ts";

/** Characters of a body that are shown. */
const MAX_BODY_CHARS = 300;
/** Differences that are told; one like them shows the others. */
const MAX_DIFFERENCES = 10;

/** @param declared undefined: the script declares nothing of its output   @param appRoot what places of scripts are relative to */
export function judge(
  { expect, place, request }: RequestCheck,
  answer: ReceivedAnswer,
  declared: DeclaredOutput | undefined,
  appRoot: string | undefined,
): Finding[] {
  const findings: Finding[] = [];
  const isGood = expect.status?.includes(answer.status) ?? (answer.status >= 200 && answer.status <= 299);
  if (!isGood) {
    findings.push(wrongStatus(answer, expect.status, place, appRoot));
    // Another status comes with another body.
    return findings;
  }
  if (!answer.isComplete) {
    const message = answer.failure?.message ?? "the answer broke off";
    return [{ rule: "answer-failed", level: "error", message, ...failurePlace(answer, place, appRoot) }];
  }
  const wrong = (rule: Finding["rule"], message: string, key: string): void => {
    findings.push({ rule, level: "error", message, place, key });
  };
  for (const [name, wanted] of Object.entries(expect.headers ?? {})) {
    const values = answer.headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);
    const found = values.length === 0 ? null : values.join(", ");
    if (found === wanted) continue;
    const is = found === null ? "is missing" : `is ${JSON.stringify(cut(found, MAX_BODY_CHARS))}`;
    wrong(
      "answer-header",
      `the header ${name} ${is}, expected ${wanted === null ? "none" : JSON.stringify(wanted)}`,
      name,
    );
  }
  if (expect.strictJson && !isStrictJson(answer)) wrong("answer-json", notStrict(answer), "json");
  if (expect.body !== undefined) {
    for (const { message, key } of bodyDifferences(answer, expect.body)) wrong("answer-body", message, key);
  }
  const declares =
    declared !== undefined && answer.status <= 299 && request.path === "/score" && request.method === "POST";
  if (expect.schema === undefined && !declares) return findings;
  const body = jsonOf(answer);
  if (expect.schema !== undefined) {
    const faults = body === undefined ? [notJson(answer)] : schemaFaults(body.value, expect.schema);
    for (const fault of faults) wrong("answer-schema", fault, pathIn(fault));
  }
  if (declares) {
    const { schema, dialect, root } = declared;
    const faults = body === undefined ? [notJson(answer)] : schemaFaults(body.value, schema, dialect, root);
    for (const fault of faults) {
      const message = `the answer is not as the script declares its output: ${fault}`;
      const cure = "change the declared output, or what run() returns";
      findings.push({ rule: "declared-output", level: "error", message, cure, place, key: pathIn(fault) });
    }
  }
  return findings;
}

/** Without the figures in it. */
function pathIn(fault: string): string {
  return fault.replace(/\d+/g, "");
}

function wrongStatus(
  answer: ReceivedAnswer,
  wanted: readonly number[] | undefined,
  place: Place | undefined,
  appRoot: string | undefined,
): Finding {
  const { status, failure } = answer;
  const expected = wanted === undefined ? "200" : wanted.join(" or ");
  const report = failure?.report;
  const why = report === undefined ? (failure?.message ?? shownBody(answer)) : `${report.type}: ${report.message}`;
  const message = `status ${status}, expected ${expected}${why === "" ? "" : `: ${why}`}`;
  const isStrict = failure?.code === "ERR_RESULT" || failure?.code === "ERR_BAD_INPUT";
  const strict = isStrict
    ? "a check is strict, as scorefn serve --strict is; SCOREFN_STRICT=false checks without"
    : undefined;
  const cure = [report?.hint, strict].filter((text) => text !== undefined).join(" ") || undefined;
  const key = `${status}${failure?.code ?? ""}`;
  return {
    rule: "answer-status",
    level: "error",
    message,
    cure,
    key,
    details: failure === undefined ? undefined : tracebackOf(failure),
    ...failurePlace(answer, place, appRoot),
  };
}

/** What the worker wraps an exception of the script in. */
const WRAPPER = "\n\nThe above exception was the direct cause of the following exception:\n\nscorefn_worker.";

/** The script's part of a traceback; undefined: the script was not the one that raised. */
function tracebackOf({ code, report }: ScoreError): string | undefined {
  if (report === undefined || code === "ERR_RESULT" || code === "ERR_BAD_INPUT") return undefined;
  const end = report.traceback.lastIndexOf(WRAPPER);
  return end === -1 ? report.traceback : report.traceback.slice(0, end);
}

/** Where the script has failed says more than where the check stands. */
function failurePlace(
  { failure }: ReceivedAnswer,
  place: Place | undefined,
  appRoot: string | undefined,
): { place: Place | undefined } {
  return { place: placeOf(failure, appRoot) ?? place };
}

/** Where a script has failed; undefined: not known. */
export function placeOf(failure: ReceivedAnswer["failure"], appRoot: string | undefined): Place | undefined {
  const location = failure?.report?.location;
  if (!location || appRoot === undefined) return undefined;
  return { file: resolve(appRoot, location.file), line: location.line, column: location.column ?? undefined };
}

function shownBody({ body }: ReceivedAnswer): string {
  const bytes = body.subarray(0, 4 * MAX_BODY_CHARS);
  return isUtf8(body) ? cut(bytes.toString().trim(), MAX_BODY_CHARS) : `${body.length} bytes`;
}

function notJson(answer: ReceivedAnswer): string {
  return `the answer is not JSON: ${shownBody(answer)}`;
}

function isStrictJson({ body }: ReceivedAnswer): boolean {
  try {
    JSON.parse(body.toString());
    return isUtf8(body);
  } catch {
    return false;
  }
}

function notStrict(answer: ReceivedAnswer): string {
  return jsonOf(answer) === undefined
    ? notJson(answer)
    : `the answer holds NaN or Infinity, which most readers of JSON refuse: ${shownBody(answer)}`;
}

/** As a validator reads it. */
function jsonOf({ body }: ReceivedAnswer): { readonly value: unknown } | undefined {
  const read = isUtf8(body) ? readJson(body.toString()) : undefined;
  return read === undefined ? undefined : { value: plain(read.value) };
}

interface Unlike {
  readonly message: string;
  readonly key: string;
}

/** What is unlike, a line each; empty: nothing. */
export function bodyDifferences(answer: Pick<ReceivedAnswer, "body" | "headers">, expected: ExpectedBody): Unlike[] {
  const { value, absolute, relative, ignore } = expected;
  const { body } = answer;
  if (Buffer.isBuffer(value)) {
    if (value.equals(body)) return [];
    return [{ message: `the body is another: ${body.length} bytes, expected ${value.length}`, key: "bytes" }];
  }
  const type = answer.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "application/json";
  const text = isUtf8(body) ? body.toString() : undefined;
  if (typeof value === "string" && !isJsonType(type)) {
    if (text === value) return [];
    const found = text === undefined ? `${body.length} bytes` : JSON.stringify(cut(text, MAX_BODY_CHARS));
    return [{ message: `the body is ${found}, expected ${JSON.stringify(cut(value, MAX_BODY_CHARS))}`, key: "text" }];
  }
  const found = text === undefined ? undefined : readJson(text);
  if (found === undefined) return [{ message: `the body is not JSON: ${shownText(text, body)}`, key: "json" }];
  const comparison = compareValues(value, found.value, {
    tolerance: { absolute, relative },
    ignore: readIgnorePaths(ignore),
  });
  let step = comparison.next();
  while (!step.done) step = comparison.next();
  const within =
    absolute === 0 && relative === 0
      ? ""
      : `, within ${[absolute && `${absolute}`, relative && `${relative} of it`].filter(Boolean).join(" or ")}`;
  const lines = step.value
    .slice(0, MAX_DIFFERENCES)
    .map((difference) => ({ message: worded(difference, within), key: difference.kind }));
  const rest = step.value.length - lines.length;
  if (rest > 0) lines.push({ message: `the body has ${rest} more kinds of differences`, key: "more" });
  return lines;
}

function worded({ kind, path, liveValue, shadowValue }: Difference, within: string): string {
  const what = kind.slice(kind.lastIndexOf(": ") + 2);
  if (what === "missing") return `${path} is missing, expected ${liveValue}`;
  if (what === "extra") return `${path} is ${shadowValue}, expected no such key`;
  return `${path} is ${shadowValue}, expected ${liveValue}${what === "number" ? within : ""}`;
}

function shownText(text: string | undefined, body: Buffer): string {
  return text === undefined ? `${body.length} bytes` : cut(text.trim(), MAX_BODY_CHARS);
}
