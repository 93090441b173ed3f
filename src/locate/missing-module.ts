/** What Node says of an import that leads nowhere. */
export interface MissingModule {
  /** A package's name as imported, or the absolute path of a file. */
  readonly wanted: string;
  readonly importer: string | undefined;
}

/** Undefined for messages about something else. */
export function parseMissingModule(message: string): MissingModule | undefined {
  const wanted = /^Cannot find (?:package|module) '([^']+)'/.exec(message)?.[1];
  if (wanted === undefined) return undefined;
  const importer = / imported from (.+)$/m.exec(message)?.[1] ?? /^Require stack:\n- (.+)$/m.exec(message)?.[1];
  return { wanted, importer };
}
