import { describeSample, isPlainObject } from "./sample-schema.ts";
import { isStandardSchema, type JsonObject, type StandardResult, type StandardSchema } from "./standard.ts";

export interface SampleOptions {
  /** True: the member may be missing, run() then gets undefined. Default: false. */
  readonly optional?: boolean;
}

/** A value that stands for all of its kind. It is a Standard Schema itself, so it can be used wherever one can. */
export interface Sample<T> extends StandardSchema<T, T> {
  /** As JSON Schema, with the sample as its `example` (contract IS-21). */
  readonly jsonSchema: JsonObject;
  /** False where Swagger 2 has no words for it: a list of several kinds (contract IS-20). */
  readonly inSwagger2: boolean;
}

/** Type of what a request brings for a sample: literals widened, samples and schemas inside replaced by their values. */
export type SampleValue<T> =
  T extends StandardSchema<unknown, infer Output>
    ? Output
    : T extends string
      ? string
      : T extends number
        ? number
        : T extends boolean
          ? boolean
          : T extends Uint8Array | Date
            ? T
            : T extends readonly (infer Item)[]
              ? SampleValue<Item>[]
              : T extends object
                ? { -readonly [Name in keyof T]: SampleValue<T[Name]> }
                : T;

/** Declares a member or the output by a value (contract IS-10, IS-21): a whole number stands for whole numbers, another
 *  number for numbers, a `Uint8Array` for base64 text, a `Date` for a point in time. Only the kind of the value itself is
 *  checked, not what lies in an array or object, except for samples, schemas, dates and bytes in there.
 *  @throws TypeError for null and for what JSON cannot hold */
export function sample<const T>(value: T): Sample<SampleValue<T>>;
export function sample<const T>(value: T, options: { readonly optional: true }): Sample<SampleValue<T> | undefined>;
export function sample<const T>(value: T, options: SampleOptions): Sample<SampleValue<T> | undefined>;
export function sample(value: unknown, { optional = false }: SampleOptions = {}): Sample<unknown> {
  const { jsonSchema, inSwagger2 } = describeSample(value);
  const validate = (given: unknown): StandardResult | Promise<StandardResult> =>
    optional && given === undefined ? { value: undefined } : convert(value, given);
  return { jsonSchema, inSwagger2, "~standard": { version: 1, vendor: "scorefn", validate } };
}

export function isSample(value: StandardSchema): value is Sample<unknown> {
  return value["~standard"].vendor === "scorefn" && "inSwagger2" in value;
}

type Converted = StandardResult | Promise<StandardResult>;

/** A request's value as the sample's kind. */
function convert(like: unknown, value: unknown): Converted {
  if (isStandardSchema(like)) return like["~standard"].validate(value);
  if (Array.isArray(like)) return Array.isArray(value) ? convertItems(like, value) : mismatch("array", value);
  if (like instanceof Date) return toDate(value);
  if (like instanceof Uint8Array) return toBytes(value);
  if (isPlainObject(like)) return isPlainObject(value) ? convertMembers(like, value) : mismatch("object", value);
  if (Number.isInteger(like)) return Number.isInteger(value) ? { value } : mismatch("integer", value);
  return typeof value === typeof like ? { value } : mismatch(typeof like, value);
}

/** Every item by the first that needs converting; without one, items stay as they are. */
function convertItems(like: readonly unknown[], items: readonly unknown[]): Converted {
  const first = like.find(needsConverting);
  if (first === undefined) return { value: items };
  return assemble(
    items.map((item, index) => [index, convert(first, item)]),
    (converted) => converted.map(([, value]) => value),
  );
}

/** Only members that need converting, and are there, are looked at. */
function convertMembers(like: JsonObject, members: JsonObject): Converted {
  const parts: [string, Converted][] = [];
  for (const [name, part] of Object.entries(like)) {
    if (needsConverting(part) && Object.hasOwn(members, name)) parts.push([name, convert(part, members[name])]);
  }
  return parts.length === 0
    ? { value: members }
    : assemble(parts, (converted) => ({ ...members, ...Object.fromEntries(converted) }));
}

function needsConverting(like: unknown): boolean {
  if (isStandardSchema(like) || like instanceof Date || like instanceof Uint8Array) return true;
  if (Array.isArray(like)) return like.some(needsConverting);
  return isPlainObject(like) && Object.values(like).some(needsConverting);
}

type Key = string | number;

function assemble(
  parts: readonly (readonly [Key, Converted])[],
  build: (values: [Key, unknown][]) => unknown,
): Converted {
  if (parts.some(([, part]) => part instanceof Promise)) {
    const settled = parts.map(async ([key, part]) => [key, await part] as const);
    return Promise.all(settled).then((all) => assemble(all, build));
  }
  const values: [Key, unknown][] = [];
  const issues = [];
  for (const [key, part] of parts as readonly (readonly [Key, StandardResult])[]) {
    if (part.issues === undefined) values.push([key, part.value]);
    else
      issues.push(
        ...part.issues.map((issue) => ({ ...issue, message: issue.message, path: [key, ...(issue.path ?? [])] })),
      );
  }
  return issues.length > 0 ? { issues } : { value: build(values) };
}

function toDate(value: unknown): StandardResult {
  const date = typeof value === "string" ? new Date(value) : undefined;
  return date !== undefined && !Number.isNaN(date.getTime())
    ? { value: date }
    : mismatch("date and time as text", value);
}

/** As sloppy with base64 as Python's decoder. */
function toBytes(value: unknown): StandardResult {
  return typeof value === "string"
    ? { value: Uint8Array.from(Buffer.from(value, "base64")) }
    : mismatch("base64 text", value);
}

function mismatch(expected: string, value: unknown): StandardResult {
  return { issues: [{ message: `expected ${expected}, received ${kindOf(value)}` }] };
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
