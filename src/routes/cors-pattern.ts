// Regular expressions for origins. They are Python's in the reference server; JavaScript reads what people write for origins
// in the same way and refuses nearly all else, and an expression that is refused matches nothing: no origin is let in by
// accident.

/** What JavaScript takes in another sense than Python: references to groups, and a class that ends at once. */
const READ_OTHERWISE = /\\[1-9]|\[\^?\]/;
/** Letter case does not count anyway. */
const IGNORES_CASE = /^\(\?i\)/;
/** Python lets any punctuation be escaped (`my\-site`), JavaScript only what has a meaning of its own. */
const ESCAPE = /\\(.)/gs;
const NEEDLESS = /[^\w\\^$.*+?()[\]{}|/]/;

/** @returns a test for the beginning of a text, in any case; undefined when the expression cannot be used */
export function compileOriginPattern(expression: string): RegExp | undefined {
  if (READ_OTHERWISE.test(expression)) return undefined;
  const source = expression
    .replace(IGNORES_CASE, "")
    .replace(ESCAPE, (piece, char: string) => (NEEDLESS.test(char) ? toCode(char) : piece));
  try {
    // Alone it must stand, too: `a)(b` does only inside a group.
    new RegExp(source, "u");
    return new RegExp(`^(?:${source})`, "iu");
  } catch {
    return undefined;
  }
}

/** It means the same inside a class and outside. */
function toCode(char: string): string {
  return `\\u{${char.codePointAt(0)!.toString(16)}}`;
}
