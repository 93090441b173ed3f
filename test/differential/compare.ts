import type { Fact } from "./observe.ts";

/** A fact that only one of the two peers showed. */
export interface Difference extends Fact {
  readonly scenario: string;
  readonly only: "reference" | "ours";
}

export function compare(scenario: string, reference: readonly Fact[], ours: readonly Fact[]): Difference[] {
  const places = new Set([...reference, ...ours].map((fact) => fact.where));
  return [...places].flatMap((where) =>
    uncommon(whatAt(reference, where), whatAt(ours, where)).map(([only, what]) => ({ scenario, where, only, what })),
  );
}

function whatAt(facts: readonly Fact[], where: string): string[] {
  return facts.filter((fact) => fact.where === where).map((fact) => fact.what);
}

type OneSided = readonly [only: "reference" | "ours", what: string];

/** What is not in the longest common subsequence, in order. */
function uncommon(reference: readonly string[], ours: readonly string[]): OneSided[] {
  const common = commonLengths(reference, ours);
  const left: OneSided[] = [];
  let [r, o] = [0, 0];
  while (r < reference.length || o < ours.length) {
    if (r < reference.length && o < ours.length && reference[r] === ours[o]) {
      r++;
      o++;
    } else if (o === ours.length || (r < reference.length && common[r + 1]![o]! >= common[r]![o + 1]!)) {
      left.push(["reference", reference[r++]!]);
    } else left.push(["ours", ours[o++]!]);
  }
  return left;
}

/** Entry [r][o]: how long the longest common subsequence of the rests from r and from o is. */
function commonLengths(reference: readonly string[], ours: readonly string[]): number[][] {
  const lengths = Array.from({ length: reference.length + 1 }, () => new Array<number>(ours.length + 1).fill(0));
  for (let r = reference.length - 1; r >= 0; r--) {
    for (let o = ours.length - 1; o >= 0; o--) {
      lengths[r]![o] =
        reference[r] === ours[o] ? lengths[r + 1]![o + 1]! + 1 : Math.max(lengths[r + 1]![o]!, lengths[r]![o + 1]!);
    }
  }
  return lengths;
}
