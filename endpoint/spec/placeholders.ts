/** `{{X}}`, but not the references to secrets `${{…}}`; `<X>`; and texts that call themselves placeholders. */
const PLACEHOLDERS: readonly RegExp[] = [
  /(?<!\$)\{\{\s*[\w .-]+\s*\}\}/,
  /<[A-Za-z][A-Za-z0-9_ .-]*>/,
  /[\w./:@-]*place[-_ ]?holder[\w./:@-]*/i,
];

/** The part of a text that somebody had to replace; undefined: none. */
export function placeholderIn(text: string): string | undefined {
  for (const pattern of PLACEHOLDERS) {
    const found = pattern.exec(text);
    if (found !== null) return found[0];
  }
  return undefined;
}
