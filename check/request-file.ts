// One file of checks: requests, and what is expected of their answers.
import { readFileSync, statSync } from "node:fs";
import { basename, dirname, extname, resolve } from "node:path";
import { readIgnorePaths } from "../endpoint/mirror/ignore-paths.ts";
import { bare, shown } from "../endpoint/mirror/json-values.ts";
import { ConfigError, renderPythonJson } from "../src/host.ts";
import { incomparable, isMap, plain, ReadError, type ReadValue, readJsonValue, readYamlValue } from "./read-values.ts";
import { isSchema, schemaProblem } from "./schema.ts";
import { Shape } from "./shape.ts";
import type { Expectation, ExpectedBody, RequestCheck, SentRequest } from "./types.ts";

/** Names of the keys, as the schema for editors has them. */
const KEYS = ["$schema", "name", "request", "expect"];
const REQUEST_KEYS = ["method", "path", "query", "headers", "body", "file"];
const EXPECT_KEYS = ["status", "headers", "body", "file", "schema", "tolerance", "ignore", "max_ms"];
const TOLERANCE_KEYS = ["absolute", "relative"];

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Bytes of a file of checks; a larger body stands in a file of its own. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;

const JSON_TYPE = "application/json";

export interface FoundChecks {
  readonly checks: readonly RequestCheck[];
  /** What is wrong, one line each. */
  readonly problems: readonly string[];
}

/** @param file absolute   @param shownFile its name in messages */
export function readRequestFile(file: string, shownFile: string): FoundChecks {
  const problems: string[] = [];
  let read: ReadValue;
  try {
    read = readFile(file);
  } catch (error) {
    if (!(error instanceof ReadError)) throw error;
    const { line, message } = error;
    return { checks: [], problems: [`${shownFile}${line === undefined ? "" : `:${line}`} ${message}`] };
  }
  const tell = (path: readonly (string | number)[], message: string): void => {
    const line = read.lineOf(path);
    problems.push(`${shownFile}${line === undefined ? "" : `:${line}`}: ${message}`);
  };
  const root = new Shape(read.value, tell);
  const isList = Array.isArray(root.value);
  if (!isList && !isMap(root.value)) {
    const found = root.value === null ? "nothing" : shown(root.value);
    return { checks: [], problems: [`${shownFile}: must hold a check, or a list of checks; it holds ${found}`] };
  }
  const items = isList ? (root.value as unknown[]).map((_, index) => root.item(index)) : [root];
  if (items.length === 0) root.problem("holds an empty list; write a check, or remove the file");
  const checks: RequestCheck[] = [];
  const names = new Set<string>();
  items.forEach((item, index) => {
    if (!item.isMapOf(KEYS)) return;
    const own = item.at("name").text() ?? (isList ? `#${index + 1}` : undefined);
    const name = own === undefined ? basename(file) : `${basename(file)}: ${own}`;
    if (names.has(name))
      item.at("name").problem(`two checks are called ${JSON.stringify(own)}; give each a name of its own`);
    names.add(name);
    const folder = dirname(file);
    const request = readRequest(item.at("request"), folder);
    const expect = readExpectation(item.at("expect"), folder);
    if (request === undefined || expect === undefined) return;
    checks.push({ name, request, expect, place: { file, line: read.lineOf(item.path) } });
  });
  return { checks, problems };
}

/** @throws ReadError */
function readFile(file: string): ReadValue {
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE_BYTES) {
      throw new ReadError(
        `has ${size} bytes, at most ${MAX_FILE_BYTES} are read; put large bodies into files of their own`,
      );
    }
    text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof ReadError) throw error;
    const isText = (error as NodeJS.ErrnoException).code !== "ERR_ENCODING_INVALID_ENCODED_DATA";
    throw new ReadError(isText ? `cannot be read: ${(error as Error).message}` : "is not UTF-8; save it as UTF-8");
  }
  return extname(file).toLowerCase() === ".json" ? readJsonValue(text) : readYamlValue(text);
}

