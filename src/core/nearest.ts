// What somebody meant who typed a word that is none of those there are.

/** Letters that may differ at the least, and the share of a long word that may. */
const LEAST_EDITS = 2;
const EDITS_PER_LETTER = 1 / 3;
/** Two letters in the wrong order are one mistake, and a more usual one than another letter. */
const SWAPPED = 0.9;
/** Letters of a part that says which word is meant. */
const LEAST_PART = 3;

/** The one of some words that a typing error is likely to have come from, or that was shortened; undefined: none is like it.
 *  Neither upper case nor the kind of dash counts. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const typed = plain(word);
  let best: string | undefined;
  let least = Math.max(LEAST_EDITS, Math.floor(typed.length * EDITS_PER_LETTER)) + 1;
  for (const candidate of words) {
    if (Math.abs(candidate.length - typed.length) >= least) continue;
    const distance = edits(typed, plain(candidate));
    // A word of which half is another one is not alike, however short.
    if (distance < least && 2 * distance < Math.max(typed.length, candidate.length))
      [best, least] = [candidate, distance];
  }
  return best ?? whole(typed, words);
}

/** The only one of which the word is a part, if it is one that says something. */
function whole(typed: string, words: readonly string[]): string | undefined {
  const holders = typed.length < LEAST_PART ? [] : words.filter((word) => plain(word).includes(typed));
  return holders.length === 1 ? holders[0] : undefined;
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll("-", "_");
}

/** Letters to insert, drop, change or swap with their neighbour. */
function edits(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      let least = Math.min(row[j - 1]! + 1, rows[i - 1]![j]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : 1));
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (isSwapped) least = Math.min(least, rows[i - 2]![j - 2]! + SWAPPED);
      row.push(least);
    }
    rows.push(row);
  }
  return rows.at(-1)!.at(-1)!;
}
