// What schema() leaves on a run() for whoever serves it. The script may come with its own copy of this package, so host
// and script meet in plain data and in functions that hang on the marker: nothing here is compared by class.
import type { SwaggerVersion } from "../core/swagger-versions.ts";

const SCHEMA = Symbol.for("scorefn.schema");

/** Something that is not as declared. */
export interface Issue {
  /** From the declared member on: `["data", 0, 1]`; for a result from the result on. */
  readonly path: readonly PropertyKey[];
  /** What was expected, in the library's words. */
  readonly message: string;
}

/** The input of one request: as run() is to get it, or the name of the first member that is missing without a default, or
 *  at least one issue. */
export type Parsed = { readonly value: unknown } | { readonly missing: string } | { readonly issues: readonly Issue[] };

/** What the declarations say in the words of the swagger documents. */
export interface Description {
  /** One for each version that can say it (contract IS-20), with anything that `renderPythonJson` renders. */
  readonly dialects: Readonly<Partial<Record<SwaggerVersion, Dialect>>>;
  /** For the log: what the documents cannot say. */
  readonly warnings: readonly string[];
}

/** Contents of ServiceInput and ServiceOutput (contract IS-15, IS-16, IS-19). */
export interface Dialect {
  readonly input: unknown;
  readonly output: unknown;
}

export interface SchemaMarker {
  /** The function as its author wrote it. */
  readonly run: (input: never, context: never) => unknown;
  /** Declared members in their order; undefined: run() gets the JSON object as it is (contract SIG-8). */
  readonly names: readonly string[] | undefined;
  /** Called once, before the first `parse`: loads what validating needs. */
  describe(): Promise<Description>;
  /** Throws what a validator throws. @param members the request's JSON object */
  parse(members: Readonly<Record<string, unknown>>): Parsed | Promise<Parsed>;
  /** No issues: the result is as declared. Undefined: no output is declared. */
  readonly check: ((result: unknown) => readonly Issue[] | Promise<readonly Issue[]>) | undefined;
}

/** The marker of a run() that schema() made. */
export function markerOf(run: unknown): SchemaMarker | undefined {
  return typeof run === "function" ? (run as { [SCHEMA]?: SchemaMarker })[SCHEMA] : undefined;
}

export function mark<Run extends object>(run: Run, marker: SchemaMarker): Run {
  return Object.assign(run, { [SCHEMA]: marker });
}
