// Tokens that the endpoint signs itself, in the form of a JWT, so that common tools show what is in them.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { AuthMode } from "../types.ts";

export type TokenMode = Exclude<AuthMode, "key">;

/** What a token says; times are in seconds since 1970. */
interface Claims {
  readonly iss: "scorefn";
  /** Endpoint that it is for. */
  readonly aud: string;
  readonly mode: TokenMode;
  readonly iat: number;
  readonly exp: number;
}

/** The one head that is taken: a token cannot choose how it is to be checked. */
const HEAD = encode({ alg: "HS256", typ: "JWT" });

/** @param at and until in seconds since 1970 */
export function signToken(secret: string, mode: TokenMode, endpoint: string, at: number, until: number): string {
  const claims: Claims = { iss: "scorefn", aud: endpoint.toLowerCase(), mode, iat: at, exp: until };
  const signed = `${HEAD}.${encode(claims)}`;
  return `${signed}.${signature(secret, signed).toString("base64url")}`;
}

/** Whether the token was signed with the secret, for this endpoint and this way of getting in, and is still good.
 *  @param at in seconds since 1970 */
export function isGoodToken(token: string, secret: string, mode: TokenMode, endpoint: string, at: number): boolean {
  const end = token.lastIndexOf(".");
  if (end < 0 || !token.startsWith(`${HEAD}.`)) return false;
  const signed = token.slice(0, end);
  const given = Buffer.from(token.slice(end + 1), "base64url");
  const wanted = signature(secret, signed);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return false;
  // What is signed was written above, so it can be read.
  const claims = JSON.parse(Buffer.from(signed.slice(HEAD.length + 1), "base64url").toString()) as Claims;
  return claims.aud === endpoint.toLowerCase() && claims.mode === mode && at < claims.exp;
}

function signature(secret: string, text: string): Buffer {
  return createHmac("sha256", secret).update(text).digest();
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