function readRequest(shape: Shape, folder: string): SentRequest | undefined {
  if (!shape.isThere) return shape.problem("request is missing; write what is sent, at the least request: {body: …}");
  if (!shape.isMapOf(REQUEST_KEYS)) return undefined;
  const body = shape.at("body");
  const file = shape.at("file");
  if (body.isThere && file.isThere) return file.problem("request has body and file; keep one of them");
  const headers = readHeaders(shape.at("headers"), false) as Record<string, string> | undefined;
  const given = shape.at("path").text() ?? "/score";
  const [path = "", ...rest] = given.split("?");
  if (!/^\/[^\s#]*$/.test(path))
    shape.at("path").problem(`request.path must start with / and hold no blanks, not ${shown(given)}`);
  const query = [rest.join("?"), readQuery(shape.at("query"))].filter((part) => part !== "").join("&");
  const method = (shape.at("method").text() ?? (body.isThere || file.isThere ? "POST" : "GET")).toUpperCase();
  if (!METHODS.includes(method))
    shape.at("method").problem(`request.method must be ${METHODS.join(", ")}, not ${shown(method)}`);
  const sent = readBody(body, file, folder, headers?.["content-type"]);
  if (sent === undefined) return undefined;
  const type = sent.type === undefined ? {} : { "content-type": sent.type };
  return { method, path, query, headers: { ...type, ...headers }, body: sent.bytes };
}

function readBody(
  body: Shape,
  file: Shape,
  folder: string,
  type: string | undefined,
): { bytes: Buffer; type?: string } | undefined {
  if (file.isThere) {
    const name = file.text();
    const bytes = name === undefined ? undefined : contentOf(file, folder, name);
    if (bytes === undefined) return undefined;
    return { bytes, type: extname(name!).toLowerCase() === ".json" ? JSON_TYPE : "application/octet-stream" };
  }
  if (!body.isThere) return { bytes: Buffer.alloc(0) };
  if (typeof body.value === "string" && type !== undefined && !isJsonType(type))
    return { bytes: Buffer.from(body.value) };
  const why = incomparable(body.value);
  if (why !== undefined)
    return body.problem(`request.body ${why}, which is not JSON; send it from a file: request: {file: …}`);
  return { bytes: Buffer.from(renderPythonJson(body.value)), type: JSON_TYPE };
}

export function isJsonType(type: string): boolean {
  return /^\s*(?:application\/json|[^;\s]*\+json)\s*(?:;|$)/i.test(type);
}

function contentOf(shape: Shape, folder: string, name: string): Buffer | undefined {
  try {
    return readFileSync(resolve(folder, name));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "does not exist" : code === "EISDIR" ? "is a folder" : `cannot be read: ${message}`;
    return shape.problem(`${shape.name} names ${name}, which ${why}; names are relative to the file of the check`);
  }
}

function readQuery(shape: Shape): string {
  if (typeof shape.value === "string") return shape.value.replace(/^\?/, "");
  if (!shape.isThere) return "";
  if (!isMap(shape.value)) {
    shape.problem(`request.query must be a text or a map, not ${shown(shape.value)}`);
    return "";
  }
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(plain(shape.value) as object)) {
    for (const one of [value].flat()) query.append(name, String(one));
  }
  return query.toString();
}

/** @param mayBeAbsent null says that there must be no such header */
function readHeaders(shape: Shape, mayBeAbsent: boolean): Record<string, string | null> | undefined {
  if (!shape.isThere) return undefined;
  if (!isMap(shape.value))
    return shape.problem(`${shape.name} must be a map of names and values, not ${shown(shape.value)}`);
  const headers: Record<string, string | null> = {};
  for (const name of Object.keys(plain(shape.value) as object)) {
    const header = shape.at(name);
    const value = bare(header.value);
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) header.problem(`${shown(name)} is no name of a header`);
    else if (value === null && mayBeAbsent) headers[name.toLowerCase()] = null;
    else if (value === null || typeof value === "object") header.problem(`the header ${name} must be a text`);
    else if (/[^\t\x20-\x7e\x80-\xff]/.test(String(value)))
      header.problem(`the header ${name} holds a character that no header can have`);
    else headers[name.toLowerCase()] = String(value);
  }
  return headers;
}

