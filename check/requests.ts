// Where requests come from: the sample beside the script, the command line, and files of checks.
import { isUtf8 } from "node:buffer";
import { existsSync, readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { readRequestData, SAMPLE } from "../packaging/request-data.ts";
import { incomparable, ReadError, readJsonValue } from "./read-values.ts";
import { readRequestFile } from "./request-file.ts";
import type { ExpectedBody, Finding, RequestCheck, SentRequest } from "./types.ts";

export interface Sources {
  /** Folder of the sample and of the folder of checks; absolute. */
  readonly folder: string;
  /** Folder or file of checks that was named; undefined: `checks` in the folder, if it is there. */
  readonly checks: string | undefined;
  /** As typed: `@file`, or the body itself. */
  readonly data: readonly string[];
  readonly expect: readonly string[];
  readonly absolute: number;
  readonly relative: number;
  /** What names in messages are relative to. */
  readonly cwd: string;
}

export interface FoundRequests {
  readonly requests: readonly RequestCheck[];
  /** What cannot be used, one line each. */
  readonly problems: readonly string[];
  readonly findings: readonly Finding[];
}

/** Name of the folder of checks beside a script. */
export const CHECKS = "checks";

const CHECK_FILE = /\.(?:json|ya?ml)$/i;

export async function findRequests(sources: Sources): Promise<FoundRequests> {
  const requests: RequestCheck[] = [];
  const problems: string[] = [];
  const findings: Finding[] = [];
  await addSample(sources, requests, problems);
  await addData(sources, requests, problems);
  for (const file of checkFiles(sources, problems, findings)) {
    const found = readRequestFile(file, relative(sources.cwd, file) || basename(file));
    requests.push(...found.checks);
    problems.push(...found.problems);
  }
  return { requests, problems, findings };
}

async function addSample({ folder, cwd }: Sources, requests: RequestCheck[], problems: string[]): Promise<void> {
  const file = join(folder, SAMPLE);
  if (!existsSync(file)) return;
  try {
    const body = await readFile(file);
    readJsonValue(body.toString());
    requests.push({ name: SAMPLE, request: post(body, JSON_TYPE), expect: {}, place: { file, line: 1 } });
  } catch (error) {
    const why = error instanceof ReadError ? "" : "cannot be read: ";
    problems.push(`${relative(cwd, file)} ${why}${(error as Error).message}`);
  }
}

const JSON_TYPE = "application/json";

function post(body: Buffer, type: string): SentRequest {
  return { method: "POST", path: "/score", query: "", headers: { "content-type": type }, body };
}

/** The n-th --expect belongs to the n-th --data. */
async function addData(sources: Sources, requests: RequestCheck[], problems: string[]): Promise<void> {
  const { data, expect, cwd } = sources;
  if (expect.length > data.length) {
    const words = data.length === 0 ? "there is no --data" : `there are only ${data.length} --data`;
    problems.push(
      `--expect ${expect[data.length]} has no request: ${words}, and the first --expect belongs to the first --data`,
    );
  }
  if ((sources.absolute > 0 || sources.relative > 0) && expect.length === 0) {
    problems.push(
      "--tolerance and --relative_tolerance are for --expect; in files of checks write expect: {tolerance: …}",
    );
  }
  for (const [index, given] of data.entries()) {
    try {
      const body = await readRequestData(given);
      const wanted = expect[index];
      const value = wanted === undefined ? undefined : await expectedBody(wanted, sources);
      const place = given.startsWith("@") ? { file: resolve(cwd, given.slice(1)), line: 1 } : undefined;
      const same = data.slice(0, index).filter((other) => other === given).length;
      const name = `--data ${shortened(given)}${same === 0 ? "" : ` (${same + 1})`}`;
      requests.push({
        name,
        request: post(body, isJson(body) ? JSON_TYPE : "application/octet-stream"),
        expect: { body: value },
        place,
      });
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
}

async function expectedBody(given: string, { absolute, relative: part }: Sources): Promise<ExpectedBody> {
  const bytes = await readRequestData(given, "expect");
  const value = isJson(bytes) ? readJsonValue(bytes.toString()).value : bytes;
  const why = Buffer.isBuffer(value) ? undefined : incomparable(value);
  if (why !== undefined)
    throw new ReadError(`--expect ${shortened(given)} ${why}, which no JSON can be like; take it out`);
  return { value, absolute, relative: part, ignore: [] };
}

function isJson(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) return false;
  try {
    readJsonValue(bytes.toString());
    return true;
  } catch {
    return false;
  }
}

/** Characters of a body that make its name. */
const NAME_CHARS = 40;

function shortened(given: string): string {
  return given.length <= NAME_CHARS ? given : `${given.slice(0, NAME_CHARS)}…`;
}

function checkFiles({ folder, checks, cwd }: Sources, problems: string[], findings: Finding[]): string[] {
  const path = checks === undefined ? join(folder, CHECKS) : resolve(cwd, checks);
  const shown = checks ?? (relative(cwd, path) || path);
  if (!existsSync(path)) {
    if (checks !== undefined)
      problems.push(
        `--checks names ${checks}, which does not exist; name a folder of .yaml and .json files, or one of them`,
      );
    return [];
  }
  try {
    if (!statSync(path).isDirectory()) return [path];
    const files = readdirSync(path)
      .filter((name) => CHECK_FILE.test(name))
      .sort();
    const empty = `the folder ${shown} holds no .json, .yaml or .yml file; add a check, or remove the folder`;
    if (files.length === 0 && checks !== undefined) problems.push(empty);
    else if (files.length === 0)
      findings.push({ rule: "no-request", level: "warning", message: empty, key: "empty folder" });
    return files.map((name) => join(path, name));
  } catch (error) {
    problems.push(`${shown} cannot be read: ${(error as Error).message}`);
    return [];
  }
}
