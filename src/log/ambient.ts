// What a record says of the request in whose course it is written, where nobody hands that on: a script's own records.
import { AsyncLocalStorage } from "node:async_hooks";
import type { LogFields } from "../core/log.ts";

// It costs nothing before its first run(), which only the format json asks for.
const ambient = new AsyncLocalStorage<LogFields | string>();

/** Calls script code whose records, now and later, are to have the fields.
 *  @param fields or the members of a JSON object, which nobody has to read if nothing is written */
export function withFields<T>(fields: LogFields | string, action: () => T): T {
  return ambient.run(fields, action);
}

let always: LogFields | undefined;

/** Gives the fields to all records of this process that have none of a request. */
export function setProcessFields(fields: LogFields): void {
  always = fields;
}

/** @param own what the record has of itself, which comes first */
export function ambientFields(own: LogFields | undefined): LogFields | undefined {
  const store = ambient.getStore() ?? always;
  const given = typeof store === "string" ? (JSON.parse(`{${store}}`) as LogFields) : store;
  if (given === undefined) return own;
  return own === undefined ? given : { ...given, ...own };
}
