// Regular expressions of Python for matching origins. What JavaScript reads otherwise is rewritten or refused; an
// expression that is refused matches nothing, so that no origin is let in by accident.

/** A piece of an expression that the two languages may read differently: an escape, a class, the beginning of a group, a
 *  counted repetition. */
const PIECE =
  /\\(?<letter>.?)|\[(?<first>\^?\]?)(?<rest>(?:\\.|[^\]\\])*)(?<end>\]?)|\(\?(?<group>P<\w+>|<?[=!]|[ia]*:|)|\{,(?<most>\d*)\}/gs;
/** Escapes that mean the same in both, as origins have no characters beyond ASCII. References to groups are refused:
 *  JavaScript takes those to groups that do not exist. */
const SAME_ESCAPE = /^\\[^a-zA-Z1-9]|^\\[dDsSwWbBfnrtvxu]/s;
const ESCAPES = /\\./gs;

/** @returns a test for the beginning of a text, in any case; undefined when the expression is none of Python's or cannot
 *    be written in JavaScript */
export function compilePythonPattern(expression: string): RegExp | undefined {
  try {
    // Letter case does not count anyway.
    const source = expression
      .replace(/^\(\?[ia]+\)/, "")
      .replace(PIECE, (piece, ...rest) => rewrite(piece, rest.at(-1)));
    // Alone it must stand, too: `a)(b` does only inside a group.
    new RegExp(source);
    return new RegExp(`^(?:${source})`, "i");
  } catch {
    return undefined;
  }
}

type Parts = Readonly<Record<"letter" | "first" | "rest" | "end" | "group" | "most", string | undefined>>;

/** @throws SyntaxError for what Python would refuse, or JavaScript cannot do */
function rewrite(piece: string, { letter, first, rest, end, group, most }: Parts): string {
  if (letter === "A") return "^";
  if (letter === "Z") return "$";
  if (letter !== undefined) return sameEscape(piece);
  if (first !== undefined && end !== "") {
    // The first bracket of a class stands for itself.
    return `[${first.replace("]", "\\]")}${rest!.replace(ESCAPES, sameEscape)}]`;
  }
  if (most !== undefined) return `{0,${most}}`;
  if (group?.startsWith("P<")) return `(?${group.slice(1)}`;
  if (group?.endsWith(":")) return "(?:";
  if (!group) throw new SyntaxError(`cannot read ${piece}`);
  return piece;
}

function sameEscape(piece: string): string {
  if (!SAME_ESCAPE.test(piece)) throw new SyntaxError(`bad escape ${piece}`);
  return piece;
}
