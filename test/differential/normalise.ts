// Takes out of an observation what is different on every run, so that what is left can be compared as text.

export interface Particulars {
  readonly folder: string;
  readonly port: number;
}

const GUID = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;
const BANNER_END = /^Score: {10}POST {2}/;
const TRACEBACK_PROSE =
  /^(Traceback \(most recent call last\):|The above exception was the direct cause of the following exception:)$/;
/** The reference runs in the script's Python itself, so it does not say which one that is. */
const INTERPRETER = /\bazmlinfsrv\b.* The score script runs with python [\d.]+ at /;
const RECORD = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([DIWEC]) \[\d+\] (.*)$/;

export function normaliseText(text: string, { folder, port }: Particulars): string {
  return text
    .replaceAll(folder, "<folder>")
    .replace(new RegExp(`\\b${port}\\b`, "g"), "<port>")
    .replace(GUID, "<guid>")
    .replace(/\b\d+\.\d{3}ms\b/g, "<ms>ms")
    .replace(/\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\]/g, "[<date>]")
    .replace(/\b(pid|process) \d+/g, "$1 <pid>")
    .replace(/(?<=in PYTHONPATH: )\[.*\]/, "<list>");
}

/** @returns undefined for headers of the connection, not of the answer */
export function normaliseHeader(name: string, value: string, particulars: Particulars): string | undefined {
  if (/^(date|server|connection|keep-alive)$/i.test(name)) return undefined;
  if (/^x-ms-run-fn-exec-ms$/i.test(name)) return value.replace(/^\d+\.\d{3}$/, "<ms>");
  if (/^allow$/i.test(name)) return value.split(", ").sort().join(", ");
  return normaliseText(value, particulars);
}

/** Output as lines. The head of a log record loses time and process id. Of a traceback stay the frames of the script and the
 *  exceptions: how deep the server's own frames are is its own business, and so are its blank lines around them. */
export function normaliseOutput(output: string, particulars: Particulars): string[] {
  if (output === "") return [];
  const lines = normaliseText(output.replace(/\n$/, ""), particulars).split("\n").flatMap(splitRecord);
  const banner = lines.slice(0, lines.findLastIndex((line) => BANNER_END.test(line)) + 1);
  const rest = lines
    .slice(banner.length)
    .filter((line) => line !== "" && !TRACEBACK_PROSE.test(line) && !INTERPRETER.test(line));
  return [...banner, ...ownFramesOnly(rest).map(shortenClass)];
}

/** Without the records that the process manager writes about itself. */
export function withoutLifecycle(lines: readonly string[]): string[] {
  return lines.filter((line) => !/^[DIWEC] gunicorn\.error - /.test(line));
}

/** A record that begins with a traceback becomes its head and the traceback. */
function splitRecord(line: string): string[] {
  const record = RECORD.exec(line);
  if (record === null) return [line];
  const [, level, message = ""] = record;
  const traceback =
    / (Traceback \(most recent call last\):| {2}File ".*|(?:\w+\.)*\w+(?:Error|Exception|Timeout): .*)$/.exec(message);
  if (traceback === null) return [`${level} ${message}`];
  return [`${level} ${message.slice(0, traceback.index)}`, traceback[1]!];
}

/** Drops `  File "…"` lines of other files, with the source lines and marks that follow them. */
function ownFramesOnly(lines: readonly string[]): string[] {
  let dropping = false;
  return lines.filter((line) => {
    if (/^ {2}File "/.test(line)) dropping = !line.startsWith('  File "<folder>');
    else if (!line.startsWith("    ")) dropping = false;
    return !dropping;
  });
}

/** Where the server keeps its classes, and how it calls them, is its own business too. */
function shortenClass(line: string): string {
  return line.replace(/^(?:\w+\.)+(\w+)(?=: |$)/, "$1").replace(/^UserScript\w+(?=: )/, "UserScriptError");
}
