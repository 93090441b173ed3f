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
    const problem =
      isReady || (!error && state !== "failed") ? [] : describeFailure("The script cannot be called", error);
    showProblem(notReady, problem);
    const why = last?.error;
    showProblem(reload, why ? describeFailure("The last edit does not load; what ran before still does", why) : []);
    // A busy script is the same script.
    const now = JSON.stringify([isReady || state, error, last]);
    if (now !== known && known !== "") onChange();
    known = now;
  }

  document.addEventListener("visibilitychange", look);
  void look();
}
