// Which pages of other origins may call (contract CORS). Pure.

import type { Header } from "../core/headers.ts";
import type { Logger } from "../core/log.ts";
import type { ScoreRequest } from "../core/types.ts";
import { compileOriginPattern } from "./cors-pattern.ts";

/** Who may call, and what they are told. */
export interface Cors {
  /** The entries of the setting. */
  readonly entries: readonly string[];
  /** Entries that are meant as a regular expression and are none: they never match. */
  readonly unusable: readonly string[];
  /** Says who is let in, and which entries never match. */
  tell(log: Logger): void;
  /** Headers to add to the answer to a request of a known route and method; empty: the origin is not let in. */
  headers(request: Pick<ScoreRequest, "method" | "headers">): readonly Header[];
}

/** Methods a page may use. */
const METHODS = ["GET", "POST"];
const METHOD_LIST = METHODS.join(", ");
/** An entry with one of these is a regular expression (contract CORS-3). */
const PATTERN_CHARACTERS = /[*\\[\]?$^()]/;
const ANY = ".*";

/** @param setting `Config.corsOrigins`   @returns undefined when CORS is off (contract CORS-10) */
export function createCors(setting: string | null | undefined): Cors | undefined {
  const entries = splitOrigins(setting ?? "");
  if (entries.length === 0) return undefined;
  const plain = entries.filter((entry) => !PATTERN_CHARACTERS.test(entry));
  const written = entries.filter((entry) => PATTERN_CHARACTERS.test(entry));
  const compiled = written.map((entry) => compileOriginPattern(entry === "*" ? ANY : entry));
  const patterns = compiled.filter((pattern) => pattern !== undefined);
  const lowered = new Set(plain.map((entry) => entry.toLowerCase()));
  const withoutOrigin = written.some((entry) => entry === "*" || entry === ANY) ? "*" : [...plain].sort()[0];
  const varies = entries.length > 1 || written.length > 0;

  const allowedOrigin = (origin: string | undefined): string | undefined => {
    if (!origin) return withoutOrigin;
    return lowered.has(origin.toLowerCase()) || patterns.some((pattern) => pattern.test(origin)) ? origin : undefined;
  };

  const unusable = written.filter((_entry, index) => compiled[index] === undefined);
  return {
    entries,
    unusable,
    tell(log) {
      log.info(`Enabling CORS for the following origins: ${entries.join(", ")}`);
      for (const entry of unusable) {
        log.warning(
          `${entry} is not a regular expression that JavaScript can read, so no origin matches it; for any host write .* instead of *`,
        );
      }
    },
    headers({ method, headers: asked }) {
      const allowed = allowedOrigin(asked.origin);
      if (allowed === undefined) return [];
      const headers: Header[] = [["Access-Control-Allow-Origin", allowed]];
      if (asked["access-control-request-private-network"] === "true") {
        headers.push(["Access-Control-Allow-Private-Network", "false"]);
      }
      if (method === "OPTIONS") headers.push(...preflightHeaders(asked));
      if (varies && allowed !== "*") headers.push(["Vary", "Origin"]);
      return headers;
    },
  };
}

function splitOrigins(setting: string): string[] {
  return setting
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

/** What a browser asks before the request itself (contract CORS-7). */
function preflightHeaders(asked: ScoreRequest["headers"]): Header[] {
  if (!METHODS.includes((asked["access-control-request-method"] ?? "").toUpperCase())) return [];
  const headers: Header[] = [];
  const names = asked["access-control-request-headers"];
  if (names) {
    const sorted = names.split(",").map((name) => name.trim());
    headers.push(["Access-Control-Allow-Headers", sorted.sort().join(", ")]);
  }
  headers.push(["Access-Control-Allow-Methods", METHOD_LIST]);
  return headers;
}
