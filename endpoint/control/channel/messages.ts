// What commands and the endpoint's process say to each other: HTTP over a Unix socket that only the user can open. A request has
// one JSON value, an answer has lines of JSON: any number of `progress` and `lines`, then one `result` or `error`.
import type { Refusal } from "../errors.ts";

export type Line =
  | { readonly progress: string }
  /** Of a log. */
  | { readonly lines: readonly string[] }
  | { readonly result: unknown }
  | { readonly error: { readonly refusal: Refusal; readonly message: string } };

/** Who answers at the socket. */
export interface Hello {
  readonly endpoint: string;
  readonly pid: number;
  readonly version: string;
  readonly scoringUri: string;
}