function readExpectation(shape: Shape, folder: string): Expectation | undefined {
  if (!shape.isThere) return {};
  if (!shape.isMapOf(EXPECT_KEYS)) return undefined;
  const status = readStatus(shape.at("status"));
  const headers = readHeaders(shape.at("headers"), true);
  const body = readExpectedBody(shape, folder);
  const schema = readSchema(shape.at("schema"), folder);
  return { status, headers, body, schema, maxMs: shape.at("max_ms").number() };
}

function readStatus(shape: Shape): readonly number[] | undefined {
  if (!shape.isThere) return undefined;
  const list = [shape.value].flat();
  if (list.length > 0 && list.every(isStatus)) return list;
  return shape.problem(`expect.status must be a status from 100 to 599, or a list of them, not ${shown(shape.value)}`);
}

function isStatus(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 100 && value <= 599;
}

function readExpectedBody(expect: Shape, folder: string): ExpectedBody | undefined {
  const [body, file, tolerance, ignore] = ["body", "file", "tolerance", "ignore"].map((key) => expect.at(key)) as [
    Shape,
    Shape,
    Shape,
    Shape,
  ];
  if (body.isThere && file.isThere) return file.problem("expect has body and file; keep one of them");
  if (!body.isThere && !file.isThere) {
    for (const shape of [tolerance, ignore]) {
      if (shape.isThere) shape.problem(`${shape.name} is of no use without expect.body or expect.file`);
    }
    return undefined;
  }
  const read = file.isThere ? readExpectedFile(file, folder) : { value: body.value };
  if (read === undefined) return undefined;
  const why = Buffer.isBuffer(read.value) ? undefined : incomparable(read.value);
  if (why !== undefined) {
    const shape = file.isThere ? file : body;
    return shape.problem(
      `${shape.name} ${why}, which no JSON can be like; take it out, or name its path in expect.ignore`,
    );
  }
  return { value: read.value, ...readTolerance(tolerance), ignore: readIgnore(ignore) };
}

/** JSON, or bytes that are compared as they are. */
function readExpectedFile(shape: Shape, folder: string): { value: unknown } | undefined {
  const name = shape.text();
  const bytes = name === undefined ? undefined : contentOf(shape, folder, name);
  if (bytes === undefined) return undefined;
  if (extname(name!).toLowerCase() !== ".json") return { value: bytes };
  try {
    return { value: readJsonValue(bytes.toString()).value };
  } catch (error) {
    return shape.problem(`${name} ${(error as Error).message}`);
  }
}

function readTolerance(shape: Shape): { absolute: number; relative: number } {
  if (!isMap(shape.value)) return { absolute: shape.number() ?? 0, relative: 0 };
  shape.isMapOf(TOLERANCE_KEYS);
  return { absolute: shape.at("absolute").number() ?? 0, relative: shape.at("relative").number() ?? 0 };
}

function readIgnore(shape: Shape): readonly string[] {
  const list = shape.isThere ? [shape.value].flat() : [];
  if (!list.every((path) => typeof path === "string")) {
    shape.problem("expect.ignore must be a JSON path like $.time, or a list of them");
    return [];
  }
  try {
    readIgnorePaths(list);
    return list;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    shape.problem(`expect.ignore: ${error.message}`);
    return [];
  }
}

/** A schema, or the name of its file. */
function readSchema(shape: Shape, folder: string): object | undefined {
  if (!shape.isThere) return undefined;
  let schema = plain(shape.value);
  if (typeof schema === "string") {
    const bytes = contentOf(shape, folder, schema);
    if (bytes === undefined) return undefined;
    try {
      schema = plain((/\.ya?ml$/i.test(schema) ? readYamlValue : readJsonValue)(bytes.toString()).value);
    } catch (error) {
      return shape.problem(`${String(shape.value)} ${(error as Error).message}`);
    }
  }
  if (!isSchema(schema))
    return shape.problem(`expect.schema must be a JSON Schema or the name of its file, not ${shown(shape.value)}`);
  const why = schemaProblem(schema);
  return why === undefined ? schema : shape.problem(`expect.schema ${why}`);
}
