// Keys and tokens of an endpoint: plain data that can be kept in a file, and what checks them.
import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { ConfigError } from "../../src/host.ts";
import type { AuthMode, Credentials } from "../types.ts";
import { isGoodToken, signToken } from "./tokens.ts";

/** All secrets of an endpoint. Whoever can read it can get in, so it belongs into a file of mode 0600. */
export interface CredentialsData {
  readonly primaryKey: string;
  readonly secondaryKey: string;
  /** What tokens are signed with. */
  readonly tokenSecret: string;
}

export type KeyType = "primary" | "secondary";

/** What `get-credentials` prints, in Azure's names. Times are in seconds since 1970. */
export type ShownCredentials =
  | { readonly primaryKey: string; readonly secondaryKey: string }
  | {
      readonly accessToken: string;
      readonly expiryTimeUtc: number;
      readonly refreshAfterTimeUtc?: number;
      readonly tokenType?: "Bearer";
    };

/** Bytes of chance in a key, and in the secret that tokens are signed with: nobody guesses 24. A key has 32 characters. */
const SECRET_BYTES = 24;
/** Longest key that can be set, in characters: with its name it has to fit into a header of 8 KiB with room for others. */
const MAX_KEY_LENGTH = 4_096;
/** How long tokens are good, in seconds: eight hours, a working day, and an hour, as those of Azure's. */
const LIFETIME_S: Readonly<Record<Exclude<AuthMode, "key">, number>> = { aml_token: 28_800, aad_token: 3_600 };

/** New secrets. @throws ConfigError when a given key cannot be one */
export function newCredentials(keys: { readonly primary?: string; readonly secondary?: string } = {}): CredentialsData {
  const { primary = newSecret(), secondary = newSecret() } = keys;
  checkKey(primary, "primary");
  checkKey(secondary, "secondary");
  return { primaryKey: primary, secondaryKey: secondary, tokenSecret: newSecret() };
}

/** Whether what was kept is whole: a file may hold anything. */
export function isCredentialsData(value: unknown): value is CredentialsData {
  if (typeof value !== "object" || value === null) return false;
  const { primaryKey, secondaryKey, tokenSecret } = value as Record<string, unknown>;
  return [primaryKey, secondaryKey, tokenSecret].every((text) => typeof text === "string" && keyFault(text) === null);
}

/** With another key in place of one; the other one stays good.
 *  @param key default: a new one   @throws ConfigError */
export function withKey(data: CredentialsData, type: KeyType, key: string = newSecret()): CredentialsData {
  checkKey(key, type);
  return type === "primary" ? { ...data, primaryKey: key } : { ...data, secondaryKey: key };
}

/** What `regenerate-keys` does. @param type as the user wrote it   @throws ConfigError with Azure's own words */
export function regenerateKey(data: CredentialsData, mode: AuthMode, endpoint: string, type: string): CredentialsData {
  if (mode !== "key") {
    throw new ConfigError("ERR_CONFIG", `Endpoint '${endpoint}' does not use keys for authentication.`);
  }
  const wanted = type.toLowerCase();
  if (wanted !== "primary" && wanted !== "secondary") {
    throw new ConfigError("ERR_CONFIG", "Key type must be 'primary' or 'secondary'.");
  }
  return withKey(data, wanted);
}

/** What a client needs to get in. A token is a new one each time. @param nowMs since 1970 */
export function showCredentials(
  data: CredentialsData,
  mode: AuthMode,
  endpoint: string,
  nowMs: number = Date.now(),
): ShownCredentials {
  if (mode === "key") return { primaryKey: data.primaryKey, secondaryKey: data.secondaryKey };
  const at = Math.floor(nowMs / 1_000);
  const expiryTimeUtc = at + LIFETIME_S[mode];
  const accessToken = signToken(data.tokenSecret, mode, endpoint, at, expiryTimeUtc);
  if (mode === "aad_token") return { accessToken, expiryTimeUtc };
  return { accessToken, expiryTimeUtc, refreshAfterTimeUtc: at + LIFETIME_S[mode] / 2, tokenType: "Bearer" };
}

/** Checks what clients show. @param data asked with each request, so that another key counts from the next one on
 *  @param now milliseconds since 1970 */
export function createCredentials(
  data: () => CredentialsData,
  endpoint: string,
  now: () => number = Date.now,
): Credentials {
  let digested: CredentialsData | undefined;
  let primary = NO_DIGEST;
  let secondary = NO_DIGEST;

  /** Compares digests, which have one length, and always both: how long it takes tells nothing of a key. */
  function isKey(secret: string): boolean {
    const current = data();
    if (current !== digested) {
      primary = digest(current.primaryKey);
      secondary = digest(current.secondaryKey);
      digested = current;
    }
    const given = digest(secret);
    const isPrimary = timingSafeEqual(given, primary);
    const isSecondary = timingSafeEqual(given, secondary);
    return isPrimary || isSecondary;
  }

  return {
    accepts: (mode, secret) =>
      mode === "key"
        ? isKey(secret)
        : isGoodToken(secret, data().tokenSecret, mode, endpoint, Math.floor(now() / 1_000)),
  };
}

const NO_DIGEST: Buffer = Buffer.alloc(0);

function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

function checkKey(key: string, type: KeyType): void {
  const fault = keyFault(key);
  if (fault !== null) {
    const message = `The ${type} key ${fault}; give 1 to ${MAX_KEY_LENGTH} visible ASCII characters without blanks`;
    throw new ConfigError("ERR_CONFIG", message);
  }
}

/** Why a header could not carry the key, or not in a way that every client and proxy takes. Never shows it. */
function keyFault(key: string): string | null {
  if (key === "") return "is empty";
  if (key.length > MAX_KEY_LENGTH) return `has ${key.length} characters`;
  if (/[\r\n]/.test(key)) return "has a line end";
  return /^[\x21-\x7e]+$/.test(key) ? null : "has a blank, a control character or one outside of ASCII";
}
