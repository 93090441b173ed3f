// What the server says of a failure, for people: what happened, where, and what to do.
import { element } from "./elements.js";

/**
 * @typedef {{ file: string, line: number, column: number | null, function: string | null, source: string | null }} Place
 * @typedef {{ code?: string, type?: string, message?: string, location?: Place | null, codeFrame?: string, hint?: string,
 *   traceback?: string }} Failure the member `error` of an answer
 */

/**
 * @param {string} title
 * @param {Failure | string | undefined} failure undefined: nothing more is known
 * @returns {Node[]}
 */
export function describeFailure(title, failure) {
  /** @type {Node[]} */
  const nodes = [element("p", { class: "title" }, title)];
  if (failure === undefined) return nodes;
  if (typeof failure === "string") return [...nodes, element("pre", { tabindex: "0", "aria-label": title }, failure)];
  const { code, type, message, location, codeFrame, hint, traceback } = failure;
  const what = [type, message].filter(Boolean).join(": ");
  if (what !== "") nodes.push(element("p", {}, what));
  if (location) nodes.push(placeOf(location));
  const frame = codeFrame ?? frameOf(location);
  if (frame !== undefined) {
    nodes.push(element("pre", { class: "frame", tabindex: "0", "aria-label": "the place in the source" }, frame));
  }
  if (hint) nodes.push(element("p", {}, hint));
  if (traceback) {
    const text = element("pre", { tabindex: "0", "aria-label": "traceback" }, traceback);
    nodes.push(element("details", {}, element("summary", {}, "Traceback"), text));
  }
  if (code) nodes.push(element("p", { class: "faint" }, "code ", element("code", {}, code)));
  return nodes;
}

/** @param {Place} location */
function placeOf({ file, line, column, function: name }) {
  const place = `${file}:${line}${column === null ? "" : `:${column}`}`;
  return element("p", {}, "at ", element("code", { class: "place" }, place), ...(name ? [` in ${name}`] : []));
}

/** @param {Place | null | undefined} location */
function frameOf(location) {
  return location?.source ? `> ${location.line} | ${location.source}` : undefined;
}

/**
 * What an answer other than 200 tells, as text of any kind.
 *
 * @param {string} body
 * @returns {{ message: string | undefined, error: Failure | undefined }}
 */
export function readFailure(body) {
  try {
    const { message, error } = JSON.parse(body);
    return {
      message: typeof message === "string" ? message : undefined,
      error: typeof error === "object" && error !== null ? error : undefined,
    };
  } catch {
    return { message: undefined, error: undefined };
  }
}
