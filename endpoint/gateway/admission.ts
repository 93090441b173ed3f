import type { ScoreRequest } from "../../src/host.ts";
import type { Credentials, Routing } from "../types.ts";
import { DENIED, MALFORMED, type Refusal } from "./refusals.ts";

/** The name of the scheme has no case; a key is one word. */
const BEARER = /^bearer +(\S+) *$/i;

/** Why whoever asks is not let in; undefined: it is. */
export function admission(
  { headers }: Pick<ScoreRequest, "headers">,
  { authMode }: Routing,
  credentials: Credentials,
): Refusal | undefined {
  const header = headers.authorization;
  if (header === undefined) return DENIED;
  const secret = BEARER.exec(header)?.[1];
  if (secret === undefined) return MALFORMED;
  return credentials.accepts(authMode, secret) ? undefined : DENIED;
}
