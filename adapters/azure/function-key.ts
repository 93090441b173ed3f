// The key that lets a client in. The host has checked it before a request gets here; script and log are not to see it.
// Where functions ask for no key a client may still send one, and it is hidden all the same.
import type { ScoreRequest } from "../../src/host.ts";

const KEY_HEADER = "x-functions-key";
const KEY_PARAMETER = "code";
const MASK = `${KEY_PARAMETER}=***`;

/** The parts of a request that may hold a key. */
export interface Keyed extends Pick<ScoreRequest, "headers" | "query" | "loggedQuery"> {
  headers: Record<string, string>;
  query: string;
  loggedQuery?: string | undefined;
}

/** Takes the key out of what the script sees; records show that there was one. */
export function hideKey(request: Keyed): void {
  const { headers, query } = request;
  if (Object.hasOwn(headers, KEY_HEADER)) delete headers[KEY_HEADER];
  if (headers.referer !== undefined) headers.referer = withoutKey(headers.referer);
  const masked = maskKey(query);
  if (masked === query) return;
  request.loggedQuery = masked;
  request.query = query
    .split("&")
    .filter((parameter) => !isKey(parameter))
    .join("&");
}

/** A request target, or an address of our own that a client names as the one it came from, as records may show it. */
export function withoutKey(url: string): string {
  const mark = url.indexOf("?");
  return mark < 0 ? url : url.slice(0, mark + 1) + maskKey(url.slice(mark + 1));
}

function maskKey(query: string): string {
  if (!MAYBE_KEY.test(query)) return query;
  return query
    .split("&")
    .map((parameter) => (isKey(parameter) ? MASK : parameter))
    .join("&");
}

const MAYBE_KEY = /%|code/i;

/** The host decodes names, and takes any case of them. */
function isKey(parameter: string): boolean {
  const [name = ""] = parameter.split("=", 1);
  return KEY_NAME.test(name.replace(ESCAPE, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))));
}

/** Blanks around it count for some versions of the host. */
const KEY_NAME = /^[\s+]*code[\s+]*$/i;
const ESCAPE = /%([0-9a-f]{2})/gi;
