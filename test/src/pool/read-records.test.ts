import { expect, test } from "vitest";
import { readRecords } from "../../../src/pool/records.ts";

const record = { time: 1, level: "INFO", logger: "l", message: "m" };
const told = (...records: unknown[]): string => JSON.stringify({ records, dropped: 0 });

test.each([
  [0, "no JSON"],
  [0, "[]"],
  [0, "null"],
  [0, "{}"],
  [0, JSON.stringify({ records: [] })],
  [0, JSON.stringify({ records: {}, dropped: 0 })],
  [0, JSON.stringify({ records: [], dropped: -1 })],
  [0, JSON.stringify({ records: [], dropped: "1" })],
  [1, told(record)],
  [0, told(null)],
  [0, told(record, { ...record, time: null })],
  [0, told({ ...record, level: "NOTICE" })],
  [0, told({ ...record, logger: 1 })],
  [0, told({ ...record, message: null })],
  [0, told({ ...record, fields: [] })],
  [0, told({ ...record, fields: null })],
  [0, told({ ...record, place: null })],
  [0, told({ ...record, place: { file: "f", line: 1.5, function: "run" } })],
] as const)("RECORDS with id %i of the form %s are refused", (id, payload) => {
  expect(() => readRecords(id, Buffer.from(payload))).toThrow(expect.objectContaining({ code: "ERR_FRAME" }));
});

test.each([
  told(),
  told(record),
  told({ ...record, fields: {} }, { ...record, fields: { request_id: "r", more: [1] } }),
  told({ ...record, level: "CRITICAL", place: { file: "f", line: 1, function: "" } }),
  told({ ...record, more: "of a later version" }),
])("RECORDS of the form %s are read", (payload) => {
  expect(readRecords(0, Buffer.from(payload))).toEqual(JSON.parse(payload));
});
