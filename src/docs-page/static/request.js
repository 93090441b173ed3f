// The form that a request is made with.
import { byId, element } from "./elements.js";
import { extraHeaders, scoreUrl } from "./server.js";

/** @typedef {{ url: URL, init: RequestInit }} Made a request, as fetch() takes it */

/** @type {Readonly<Record<string, string>>} */
const TYPES = { text: "application/json", file: "application/octet-stream" };

export function createRequest() {
  const form = byId("request", HTMLFormElement);
  const text = byId("text", HTMLTextAreaElement);
  const file = byId("file", HTMLInputElement);
  const type = byId("type", HTMLInputElement);
  const query = byId("query", HTMLInputElement);
  const parts = byId("parts", HTMLElement);
  let example = text.value;
  let kind = "text";

  form.addEventListener("change", () => {
    const wanted = String(new FormData(form).get("kind"));
    if (wanted === kind) return;
    // What somebody has typed stays; the usual type of one kind is not that of another.
    if (type.value === TYPES[kind] || kind === "form") type.value = TYPES[wanted] ?? "";
    kind = wanted;
    for (const name of ["text", "file", "form"]) byId(`${name}-part`, HTMLElement).hidden = name !== kind;
    byId("type-part", HTMLElement).hidden = kind === "form";
  });
  byId("add-file", HTMLButtonElement).addEventListener("click", () => addPart("file").focus());
  byId("add-text", HTMLButtonElement).addEventListener("click", () => addPart("text").focus());
  byId("example", HTMLButtonElement).addEventListener("click", () => {
    text.value = example;
    byId("text-part", HTMLElement).parentElement?.querySelector("input")?.click();
  });
  addPart("file");

  /** @param {"file" | "text"} of */
  function addPart(of) {
    const name = element("input", { type: "text", "aria-label": "name of the part", value: of, class: "part-name" });
    const value = element("input", { type: of, "aria-label": of === "file" ? "file of the part" : "text of the part" });
    const remove = element("button", { type: "button", "aria-label": "remove the part" }, "×");
    const row = element("div", { class: "part" }, name, value, remove);
    remove.addEventListener("click", () => row.remove());
    parts.append(row);
    return name;
  }

  /** @returns {{ body: BodyInit, contentType: string | undefined }} */
  function makeBody() {
    if (kind === "text") return { body: text.value, contentType: type.value };
    if (kind === "file") {
      const [chosen] = file.files ?? [];
      if (chosen === undefined) throw new TypeError("choose a file first");
      return { body: chosen, contentType: type.value };
    }
    const data = new FormData();
    for (const row of parts.querySelectorAll(".part")) {
      const [name, value] = row.querySelectorAll("input");
      if (name === undefined || value === undefined) continue;
      if (value.type === "text") data.append(name.value, value.value);
      for (const chosen of value.files ?? []) data.append(name.value, chosen, chosen.name);
    }
    // With its boundary, which only the browser knows.
    return { body: data, contentType: undefined };
  }

  return {
    form,
    /** @returns {Made} @throws TypeError that says what is missing */
    make() {
      const { body, contentType } = makeBody();
      const headers = extraHeaders();
      const url = new URL(scoreUrl);
      url.search = query.value.replace(/^\?/, "");
      return {
        url,
        init: { method: "POST", body, headers: { ...headers, ...(contentType && { "Content-Type": contentType }) } },
      };
    },
    /** Another example takes the place of the one before, never of what somebody has typed. @param {string} next */
    setExample(next) {
      if (text.value === example) text.value = next;
      example = next;
    },
  };
}
