/** Longest name that a message repeats, in characters: more than models have, and less than a log line should. */
const SHOWN_NAME = 200;

/** A name of the caller's as messages show it. */
export function shown(name: string): string {
  return `'${name.length > SHOWN_NAME ? `${name.slice(0, SHOWN_NAME)}...` : name}'`;
}
