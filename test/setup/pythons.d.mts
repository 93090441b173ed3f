export interface Python {
  /** As in `3.9.18`. */
  readonly text: string;
  readonly version: readonly [major: number, minor: number, patch: number];
  readonly path: string;
}

/** One interpreter for each minor version that is installed, with the newest patch; the oldest first. */
export function installedPythons(): Python[];

/** What an interpreter says of itself; undefined when it does not start. */
export function pythonVersion(file: string): Python | undefined;
