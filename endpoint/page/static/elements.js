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

/** A change that is none would end what somebody selects or hears. @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const whole = new Intl.NumberFormat("en");
const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** @param {number} value */
export function numberText(value) {
  return Number.isInteger(value) ? whole.format(value) : digits.format(value);
}

/** Places in the list of colours. */
const COLOURS = 6;
/** @type {string[]} */
const seen = [];

/** A deployment keeps its colour while the page is open. @param {string} deployment */
export function colourOf(deployment) {
  if (!seen.includes(deployment)) seen.push(deployment);
  return seen.indexOf(deployment) % COLOURS;
}
