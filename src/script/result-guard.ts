import { ResultError } from "../errors.ts";
import { renderResult } from "../json/result.ts";
import type { SchemaMarker } from "../schema/marker.ts";
import { describeIssues } from "./declared.ts";

const NOT_FINITE = "run() returned NaN or Infinity, which is not valid JSON";
const JSON_TEXT = "run() returned a string that already holds JSON; return the value itself";

/** Renders results, and tells of those that clients will misread: with a warning, the first of each kind, or where it is
 *  strict with an error for each. */
export class ResultGuard {
  readonly #strict: boolean;
  readonly #warn: (message: string) => void;
  readonly #check: SchemaMarker["check"];
  /** Kinds that were warned of and need no further look. */
  #textIsKnown = false;
  #notFiniteIsKnown = false;
  #mismatchIsKnown = false;

  constructor(strict: boolean, warn: (message: string) => void, check?: SchemaMarker["check"]) {
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
    const issues = this.#check === undefined || this.#mismatchIsKnown ? NONE : this.#check(value);
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
    this.#tell(NOT_FINITE, "; return null, or a number, in its place");
  };

  #checked(issues: Awaited<ReturnType<NonNullable<SchemaMarker["check"]>>>): void {
    if (issues.length === 0) return;
    this.#mismatchIsKnown = true;
    this.#tell(`run() returned what its output schema does not allow: ${describeIssues(issues)}`);
  }

  #tell(message: string, cure = ""): void {
    if (!this.#strict) {
      this.#warn(message);
      return;
    }
    this.#textIsKnown = this.#notFiniteIsKnown = this.#mismatchIsKnown = false;
    throw new ResultError("ERR_RESULT", message + cure);
  }
}

const NONE: readonly never[] = [];

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
