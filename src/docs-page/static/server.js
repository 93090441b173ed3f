// Where the server's routes are, seen from the page, and what goes with every request to them.
import { byId } from "./elements.js";

const { root = "./", ready = "ready", versions = "", files = "docs", digest = "" } = document.documentElement.dataset;

/** What every path of the server begins with, as the browser sees it: behind a proxy there may be a prefix. */
export const base = new URL(root, location.href);
base.search = "";
base.hash = "";

export const readyUrl = new URL(root + ready, location.href);
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
  /** @type {Record<string, string>} */
  const headers = {};
  for (const line of headersField.value.split("\n")) {
    if (line.trim() === "") continue;
    const colon = line.indexOf(":");
    if (colon < 1) throw new TypeError(`${line.trim()} is no header: write Name: value`);
    headers[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
  }
  return headers;
}

/** @param {URL} url */
export function ask(url) {
  return fetch(url, { headers: extraHeaders(), cache: "no-store" });
}
