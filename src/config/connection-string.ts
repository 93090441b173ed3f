/** What a connection string of Application Insights says, as far as it counts here. */
export interface ConnectionString {
  /** Undefined: it names none. */
  readonly key: string | undefined;
  /** Where telemetry is sent, without a slash at its end. */
  readonly endpoint: string;
  /** Names of parts that have no effect. */
  readonly unknown: readonly string[];
}

/** Where telemetry is sent unless the string says otherwise. */
export const DEFAULT_ENDPOINT = "https://dc.services.visualstudio.com";

/** Longest string that Application Insights takes, in characters. */
const MAX_LENGTH = 4_096;

/** Lower-case names. Those without effect here belong to features that this server does not have. */
const KNOWN: ReadonlySet<string> = new Set([
  "instrumentationkey",
  "ingestionendpoint",
  "endpointsuffix",
  "location",
  "liveendpoint",
  "profilerendpoint",
  "snapshotendpoint",
  "authorization",
  "applicationid",
  "aadaudience",
]);

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether Application Insights takes it for an instrumentation key. */
export function isInstrumentationKey(text: string): boolean {
  return GUID.test(text);
}

/** @returns why it cannot be used, which shows nothing of it that may be secret */
export function parseConnectionString(text: string): ConnectionString | string {
  if (text.length > MAX_LENGTH) return `it has more than ${MAX_LENGTH} characters`;
  const parts = new Map<string, string>();
  const unknown: string[] = [];
  for (const part of text.split(";").map((piece) => piece.trim())) {
    if (part === "") continue;
    const end = part.indexOf("=");
    if (end < 1) return "it must be parts such as InstrumentationKey=…;IngestionEndpoint=…";
    const name = part.slice(0, end).trim();
    parts.set(name.toLowerCase(), part.slice(end + 1).trim());
    if (!KNOWN.has(name.toLowerCase())) unknown.push(/^[A-Za-z]{1,40}$/.test(name) ? name : "one with an odd name");
  }
  const key = parts.get("instrumentationkey") || undefined;
  if (key !== undefined && !isInstrumentationKey(key)) return "its InstrumentationKey is not a GUID";
  if ((parts.get("authorization") ?? "ikey").toLowerCase() !== "ikey") return "its Authorization must be ikey";
  const endpoint = endpointOf(parts);
  if (endpoint === undefined) return "its endpoint is not an http:// or https:// address";
  return { key, endpoint, unknown };
}

function endpointOf(parts: ReadonlyMap<string, string>): string | undefined {
  const suffix = parts.get("endpointsuffix");
  const location = parts.get("location");
  const bySuffix = suffix && `https://${location ? `${location}.` : ""}dc.${suffix}`;
  const endpoint = parts.get("ingestionendpoint") || bySuffix || DEFAULT_ENDPOINT;
  if (!URL.canParse(endpoint)) return undefined;
  const { protocol, username, password, search, hash } = new URL(endpoint);
  const isPlain = [username, password, search, hash].every((piece) => piece === "");
  return /^https?:$/.test(protocol) && isPlain ? endpoint.replace(/\/+$/, "") : undefined;
}
