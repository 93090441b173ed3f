import type { Parts } from "../../../endpoint/control/types.ts";
import type { Environment, Paint } from "../../../src/host.ts";
import type { Screen } from "../help/page.ts";
import type { Progress } from "../progress.ts";

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
  /** What `write` leads to. Default: no terminal. */
  readonly screen?: Screen;
  /** For `writeError` and `tell`. Default: no colours. */
  readonly paint?: Paint;
  /** Shows on a terminal what is under way. Default: all of it is told. */
  readonly progress?: Progress;
  readonly env: Environment;
  readonly cwd: string;
  readonly parts: Parts;
  /** Words that start the process of an endpoint; its name follows them. */
  readonly program: readonly string[];
  /** Asks the user. Undefined: there is nobody to ask. */
  readonly ask?: (question: string) => Promise<string>;
}
