/** Modules that may become part of the one that imports them, by their paths. */
export const FOLDED: RegExp;
