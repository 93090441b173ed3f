// Reports in files: which were asked for, whether they can be written, and writing them.
import { closeSync, mkdirSync, openSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Report } from "../types.ts";
import { renderJson } from "./json.ts";
import { renderJunit } from "./junit.ts";
import { renderSarif } from "./sarif.ts";

export type ReportForm = "junit" | "sarif" | "json";

const FORMS: Readonly<Record<ReportForm, (report: Report, root: string) => string>> = {
  junit: renderJunit,
  sarif: renderSarif,
  json: renderJson,
};

export interface ReportFile {
  readonly form: ReportForm;
  /** As typed; `-` is stdout. */
  readonly path: string;
}

export const REPORT_FORMS: readonly string[] = Object.keys(FORMS);

/** @param given `junit=check.xml`   @returns a line about what is wrong with it, else the report */
export function readReportFlag(given: string): ReportFile | string {
  const [form = "", ...rest] = given.split("=");
  const path = rest.join("=");
  if (Object.hasOwn(FORMS, form) && path !== "") return { form: form as ReportForm, path };
  return `--report must be FORM=PATH with one of the forms ${REPORT_FORMS.join(", ")}, not ${JSON.stringify(given)}: --report junit=check.xml`;
}

/** What is wrong with where reports are to go, a line each. Nothing is written. */
export function reportProblems(files: readonly ReportFile[], cwd: string): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { form, path } of files) {
    const place = path === "-" ? "-" : resolve(cwd, path);
    const shown = path === "-" ? "standard output" : path;
    if (seen.has(place)) problems.push(`two reports go to ${shown}; give each a place of its own`);
    seen.add(place);
    const why = path === "-" ? undefined : notWritable(place);
    if (why !== undefined) problems.push(`--report ${form}=${path} cannot be written: ${why}; choose another path`);
  }
  return problems;
}

function notWritable(path: string): string | undefined {
  try {
    const isThere = statSync(path, { throwIfNoEntry: false }) !== undefined;
    if (isSomethingElse(path)) return "there is a file that is no report of scorefn";
    mkdirSync(dirname(path), { recursive: true });
    closeSync(openSync(path, "a"));
    if (!isThere) unlinkSync(path);
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "EISDIR" ? "it is a folder" : message;
  }
}

/** Bytes of a file that show whether it is a report. */
const HEAD_BYTES = 4_096;

/** Nobody's script or sample is written over because of a slip. */
function isSomethingElse(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  const head = readFileSync(path).subarray(0, HEAD_BYTES).toString();
  return head.trim() !== "" && !(/^[<{]/.test(head) && /"scorefn"|scorefn check/.test(head));
}

/** @param root what names of files are relative to   @param write gets what goes to stdout
 *  @returns a line about each that could not be written */
export function writeReports(
  files: readonly ReportFile[],
  report: Report,
  root: string,
  cwd: string,
  write: (text: string) => void,
): string[] {
  const problems: string[] = [];
  for (const { form, path } of files) {
    const text = FORMS[form](report, root);
    if (path === "-") write(text);
    else {
      try {
        writeFileSync(resolve(cwd, path), text);
      } catch (error) {
        problems.push(`--report ${form}=${path} cannot be written: ${(error as Error).message}`);
      }
    }
  }
  return problems;
}
