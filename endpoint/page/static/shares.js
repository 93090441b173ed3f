// Shares of traffic that add up to 100 whatever is moved. Knows nothing of the page.

/** @typedef {Readonly<Record<string, number>>} Shares */

const ALL = 100;

/**
 * One share is set; the others give or take in proportion, in whole percents. Those without traffic get none while others can
 * take it.
 *
 * @param {Shares} shares of all deployments
 * @param {string} name
 * @param {number} wanted
 * @param {string} [shadow] takes traffic last of all
 * @returns {Shares}
 */
export function withShare(shares, name, wanted, shadow) {
  const others = Object.keys(shares).filter((other) => other !== name);
  if (others.length === 0) return { [name]: wanted >= ALL / 2 ? ALL : 0 };
  const share = Math.min(ALL, Math.max(0, Math.round(wanted) || 0));
  const rest = ALL - share;
  const sum = others.reduce((total, other) => total + (shares[other] ?? 0), 0);
  if (sum === 0) {
    const heir = others.find((other) => other !== shadow) ?? others[0];
    return inOrder(shares, (other) => (other === name ? share : other === heir ? rest : 0));
  }
  // The largest remainders are rounded up.
  const exact = others.map((other) => ({ other, part: ((shares[other] ?? 0) * rest) / sum }));
  const given = new Map(exact.map(({ other, part }) => [other, Math.floor(part)]));
  let left = rest - [...given.values()].reduce((total, part) => total + part, 0);
  for (const { other } of exact.toSorted((one, two) => (two.part % 1) - (one.part % 1))) {
    if (left === 0) break;
    given.set(other, (given.get(other) ?? 0) + 1);
    left--;
  }
  return inOrder(shares, (other) => (other === name ? share : (given.get(other) ?? 0)));
}

/** @param {Shares} shares @param {(name: string) => number} share */
function inOrder(shares, share) {
  return Object.fromEntries(Object.keys(shares).map((name) => [name, share(name)]));
}

/** `blue 90 %, green 10 %`. @param {Shares} shares */
export function sharesText(shares) {
  const parts = Object.entries(shares)
    .filter(([, share]) => share > 0)
    .map(([name, share]) => `${name} ${share} %`);
  return parts.length === 0 ? "none" : parts.join(", ");
}
