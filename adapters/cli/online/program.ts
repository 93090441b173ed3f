import type { Parts } from "../../../endpoint/control/types.ts";
import type { Environment } from "../../../src/host.ts";

/** What the commands need of the process they run in. */
export interface OnlineHost {
  readonly write: (text: string) => void;
  /** The same, for what has no end. Resolves when there is room for more; @returns false when nobody reads any more */
  readonly writeOn: (text: string) => Promise<boolean>;
  /** What ends a command. */
  readonly writeError: (text: string) => void;
  /** Warnings, notes and progress, which `--only-show-errors` leaves out. */
  readonly tell: (text: string) => void;
  /** What the log is written to: a reader that has stalled must not stop who writes. Default: `write`. */
  readonly openLog?: () => (text: string) => void;
  readonly env: Environment;
  readonly cwd: string;
  readonly parts: Parts;
  /** Words that start the process of an endpoint; its name follows them. */
  readonly program: readonly string[];
  /** Asks the user. Undefined: there is nobody to ask. */
  readonly ask?: (question: string) => Promise<string>;
}
