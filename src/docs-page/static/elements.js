// Text becomes text here and nothing else: what scripts and clients have made up is never read as HTML.

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Readonly<Record<string, string>>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * What index.html has.
 *
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/** Fills a place for problems, or hides it. What is said already is not said again.
 * @param {HTMLElement} place
 * @param {readonly (Node | string)[]} children none: there is no problem */
export function showProblem(place, children) {
  const holder = element("div", {}, ...children);
  if (holder.textContent === place.dataset.shown && children.length > 0 === !place.hidden) return;
  place.dataset.shown = holder.textContent ?? "";
  place.replaceChildren(...holder.childNodes);
  place.hidden = children.length === 0;
}
