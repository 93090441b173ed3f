// CSV with a header line, as pandas writes it (RFC 4180).
import type { Datatype } from "../types.ts";
import { unreadable } from "./table-faults.ts";
import type { Frame } from "./table-frame.ts";

/** @throws BadInputError */
export function readCsv(text: string): Frame {
  const [header, ...rows] = readRecords(text.replace(/^\ufeff/, ""));
  if (header === undefined) throw unreadable("Failed to parse input as CSV: No columns to parse from file");
  if (rows.length === 0) throw unreadable("Failed to parse input as CSV: there are no rows below the header line");
  const odd = rows.findIndex((row) => row.length !== header.length);
  if (odd !== -1) {
    const got = rows[odd]!.length;
    throw unreadable(`Failed to parse input as CSV: expected ${header.length} fields in row ${odd}, saw ${got}`);
  }
  // The index that DataFrame.to_csv() writes unless it is told not to.
  const isIndexed = header.length > 1 && header[0] === "";
  return {
    columns: isIndexed ? header.slice(1) : header,
    rows: isIndexed ? rows.map((row) => row.slice(1)) : rows,
    readCell,
  };
}

/** Not with one pattern for fields: it costs stack for each character of a field in quotes. */
function readRecords(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let at = 0;
  while (at < text.length || record.length > 0) {
    const isQuoted = text[at] === '"';
    const end = isQuoted ? endOfQuotes(text, at) : endOfPlain(text, at);
    const field = isQuoted ? text.slice(at + 1, end - 1).replaceAll('""', '"') : text.slice(at, end);
    const follower = text[end];
    if (end === NO_END || (follower !== undefined && !",\r\n".includes(follower))) {
      throw unreadable(`Failed to parse input as CSV: a quote is out of place in record ${records.length}`);
    }
    const isLast = follower !== ",";
    // Blank lines are none.
    if (record.length > 0 || !isLast || isQuoted || field !== "") record.push(field);
    at = end + (text.startsWith("\r\n", end) ? 2 : 1);
    if (!isLast) continue;
    if (record.length > 0) records.push(record);
    record = [];
  }
  return records;
}

const END_OF_PLAIN = /[,\r\n]/g;

function endOfPlain(text: string, from: number): number {
  END_OF_PLAIN.lastIndex = from;
  return END_OF_PLAIN.exec(text)?.index ?? text.length;
}

const NO_END = -1;

/** Behind the last quote. */
function endOfQuotes(text: string, from: number): number {
  let end = from + 1;
  for (;;) {
    end = text.indexOf('"', end);
    if (end === -1) return NO_END;
    if (text[end + 1] !== '"') return end + 1;
    end += 2;
  }
}

const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;
const INTEGER = /^[-+]?\d+$/;
/** What pandas takes for a missing number, and spellings of numbers that are not finite. */
const MISSING = new Set(["", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "-nan", "-NaN", "null", "NULL", "None"]);
const INFINITY = /^([-+]?)inf(?:inity)?$/i;
const WORDS = new Map([
  ["true", true],
  ["false", false],
  ["1", true],
  ["0", false],
]);

/** The cell as JSON would have brought it; what cannot be read stays text, which is then refused. */
function readCell(cell: string, datatype: Datatype): unknown {
  if (datatype === "BYTES") return cell;
  const text = cell.trim();
  if (datatype === "BOOL") return WORDS.get(text.toLowerCase()) ?? cell;
  if (MISSING.has(text)) return null;
  if (INTEGER.test(text)) return /INT64$/.test(datatype) ? BigInt(text.replace("+", "")) : Number(text);
  if (NUMBER.test(text)) return Number(text);
  const infinity = INFINITY.exec(text);
  if (infinity !== null) return infinity[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return cell;
}
