import { ResultError } from "../core/errors.ts";
import { renderResult } from "../json/result.ts";

/** What happened, and what to do: in the words of the Python worker (python/scorefn_worker/results.py). */
type Finding = readonly [what: string, cure: string];
const NOT_FINITE: Finding = [
  "run() returned NaN or Infinity; the client gets text that is not valid JSON.",
  "Replace such numbers, for example by null.",
];
const JSON_TEXT: Finding = [
  "run() returned a string that holds JSON already; the client gets a string in quotes.",
  "Return the object or array itself, without JSON.stringify().",
];
const MISMATCH_CURE = "Correct the result, or the schema.";

/** What of a result its schema does not allow, in words; undefined: nothing. */
export type OutputCheck = (value: unknown) => string | undefined | Promise<string | undefined>;

/** Renders results, and tells of those that clients will misread: with a warning, the first of each kind, or where it is
 *  strict with an error for each. */
export class ResultGuard {
  readonly #strict: boolean;
  readonly #warn: (message: string) => void;
  readonly #check: OutputCheck | undefined;
  /** Kinds that were warned of and need no further look. */
  #textIsKnown = false;
  #notFiniteIsKnown = false;
  #mismatchIsKnown = false;

  constructor(strict: boolean, warn: (message: string) => void, check?: OutputCheck) {
    this.#strict = strict;
    this.#warn = warn;
    this.#check = check;
  }

  /** The answer's body. Answers at once unless the output's schema takes time.
   *  @throws ResultError `ERR_RESULT`, now or by rejecting; what a validator throws */
  readonly body = (value: unknown): string | Promise<string> => {
    if (typeof value === "string" && !this.#textIsKnown && holdsJson(value)) {
      this.#textIsKnown = true;
      this.#tell(JSON_TEXT);
    }
    const issues = this.#check === undefined || this.#mismatchIsKnown ? undefined : this.#check(value);
    if (issues instanceof Promise) {
      return issues.then((found) => {
        this.#checked(found);
        return this.render(value);
      });
    }
    this.#checked(issues);
    return this.render(value);
  };

  /** JSON of the value. @throws ResultError `ERR_RESULT` */
  readonly render = (value: unknown): string => renderResult(value, this.#onNotFinite);

  readonly #onNotFinite = (): void => {
    if (this.#notFiniteIsKnown) return;
    this.#notFiniteIsKnown = true;
    this.#tell(NOT_FINITE);
  };

  #checked(issues: string | undefined): void {
    if (issues === undefined) return;
    this.#mismatchIsKnown = true;
    this.#tell([`run() returned what its output schema does not allow: ${issues}.`, MISMATCH_CURE]);
  }

  #tell([what, cure]: Finding): void {
    if (!this.#strict) {
      this.#warn(`${what} ${cure} With --strict it would be a 500.`);
      return;
    }
    this.#textIsKnown = this.#notFiniteIsKnown = this.#mismatchIsKnown = false;
    throw new ResultError("ERR_RESULT", `${what} ${cure}`);
  }
}

/** True for the text of a JSON object or array; any other text costs a look at its ends. */
function holdsJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text) || !/[\]}]\s*$/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
