// The page to try a score script with.
import { createAnswer } from "./answer.js";
import { createDescription } from "./description.js";
import { byId } from "./elements.js";
import { createRequest } from "./request.js";
import { watchState } from "./state.js";

const request = createRequest();
const answer = createAnswer();
const send = byId("send", HTMLButtonElement);
const stop = byId("stop", HTMLButtonElement);

/** @type {AbortController | undefined} */
let underWay;

request.form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (underWay !== undefined) return;
  let made;
  try {
    made = request.make();
  } catch (error) {
    answer.tell(`Not sent: ${/** @type {Error} */ (error).message}`);
    return;
  }
  underWay = new AbortController();
  send.disabled = true;
  stop.disabled = false;
  try {
    await answer.send(made, underWay.signal);
  } finally {
    underWay = undefined;
    send.disabled = false;
    stop.disabled = true;
  }
});
stop.addEventListener("click", () => underWay?.abort());
// The usual keys for it, from within a field of several lines.
request.form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) request.form.requestSubmit();
});

// Without a change of the address, which would be another place in the history.
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  request.form.focus();
});

const dark = matchMedia("(prefers-color-scheme: dark)");
const showScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", showScheme);
showScheme();

const description = createDescription((example, title) => {
  request.setExample(example);
  if (title === "") return;
  byId("name", HTMLElement).textContent = title;
  document.title = title;
});
watchState(description.refresh);
// Who comes back has perhaps edited the script meanwhile.
addEventListener("focus", description.refresh);
// What the page is for is there before the library, which is large, is run.
requestAnimationFrame(() => requestAnimationFrame(description.refresh));
