/** `{{X}}`, but not the references to secrets `${{…}}`; `<X>`; and texts that call themselves placeholders. No part of an
 *  expression takes what another one may begin with: a value may have a megabyte. */
const PLACEHOLDERS: readonly RegExp[] = [/(?<!\$)\{\{[\w\s.-]{1,100}\}\}/, /<[A-Za-z][\w .-]{0,100}>/];

const ITS_NAME = /place[-_ ]?holder/i;
/** Characters before and after its name that a placeholder is shown with. */
const MAX_AROUND = 80;

/** The part of a text that somebody had to replace; undefined: none. */
export function placeholderIn(text: string): string | undefined {
  for (const pattern of PLACEHOLDERS) {
    const found = pattern.exec(text);
    if (found !== null) return found[0];
  }
  const named = ITS_NAME.exec(text);
  if (named === null) return undefined;
  const end = named.index + named[0].length;
  const before = text.slice(Math.max(0, named.index - MAX_AROUND), named.index);
  const after = text.slice(end, end + MAX_AROUND);
  return `${/[\w./:@-]*$/.exec(before)![0]}${named[0]}${/^[\w./:@-]*/.exec(after)![0]}`;
}
