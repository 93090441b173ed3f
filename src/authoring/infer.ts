// The types of what run() gets and gives, from what was declared.
import type { JsonObject, StandardSchema } from "./standard.ts";

/** What may stand for a member of the input or for the output: a schema of zod, valibot, arktype or another library with
 *  Standard Schema, a sample(), or a JSON Schema. */
export type Declaration = StandardSchema | JsonObject;

export interface Declarations {
  /** By the name of the member in the request's JSON object. */
  readonly input?: Readonly<Record<string, Declaration>>;
  readonly output?: Declaration;
}

/** First argument of run(). */
export type InputOf<D extends Declarations> = D extends { readonly input: infer I }
  ? { -readonly [Name in keyof I]: OutputOf<I[Name]> }
  : Record<string, unknown>;

/** What run() is to give: what the output's schema takes. */
export type ResultOf<D extends Declarations> = D extends { readonly output: infer O }
  ? Answer<O extends StandardSchema<infer Input, unknown> ? Input : FromJsonSchema<O>>
  : unknown;

type Answer<T> = T | Promise<T> | Iterator<unknown> | AsyncIterator<unknown>;

type OutputOf<D> = D extends StandardSchema<unknown, infer Output> ? Output : FromJsonSchema<D>;

/** `unknown` for all that takes more than a glance. */
type FromJsonSchema<S> = S extends { readonly const: infer Value }
  ? Value
  : S extends { readonly enum: readonly (infer Value)[] }
    ? Value
    : S extends { readonly type: infer Type }
      ? FromType<Type extends readonly (infer Each)[] ? Each : Type, S>
      : unknown;

type FromType<Type, S> = Type extends "string"
  ? string
  : Type extends "number" | "integer"
    ? number
    : Type extends "boolean"
      ? boolean
      : Type extends "null"
        ? null
        : Type extends "array"
          ? (S extends { readonly items: infer Items } ? FromJsonSchema<Items> : unknown)[]
          : Type extends "object"
            ? FromObject<S>
            : unknown;

type FromObject<S> = S extends { readonly properties: infer P }
  ? Flat<
      { -readonly [Name in keyof P as Name extends Required<S> ? Name : never]: FromJsonSchema<P[Name]> } & {
        -readonly [Name in keyof P as Name extends Required<S> ? never : Name]?: FromJsonSchema<P[Name]>;
      }
    >
  : Record<string, unknown>;

type Required<S> = S extends { readonly required: readonly (infer Name)[] } ? Name : never;

type Flat<T> = { [Name in keyof T]: T[Name] };
