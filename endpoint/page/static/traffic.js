// Sets traffic. What is moved is a draft until it is applied; without a draft the form shows what is.
import { Refused, setTraffic } from "./api.js";
import { byId, colourOf, element, setText } from "./elements.js";
import { sharesText, withShare } from "./shares.js";

/** @import { EndpointReport, Shares } from "../../types.ts" */
/** @typedef {{ range: HTMLInputElement, number: HTMLInputElement, now: HTMLElement }} Row */

const NOBODY = "";
/** What a shadow gets when one is chosen. */
const FIRST_MIRROR = 10;

/** @param {() => void} onApplied */
export function createTraffic(onApplied) {
  const form = byId("traffic", HTMLFormElement);
  const place = byId("shares", HTMLElement);
  const shadow = byId("shadow", HTMLSelectElement);
  const mirror = byId("mirror", HTMLInputElement);
  const apply = byId("apply", HTMLButtonElement);
  const undo = byId("undo", HTMLButtonElement);
  const applied = byId("applied", HTMLElement);
  const refused = byId("refused", HTMLElement);
  /** @type {Map<string, Row>} */
  const rows = new Map();
  /** @type {{ traffic: Shares, mirror: Shares }} */
  let live = { traffic: {}, mirror: {} };
  /** @type {{ traffic: Shares, mirror: Shares } | undefined} */
  let draft;
  let isBusy = false;

  const shadowOf = (/** @type {Shares} */ shares) => Object.keys(shares).find((name) => shares[name]) ?? NOBODY;

  /** @param {string} name @param {number} wanted */
  function move(name, wanted) {
    const { traffic, mirror: mirrored } = draft ?? live;
    const moved = withShare(traffic, name, wanted, shadowOf(mirrored));
    // What answers clients is no shadow.
    const isShadowLive = (moved[shadowOf(mirrored)] ?? 0) > 0;
    change({ traffic: moved, mirror: isShadowLive ? {} : mirrored });
  }

  /** @param {{ traffic: Shares, mirror: Shares }} wanted */
  function change(wanted) {
    const isSame =
      sharesText(wanted.traffic) === sharesText(live.traffic) && sharesText(wanted.mirror) === sharesText(live.mirror);
    draft = isSame ? undefined : wanted;
    setText(applied, "");
    refused.hidden = true;
    show();
  }

  /** @param {string} name */
  function createRow(name) {
    const id = `share-${rows.size}-${name}`;
    const bounds = { min: "0", max: "100", step: "1" };
    const range = element("input", { type: "range", id, ...bounds });
    const number = element("input", { type: "number", "aria-label": `percent of traffic for ${name}`, ...bounds });
    const now = element("span", { class: "now" });
    range.addEventListener("input", () => move(name, range.valueAsNumber));
    number.addEventListener("change", () => move(name, number.valueAsNumber));
    const label = element(
      "label",
      { for: id, class: `series-${colourOf(name)}` },
      element("span", { class: "swatch" }),
      name,
    );
    place.append(
      element("div", { class: "share" }, label, range, element("span", { class: "percent" }, number, " %"), now),
    );
    rows.set(name, { range, number, now });
  }

  /** @param {readonly string[]} names */
  function createRows(names) {
    if (names.join() === [...rows.keys()].join()) return;
    rows.clear();
    place.replaceChildren();
    names.forEach(createRow);
    draft = undefined;
  }

  function show() {
    const { traffic, mirror: mirrored } = draft ?? live;
    for (const [name, { range, number, now }] of rows) {
      const share = String(traffic[name] ?? 0);
      if (range.value !== share) range.value = share;
      // Somebody may be typing.
      if (number.value !== share && (draft !== undefined || document.activeElement !== number)) number.value = share;
      range.setAttribute("aria-valuetext", `${share} %`);
      setText(now, draft === undefined ? "" : `now ${live.traffic[name] ?? 0} %`);
    }
    const names = [NOBODY, ...Object.keys(traffic).filter((name) => (traffic[name] ?? 0) === 0)];
    const shown = [...shadow.options].map(({ value }) => value);
    if (names.length !== shown.length || names.join() !== shown.join()) {
      shadow.replaceChildren(
        ...names.map((name) => element("option", { value: name }, name === NOBODY ? "nobody" : name)),
      );
    }
    shadow.value = shadowOf(mirrored);
    mirror.disabled = shadow.value === NOBODY;
    const percent = String(mirrored[shadow.value] ?? 0);
    if (mirror.value !== percent && (draft !== undefined || document.activeElement !== mirror)) mirror.value = percent;
    apply.disabled = draft === undefined || isBusy;
    undo.disabled = draft === undefined || isBusy;
  }

  shadow.addEventListener("change", () => {
    const { traffic } = draft ?? live;
    change({ traffic, mirror: shadow.value === NOBODY ? {} : { [shadow.value]: FIRST_MIRROR } });
  });
  mirror.addEventListener("change", () => {
    const { traffic, mirror: mirrored } = draft ?? live;
    const percent = Math.min(Number(mirror.max), Math.max(0, Math.round(mirror.valueAsNumber) || 0));
    change({ traffic, mirror: percent === 0 ? {} : { [shadowOf(mirrored) || shadow.value]: percent } });
  });
  undo.addEventListener("click", () => change(live));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send();
  });

  async function send() {
    if (draft === undefined || isBusy) return;
    isBusy = true;
    show();
    try {
      const now = await setTraffic(draft.traffic, draft.mirror);
      live = { traffic: { ...live.traffic, ...zeroes(live.traffic), ...now.traffic }, mirror: now.mirrorTraffic };
      draft = undefined;
      setText(applied, `Applied: traffic ${sharesText(now.traffic)}; mirror ${sharesText(now.mirrorTraffic)}`);
      refused.hidden = true;
    } catch (error) {
      refused.hidden = false;
      setText(refused, `Not applied: ${error instanceof Refused ? error.message : String(error)}`);
    }
    isBusy = false;
    show();
    onApplied();
  }

  return {
    /** @param {EndpointReport} report */
    show({ deployments, traffic, mirrorTraffic }) {
      const names = deployments.map(({ name }) => name);
      live = { traffic: Object.fromEntries(names.map((name) => [name, traffic[name] ?? 0])), mirror: mirrorTraffic };
      createRows(names);
      show();
    },
  };
}

/** @param {Shares} shares @returns {Shares} */
function zeroes(shares) {
  return Object.fromEntries(Object.keys(shares).map((name) => [name, 0]));
}
