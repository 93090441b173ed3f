// How the script is, asked for as long as somebody looks at the page.
import { byId, showProblem } from "./elements.js";
import { describeFailure } from "./failures.js";
import { ask, readyUrl } from "./server.js";

/** Between two questions, in milliseconds. On the machine of whoever edits the script: soon enough for who has just saved a file,
 *  and nothing that a server notices. Elsewhere each may cost money. */
const PAUSE_MS = /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(location.hostname) ? 2_000 : 15_000;

/** @type {Readonly<Record<string, string>>} */
const WORDS = {
  ready: "Ready",
  busy: "Ready, all workers are busy",
  loading: "The script is loading",
  failed: "The script cannot be called",
  stopping: "The server is stopping",
};

/** Of a failure whose reason is not said. */
const UNTOLD = {
  hint: "The server keeps the reason to itself; its log has it, and --error_detail location shows it here.",
};

/** @param {() => void} onChange what was known of the script may be no longer so */
export function watchState(onChange) {
  const line = byId("state", HTMLElement);
  const reload = byId("reload", HTMLElement);
  const notReady = byId("not-ready", HTMLElement);
  let known = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isAsking = false;

  async function look() {
    clearTimeout(timer);
    if (isAsking || document.hidden) return;
    isAsking = true;
    try {
      show(await read());
    } finally {
      isAsking = false;
      timer = setTimeout(look, PAUSE_MS);
    }
  }

  /** @returns {Promise<Record<string, any>>} */
  async function read() {
    try {
      const response = await ask(readyUrl);
      const answer = await response.json().catch(() => ({}));
      return typeof answer.state === "string" ? answer : { state: `the server answers ${response.status}` };
    } catch {
      return { state: "the server does not answer; trying again" };
    }
  }

  /** @param {Record<string, any>} answer */
  function show({ state, error, reload: last }) {
    const isReady = state === "ready" || state === "busy";
    const text = WORDS[state] ?? state;
    if (line.textContent !== text) line.textContent = text;
    line.classList.toggle("bad", !isReady && state !== "loading");
    const hasFailed = last?.state === "failed";
    // Of an edit the server tells more: its frame.
    const why = (hasFailed && last.error) || error;
    const isBroken = !isReady && (why || state === "failed");
    showProblem(notReady, isBroken ? describeFailure("The script cannot be called", why ?? UNTOLD) : []);
    const isOld = isReady && hasFailed;
    showProblem(
      reload,
      isOld ? describeFailure("The last edit does not load; what ran before still does", why ?? UNTOLD) : [],
    );
    // A busy script is the same script; each version has another number.
    const now = JSON.stringify([isReady || state, error, last]);
    if (now !== known && known !== "") onChange();
    known = now;
  }

  document.addEventListener("visibilitychange", look);
  void look();
}
