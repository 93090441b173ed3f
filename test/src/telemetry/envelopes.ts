// Items of the reference server and of ours, side by side.
import { readFileSync } from "node:fs";
import { packageFile } from "../../../src/core/package-root.ts";
import type { Envelope } from "../../setup/telemetry-sink.ts";

/** What the real server has sent: one request a line, with its body as text. */
export function recordedEnvelopes(): readonly Envelope[] {
  return readFileSync(packageFile("test/fixtures/telemetry/azmlinfsrv-1.5.1.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => JSON.parse((JSON.parse(line) as { body: string }).body) as Envelope[]);
}

export function ofKind(envelopes: readonly Envelope[], kind: string): readonly Envelope[] {
  return envelopes.filter(({ name }) => name === `Microsoft.ApplicationInsights.${kind}`);
}

/** Where ours differ on purpose, by the path in an item. A pattern stands for both texts that differ, joined with ` | `; what
 *  is missing is `-`. */
export const DIFFERENCES: Readonly<Record<string, readonly [seen: RegExp, why: string]>> = {
  time: [/^20.*Z \| 20.*Z$/, "the time"],
  "tags/ai.device.id": [/^.+ \| -$/, "the host's name, which is ai.cloud.roleInstance"],
  "tags/ai.device.locale": [/^.+ \| -$/, "says nothing of a server"],
  "tags/ai.device.type": [/^Other \| -$/, "says nothing of a server"],
  "tags/ai.internal.nodeName": [/^.+ \| -$/, "the host's name once more"],
  "tags/ai.internal.sdkVersion": [/^ulm_py.* \| node.*:ext1\.0\.0-beta\.42$/, "another exporter"],
  "tags/ai.cloud.roleInstance": [/^.+ \| .+$/, "the host's name"],
  "tags/ai.application.ver": [/^- \| 1\.0$/, "SERVICE_VERSION"],
  "tags/ai.location.ip": [/^- \| 127\.0\.0\.1$/, "the client's address"],
  "tags/ai.operation.id": [
    /^[0-9a-f]{32} \| [0-9a-f]{32}$/,
    "each request has its trace, and what belongs to it is in it",
  ],
  "tags/ai.operation.name": [/^\/\S+ \| [A-Z]+ \/\S+$/, "with the method"],
  "tags/ai.operation.parentId": [/^(-|0{16}) \| [0-9a-f]{16}$/, "exceptions and messages belong to their request"],
  "data/baseData/id": [/^[0-9a-f]{16} \| [0-9a-f]{16}$/, "the id of the span"],
  "data/baseData/name": [/^\/\S+ \| [A-Z]+ \/\S+$/, "with the method"],
  "data/baseData/duration": [/^0\.00:00:00\.\d+ \| 00:00:\d\d\.\d+$/, "how long the request took"],
  "data/baseData/success": [/^true \| false$/, "failures are failures"],
  "data/baseData/responseCode": [/^0 \| \d{3}$/, "the real status"],
  "data/baseData/url": [/^- \| http:\S+$/, "the real address"],
  "data/baseData/severityLevel": [/^(1 \| Information|3 \| Error)$/, "another spelling of the same level"],
  "data/baseData/properties/Request Id": [/^(-|[0-9a-f-]{36}) \| (req-1|[0-9a-f-]{36})$/, "made for each request"],
  "data/baseData/properties/start_time": [/^(\S+\.\d{6}Z) \| \S+\.\d{6}Z$/, "the time"],
  "data/baseData/properties/duration": [/^00:00:\d\d\.\d{3} \| 00:00:\d\d\.\d{3}$/, "how long the request took"],
  "data/baseData/properties/Response Value": [
    /^("Scoring request response payload is .* raw binary" \| "Scoring request response payload is a stream"|.*"message": "An unexpected error.*\} \| .*"message": "An unexpected error.*"ERR_SCRIPT_RUN".*|\{"swagger".* \| \{"swagger".*)$/,
    "streams are not read; failures have their code; the swagger document has our texts",
  ],
  "data/baseData/properties/http.request.body.size": [/^- \| \d+$/, "the size of the body"],
  "data/baseData/properties/scorefn.run_ms": [/^- \| \d+(\.\d+)?$/, "where the time went"],
  "data/baseData/properties/scorefn.queue_ms": [/^- \| \d+(\.\d+)?$/, "where the time went"],
  "data/baseData/properties/scorefn.worker.pid": [/^- \| \d+$/, "which process had it"],
  "data/baseData/properties/http.response.body.size": [/^- \| \d+$/, "the size of the body, which may be cut above"],
  "data/baseData/properties/custom_dimensions": [/^\{'Container Id'.*\} \| -$/, "properties of their own"],
  "data/baseData/properties/code.file.path": [/^\S+appinsights_client\.py \| -$/, "a place within the server"],
  "data/baseData/properties/code.function.name": [/^\S+ \| -$/, "a place within the server"],
  "data/baseData/properties/code.line.number": [/^\d+ \| -$/, "a place within the server"],
  "data/baseData/properties/Container Id": [/^- \| host1$/, "was within custom_dimensions"],
  "data/baseData/properties/Client Request Id": [/^- \| (cli-1)?$/, "was within custom_dimensions"],
  "data/baseData/properties/Workspace Name": [/^- \| ws$/, "was within custom_dimensions"],
  "data/baseData/properties/Service Name": [/^- \| svc$/, "was within custom_dimensions"],
  "data/baseData/properties/Models": [/^- \| \["mymodel:3"\]$/, "was within custom_dimensions"],
  "data/baseData/properties/Input": [/^- \| .+$/, "was within custom_dimensions"],
  "data/baseData/properties/Prediction": [/^- \| .+$/, "was within custom_dimensions"],
  "data/baseData/measurements": [/^- \| \{\}$/, "none"],
  "data/baseData/exceptions/0/typeName": [/^UserScriptException \| ValueError$/, "the script's own"],
  "data/baseData/exceptions/0/message": [/^\(<class .*\) \| boom here$/, "the script's own"],
  "data/baseData/exceptions/0/stack": [
    /^Traceback[\s\S]* \| Traceback[\s\S]*line \d+, in run[\s\S]*$/,
    "without the server's frames",
  ],
};

/** @returns paths and both texts, as the keys and patterns of `DIFFERENCES` */
export function differencesOf(theirs: Envelope, ours: Envelope): ReadonlyMap<string, string> {
  const [left, right] = [flatten(theirs), flatten(ours)];
  const differences = new Map<string, string>();
  for (const path of new Set([...left.keys(), ...right.keys()])) {
    const [one, other] = [left.get(path) ?? "-", right.get(path) ?? "-"];
    if (one !== other) differences.set(path, `${one} | ${other}`);
  }
  return differences;
}

export function unexplained(differences: ReadonlyMap<string, string>): readonly string[] {
  return [...differences].filter(([path, seen]) => !DIFFERENCES[path]?.[0].test(seen)).map((entry) => entry.join(": "));
}

function flatten(value: unknown, path = "", found = new Map<string, string>()): Map<string, string> {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    found.set(path, typeof value === "object" ? JSON.stringify(value) : String(value));
  } else for (const [name, part] of Object.entries(value)) flatten(part, path === "" ? name : `${path}/${name}`, found);
  return found;
}
