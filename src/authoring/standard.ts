// Standard Schema (https://standardschema.dev), the interface validation libraries have in common, as far as it is used
// here, and its companion for JSON Schema.
import type { Issue } from "./marker.ts";

/** What zod, valibot, arktype and others make. `Output` is what validating gives, `Input` what it takes. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type StandardResult<Output = unknown> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A JSON Schema as an object; the dialect is 2020-12 unless `$schema` says otherwise. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isStandardSchema(value: unknown): value is StandardSchema {
  return (typeof value === "object" || typeof value === "function") && value !== null && "~standard" in value;
}

/** The library's issue with the place of the declaration in front. */
export function toIssue(place: readonly PropertyKey[], issue: StandardIssue): Issue {
  const path = (issue.path ?? []).map((part) => (typeof part === "object" ? part.key : part));
  return { path: [...place, ...path], message: wordsOf(issue) };
}

/** Without what is said of the place already, where the library keeps the two apart. */
function wordsOf(issue: StandardIssue): string {
  const { problem, errors } = issue as { problem?: unknown; errors?: unknown };
  if (typeof problem === "string") return problem; // arktype
  const message = issue.message.replace(/^Invalid input: /, ""); // zod
  if (message !== "Invalid input" || !Array.isArray(errors)) return message;
  // zod says of a union only that nothing fits; the reasons lie below.
  const reasons = (errors as StandardIssue[][]).map(([first]) => (first === undefined ? "" : wordsOf(first)));
  return reasons.filter((reason) => reason !== "").join(", or ") || message;
}

/** Options by which the libraries leave out what JSON Schema cannot say instead of throwing: zod's, valibot's, arktype's. */
const LENIENT = { unrepresentable: "any", errorMode: "ignore", fallback: ({ base }: { base: unknown }) => base };
const TARGET = "draft-2020-12";

/** The JSON Schema of what a library's schema takes; undefined where the library can give none. */
export function jsonSchemaOf(schema: StandardSchema): JsonObject | undefined {
  const { jsonSchema } = schema["~standard"] as { jsonSchema?: { input?(options: object): JsonObject } };
  const own = schema as { toJSONSchema?(options: object): JsonObject; toJsonSchema?(options?: object): JsonObject };
  return (
    attempt(() => jsonSchema?.input?.({ target: TARGET })) ??
    attempt(() => jsonSchema?.input?.({ target: TARGET, libraryOptions: LENIENT })) ??
    attempt(() => own.toJSONSchema?.({ io: "input", ...LENIENT })) ??
    attempt(() => own.toJsonSchema?.({ fallback: LENIENT.fallback }))
  );
}

function attempt(convert: () => JsonObject | undefined): JsonObject | undefined {
  try {
    return convert();
  } catch {
    return undefined;
  }
}
