import type { Events, ScriptRecord } from "../core/events.ts";
import { parseJson, type Records } from "../protocol/messages.ts";
import { isObject, isText, malformed } from "./answer.ts";

const LEVELS: ReadonlySet<unknown> = new Set(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]);

/** @throws FrameError */
export function readRecords(id: number, payload: Buffer): Records {
  const told = parseJson<Records>(payload);
  const isWhole =
    id === 0 &&
    isObject(told) &&
    Array.isArray(told.records) &&
    told.records.every(isRecord) &&
    Number.isSafeInteger(told.dropped) &&
    told.dropped >= 0;
  if (!isWhole) throw malformed("RECORDS that lack something");
  return told;
}

function isRecord(record: Records["records"][number]): boolean {
  if (!isObject(record)) return false;
  const { time, level, logger, message, fields, place } = record;
  return (
    Number.isFinite(time) &&
    LEVELS.has(level) &&
    isText(logger) &&
    isText(message) &&
    (fields === undefined || (isObject(fields) && !Array.isArray(fields))) &&
    (place === undefined || isPlace(place))
  );
}

function isPlace(place: NonNullable<ScriptRecord["place"]>): boolean {
  return isObject(place) && isText(place.file) && Number.isInteger(place.line) && isText(place.function);
}

/** Hands on what a process tells; undefined: nobody listens. */
export type TellRecords = ((pid: number, told: Records) => void) | undefined;

export function recordTeller({ scriptRecord, scriptRecordsDropped }: Events): TellRecords {
  if (scriptRecord === undefined) return undefined;
  return (pid, { records, dropped }) => {
    for (const { time, level, logger, message, fields, place } of records) {
      scriptRecord({ pid, time, level, logger, message, fields, place });
    }
    if (dropped > 0) scriptRecordsDropped?.({ pid, count: dropped });
  };
}
