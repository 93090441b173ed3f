// The answer, as it comes: a stream is shown piece by piece, with the time of each.
import { byId, element, showProblem } from "./elements.js";
import { describeFailure, readFailure } from "./failures.js";

/** @typedef {import("./request.js").Made} Made */

/** More than this is not shown, but can be saved: in characters, and in pieces of a stream. */
const MAX_CHARACTERS = 1_000_000;
const MAX_PIECES = 2_000;
/** Of one piece, in characters. */
const MAX_PIECE = 10_000;

const whole = new Intl.NumberFormat("en");

export function createAnswer() {
  const status = byId("answer-state", HTMLElement);
  const failure = byId("failure", HTMLElement);
  const body = byId("body", HTMLElement);
  const stream = byId("stream", HTMLElement);
  const pieces = byId("pieces", HTMLElement);
  const picture = byId("picture", HTMLImageElement);
  const save = byId("save", HTMLButtonElement);
  const headers = byId("answer-headers", HTMLDetailsElement);
  const list = byId("header-list", HTMLElement);
  // What scrolls is scrolled by the keyboard, too.
  body.tabIndex = 0;
  body.ariaLabel = "body of the answer";
  stream.tabIndex = 0;
  /** @type {Blob | undefined} */
  let received;

  save.addEventListener("click", () => {
    if (received === undefined) return;
    const url = URL.createObjectURL(received);
    element("a", { href: url, download: `answer${extensionOf(received.type)}` }).click();
    // The download has begun with its own hold on the bytes.
    setTimeout(() => URL.revokeObjectURL(url));
  });

  function clear() {
    received = undefined;
    showProblem(failure, []);
    body.textContent = "";
    pieces.replaceChildren();
    list.replaceChildren();
    for (const place of [body, stream, picture, save, headers]) place.hidden = true;
  }

  /** @param {Made} made @param {AbortSignal} signal */
  async function send({ url, init }, signal) {
    clear();
    status.textContent = "Sent, waiting for the answer…";
    const startedAt = performance.now();
    const since = () => `${whole.format(Math.round(performance.now() - startedAt))} ms`;
    let response;
    try {
      response = await fetch(url, { ...init, signal, cache: "no-store" });
    } catch (error) {
      if (signal.aborted) status.textContent = `Stopped after ${since()}, before an answer came.`;
      else
        fail(
          `No answer: ${/** @type {Error} */ (error).message}`,
          "The server does not answer; its terminal may say why.",
        );
      return;
    }
    showHeaders(response);
    const type = response.headers.get("content-type") ?? "";
    const isStream = /^text\/event-stream/i.test(type) || (!response.headers.has("content-length") && isText(type));
    const shows =
      isStream && !/[/+]json(?:;|$)/i.test(type) ? pieceByPiece(since) : isText(type) ? asText() : undefined;
    status.textContent = `${response.status}, receiving…`;
    /** @type {Uint8Array<ArrayBuffer>[]} */
    const chunks = [];
    let firstAt = "";
    let broken = "";
    try {
      const reader = response.body?.getReader();
      for (let item = await reader?.read(); item !== undefined && !item.done; item = await reader?.read()) {
        firstAt ||= since();
        chunks.push(item.value);
        shows?.add(item.value);
      }
    } catch (error) {
      broken = signal.aborted ? "stopped" : /** @type {Error} */ (error).message;
    }
    shows?.end();
    received = new Blob(chunks, { type });
    save.hidden = received.size === 0;
    const size = `${whole.format(received.size)} bytes`;
    const many = isStream ? `, ${whole.format(chunks.length)} pieces, the first after ${firstAt}` : "";
    status.textContent = `${response.status} in ${since()}, ${size}${many}${broken && ", not complete"}`;
    if (broken !== "" && !signal.aborted) {
      fail(
        "The answer ended before it was complete",
        "The script failed midway, or the server ended; its log says why.",
      );
    } else if (!response.ok) showRefusal(response, await received.text());
    if (/^image\//i.test(type)) await showPicture(received);
  }

  /** @param {string} title @param {string} text */
  function fail(title, text) {
    if (status.textContent?.startsWith("Sent")) status.textContent = title;
    showProblem(failure, describeFailure(title, { message: text }));
  }

  /** @param {Response} response @param {string} text */
  function showRefusal(response, text) {
    const { message, error } = readFailure(text);
    const code = response.headers.get("x-ms-error-code") ?? undefined;
    const failed = response.headers.get("x-ms-run-function-failed") === "True";
    const hint =
      failed && error === undefined
        ? "The server keeps the place to itself; --error_detail location shows it here."
        : undefined;
    const known = { ...(code && { code }), ...(hint && { hint }), ...error };
    showProblem(failure, describeFailure(message ?? `The answer is ${response.status}`, known));
  }

  /** @param {Response} response */
  function showHeaders(response) {
    headers.hidden = false;
    for (const [name, value] of response.headers) {
      list.append(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
    }
  }

  function asText() {
    const decoder = new TextDecoder();
    let shown = 0;
    body.hidden = false;
    const append = (/** @type {string} */ text) => {
      if (shown < MAX_CHARACTERS) body.append(text.slice(0, MAX_CHARACTERS - shown));
      shown += text.length;
    };
    return {
      add: (/** @type {Uint8Array} */ chunk) => append(decoder.decode(chunk, { stream: true })),
      end() {
        append(decoder.decode());
        if (shown > MAX_CHARACTERS) body.append("\n… (the rest is in what you save)");
      },
    };
  }

  /** @param {() => string} since */
  function pieceByPiece(since) {
    const decoder = new TextDecoder();
    let count = 0;
    stream.hidden = false;
    const append = (/** @type {string} */ text) => {
      if (text === "" || ++count > MAX_PIECES) return;
      const atEnd = stream.scrollTop + stream.clientHeight >= stream.scrollHeight - 4;
      const shown = text.length > MAX_PIECE ? `${text.slice(0, MAX_PIECE)}…` : text;
      pieces.append(element("li", {}, element("span", { class: "time" }, since()), element("code", {}, shown)));
      if (atEnd) stream.scrollTop = stream.scrollHeight;
    };
    return {
      add: (/** @type {Uint8Array} */ chunk) => append(decoder.decode(chunk, { stream: true })),
      end() {
        append(decoder.decode());
        if (count > MAX_PIECES) pieces.append(element("li", {}, "… (the rest is in what you save)"));
      },
    };
  }

  /** @param {Blob} blob */
  async function showPicture(blob) {
    const reader = new FileReader();
    await new Promise((resolve) => {
      reader.addEventListener("loadend", resolve);
      reader.readAsDataURL(blob);
    });
    picture.src = String(reader.result);
    picture.hidden = false;
  }

  /** @param {string} text */
  function tell(text) {
    clear();
    status.textContent = text;
  }

  return { send, tell };
}

/** @param {string} type */
function isText(type) {
  return type === "" || /^text\/|[/+](?:json|jsonl|xml|x-ndjson|javascript|yaml|csv)\b/i.test(type);
}

/** @param {string} type */
function extensionOf(type) {
  if (/json/i.test(type)) return ".json";
  if (/^text\//i.test(type)) return ".txt";
  const [, subtype] = /^image\/(\w+)/i.exec(type) ?? [];
  return subtype === undefined ? ".bin" : `.${subtype}`;
}
