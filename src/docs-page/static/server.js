// Where the server's routes are, seen from the page, and what goes with every request to them.
import { byId } from "./elements.js";

const { root = "./", versions = "", files = "docs", digest = "" } = document.documentElement.dataset;

/** What every path of the server begins with, as the browser sees it: behind a proxy there may be a prefix. */
export const base = new URL(root, location.href);
base.search = "";
base.hash = "";

export const readyUrl = new URL(`${files}/ready`, location.href);
export const scoreUrl = new URL("score", base);

/** Versions of the description, what says most first. */
export const VERSIONS = [...new Set([...versions.split(" ").filter(Boolean), "3", "2", "3.1"])];

/** @param {string} name */
export function fileUrl(name) {
  return new URL(`${files}/${name}?v=${digest}`, location.href).href;
}

const headersField = byId("headers", HTMLTextAreaElement);

// Azure Functions hands a key over like this; requests of the page show it as a header, which no log has.
const key = new URLSearchParams(location.search).get("code");
if (key !== null) headersField.value = `x-functions-key: ${key}`;

/** What the field for headers says. @returns {Record<string, string>} @throws TypeError for a line that is no header */
export function extraHeaders() {
  const { headers, wrong } = readHeaders();
  if (wrong !== undefined) throw new TypeError(`${wrong} is no header: write Name: value`);
  return headers;
}

function readHeaders() {
  /** @type {Record<string, string>} */
  const headers = {};
  /** @type {string | undefined} */
  let wrong;
  for (const line of headersField.value.split("\n").map((each) => each.trim())) {
    if (line === "") continue;
    const colon = line.indexOf(":");
    const [name, value] = [line.slice(0, Math.max(colon, 0)).trim(), line.slice(colon + 1).trim()];
    if (isHeader(name, value)) headers[name] = value;
    else wrong ??= line;
  }
  return { headers, wrong };
}

/** @param {string} name @param {string} value */
function isHeader(name, value) {
  try {
    new Headers([[name, value]]);
    return true;
  } catch {
    return false;
  }
}

/** Asks without anybody having pressed a button: a header that is still being typed is left out.
 * @param {URL} url @param {AbortSignal} [signal] */
export function ask(url, signal) {
  return fetch(url, { headers: readHeaders().headers, cache: "no-store", ...(signal && { signal }) });
}
