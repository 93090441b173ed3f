// The report as SARIF 2.1.0, which code scanning shows beside the code.
import { pathToFileURL } from "node:url";
import { VERSION } from "../../src/host.ts";
import { RULES } from "../rules.ts";
import type { CheckResult, Finding, Level, Place, Report } from "../types.ts";
import { stripped } from "./junit.ts";
import { fingerprint, placeOfFinding, shownFile } from "./places.ts";

const SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json";

/** Name of our fingerprints; another way of making them gets another number. */
const FINGERPRINT = "scorefnCheck/v1";

/** @param root what names of files are relative to */
export function renderSarif(report: Report, root: string): string {
  const { checks, startedAt, ms, verdict, figures, strict } = report;
  const rules = Object.entries(RULES).map(([id, text]) => ({ id, shortDescription: { text } }));
  const ids = Object.keys(RULES);
  const results = checks.flatMap((check) =>
    check.findings.map((finding) => resultOf(finding, check, report, root, ids)),
  );
  const document = {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "scorefn", semanticVersion: VERSION, rules } },
        originalUriBaseIds: { SRCROOT: { uri: `${pathToFileURL(root).href.replace(/\/$/, "")}/` } },
        invocations: [
          {
            executionSuccessful: verdict !== "not loaded",
            startTimeUtc: startedAt.toISOString(),
            endTimeUtc: new Date(startedAt.getTime() + ms).toISOString(),
          },
        ],
        results,
        columnKind: "utf16CodeUnits",
        properties: { verdict, strict, ...figures },
      },
    ],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function resultOf(finding: Finding, check: CheckResult, report: Report, root: string, ids: readonly string[]): object {
  const { rule, level, message, cure } = finding;
  const text = stripped(`${check.name}: ${message}${cure === undefined ? "" : `\n${cure}`}`);
  const location = locationOf(placeOfFinding(finding, check, report), root);
  return {
    ruleId: rule,
    ruleIndex: ids.indexOf(rule),
    level: level satisfies Level,
    message: { text },
    // Code scanning shows nothing without a place.
    ...(location !== undefined && { locations: [location] }),
    partialFingerprints: { [FINGERPRINT]: fingerprint(finding, check) },
  };
}

function locationOf(place: Place | undefined, root: string): object | undefined {
  const file = place === undefined ? undefined : shownFile(place.file, root);
  if (place === undefined || file === undefined) return undefined;
  const region =
    place.line === undefined
      ? { startLine: 1 }
      : { startLine: place.line, ...(place.column !== undefined && place.column > 0 && { startColumn: place.column }) };
  const uri = file
    .split("/")
    .map((part) => encodeURIComponent(part.replace(/\p{Surrogate}/gu, "\ufffd")))
    .join("/");
  return { physicalLocation: { artifactLocation: { uri, uriBaseId: "SRCROOT" }, region } };
}
