// Reads what was thrown, which need not be an Error. Nothing here throws, though what is read may: a getter, a proxy, a
// custom inspect().
import { inspect } from "node:util";
import { attempt } from "./attempt.ts";

export function typeOf(error: unknown): string {
  if (error === null) return "null";
  if (typeof error !== "object") return typeof error;
  return attempt(() => classOf(error), "Object");
}

function classOf(error: object): string {
  const className: unknown = error.constructor?.name;
  const ownName: unknown = (error as { name?: unknown }).name;
  // `error.name = "KeyError"` is the older way to make a class of errors.
  if ((className === "Error" || !className) && typeof ownName === "string" && ownName !== "") return ownName;
  return typeof className === "string" && className !== "" ? className : "Object";
}

export function messageOf(error: unknown): string {
  if (typeof error === "string") return error;
  const message = property(error, "message");
  if (typeof message === "string") return message;
  return attempt(() => inspect(error, { depth: 1, breakLength: Number.POSITIVE_INFINITY }), UNREADABLE);
}

export function stackOf(error: unknown): string {
  const stack = property(error, "stack");
  return typeof stack === "string" && stack !== "" ? stack.trimEnd() : `${typeOf(error)}: ${messageOf(error)}`;
}

export function property(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return attempt(() => (value as Record<string, unknown>)[name], undefined);
}

/** The error and its causes, outermost first. */
export function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  let next: unknown = error;
  do {
    chain.push(next);
    next = property(next, "cause");
  } while (next !== undefined && next !== null && chain.length < MAX_CHAIN && !chain.includes(next));
  return chain;
}

/** Says what cannot be said otherwise. */
const UNREADABLE = "the thrown value cannot be read";

/** Causes that are followed; a chain longer than that, or a circular one, is cut. */
const MAX_CHAIN = 10;
