import { PythonJsonError, type PyValue, readPythonJson, renderPythonJson } from "./python-json.ts";
import { findUtf8Fault } from "./utf8-fault.ts";

/** The JSON text run() gets for a GET request (contract IN-5).
 *  @param rawQuery still percent-encoded, without the leading `?` */
export function queryToJsonText(rawQuery: string): string {
  return rawQuery === "" ? "{}" : renderPythonJson(queryToObject(rawQuery));
}

/** The query's parameters in order of first appearance, their values read as JSON where they are JSON (contract IN-1
 *  to IN-3).
 *  @param rawQuery still percent-encoded, without the leading `?` */
export function queryToObject(rawQuery: string): Map<string, PyValue> {
  const valuesByKey = new Map<string, PyValue[]>();
  for (const [key, text] of parseQuery(rawQuery)) {
    const value = readValue(text);
    const values = valuesByKey.get(key);
    if (values === undefined) valuesByKey.set(key, [value]);
    else values.push(value);
  }
  const members = new Map<string, PyValue>();
  for (const [key, values] of valuesByKey) members.set(key, values.length === 1 ? values[0]! : values);
  return members;
}

/** The query's parameters, decoded, as they come (contract IN-1). */
export function parseQuery(rawQuery: string): [key: string, value: string][] {
  const parameters: [string, string][] = [];
  for (const parameter of rawQuery.split("&")) {
    if (parameter === "") continue;
    const equals = parameter.indexOf("=");
    if (equals === -1) parameters.push([decodeComponent(parameter), ""]);
    else parameters.push([decodeComponent(parameter.slice(0, equals)), decodeComponent(parameter.slice(equals + 1))]);
  }
  return parameters;
}

function readValue(text: string): PyValue {
  try {
    return readPythonJson(text);
  } catch (error) {
    if (error instanceof PythonJsonError) return text;
    throw error;
  }
}

const ESCAPED_RUNS = /(?:%[0-9a-f]{2})+/gi;

function decodeComponent(component: string): string {
  const text = component.replaceAll("+", " ");
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replace(ESCAPED_RUNS, decodeRun);
  }
}

/** Decodes what is UTF-8 in `%c3%a9%ff`, and spells the other bytes as they were, in upper case. */
function decodeRun(run: string): string {
  const bytes = Buffer.from(run.replaceAll("%", ""), "hex");
  let text = "";
  let position = 0;
  while (position < bytes.length) {
    const fault = findUtf8Fault(bytes, position);
    text += bytes.toString("utf8", position, fault?.start);
    if (fault === undefined) break;
    for (const byte of bytes.subarray(fault.start, fault.end)) text += `%${byte.toString(16).toUpperCase()}`;
    position = fault.end;
  }
  return text;
}
