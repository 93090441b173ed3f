import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CredentialsData,
  createCredentials,
  isCredentialsData,
  newCredentials,
  regenerateKey,
  showCredentials,
  withKey,
} from "../../../endpoint/gateway/credentials.ts";
import type { AuthMode } from "../../../endpoint/types.ts";

const NOW = Date.UTC(2026, 10, 26, 12);
const HOUR_MS = 3_600_000;

function lived(data: CredentialsData, endpoint = "house") {
  const state = { data, nowMs: NOW };
  return {
    state,
    credentials: createCredentials(
      () => state.data,
      endpoint,
      () => state.nowMs,
    ),
  };
}

function tokenOf(data: CredentialsData, mode: AuthMode, endpoint = "house", nowMs = NOW): string {
  const shown = showCredentials(data, mode, endpoint, nowMs);
  if (!("accessToken" in shown)) throw new Error("no token");
  return shown.accessToken;
}

describe("keys", () => {
  test("either of the two lets in, and nothing else does", () => {
    const data = newCredentials();
    const { credentials } = lived(data);
    expect(data.primaryKey).toMatch(/^[\w-]{32}$/);
    expect(data.primaryKey).not.toBe(data.secondaryKey);
    expect(credentials.accepts("key", data.primaryKey)).toBe(true);
    expect(credentials.accepts("key", data.secondaryKey)).toBe(true);
    expect(credentials.accepts("key", data.tokenSecret)).toBe(false);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(credentials.accepts("key", text)).toBe(text === data.primaryKey || text === data.secondaryKey);
      }),
    );
    for (const near of [data.primaryKey.slice(1), `${data.primaryKey}x`, data.primaryKey.toUpperCase(), ""]) {
      expect(credentials.accepts("key", near)).toBe(false);
    }
  });

  test("another key counts at once, and leaves the other one good (contract EP-26)", () => {
    const before = newCredentials();
    const { credentials, state } = lived(before);
    expect(credentials.accepts("key", before.primaryKey)).toBe(true);
    state.data = regenerateKey(before, "key", "house", "Primary");
    expect(credentials.accepts("key", before.primaryKey)).toBe(false);
    expect(credentials.accepts("key", state.data.primaryKey)).toBe(true);
    expect(credentials.accepts("key", before.secondaryKey)).toBe(true);
    state.data = regenerateKey(state.data, "key", "house", "secondary");
    expect(credentials.accepts("key", before.secondaryKey)).toBe(false);
  });

  test("regenerating says what Azure says when it cannot", () => {
    const data = newCredentials();
    expect(() => regenerateKey(data, "aml_token", "house", "primary")).toThrow(
      "Endpoint 'house' does not use keys for authentication.",
    );
    expect(() => regenerateKey(data, "key", "house", "third")).toThrow("Key type must be 'primary' or 'secondary'.");
  });

  test.each([
    ["", "is empty"],
    ["x".repeat(4_097), "has 4097 characters"],
    ["one\ntwo", "has a line end"],
    ["one\r", "has a line end"],
    ["two words", "has a blank"],
    ["schlüssel", "outside of ASCII"],
    ["nul\0", "control character"],
  ])("a key that cannot be one is refused when it is set, and not shown: %j", (key, why) => {
    for (const set of [
      () => newCredentials({ primary: key }),
      () => newCredentials({ secondary: key }),
      () => withKey(newCredentials(), "primary", key),
    ]) {
      expect(set).toThrow(why);
      if (key !== "") expect(set).not.toThrow(key);
    }
    const kept = { ...newCredentials(), primaryKey: key };
    expect(isCredentialsData(kept)).toBe(false);
  });

  test("what was kept is taken only when it is whole", () => {
    const data = newCredentials();
    expect(isCredentialsData(JSON.parse(JSON.stringify(data)))).toBe(true);
    for (const name of Object.keys(data)) {
      expect(isCredentialsData({ ...data, [name]: undefined })).toBe(false);
      expect(isCredentialsData({ ...data, [name]: 7 })).toBe(false);
    }
    fc.assert(fc.property(fc.anything(), (value) => !isCredentialsData(value)));
  });
});

describe("tokens", () => {
  const data = newCredentials();
  const { credentials, state } = lived(data);
  const accepts = (mode: AuthMode, token: string): boolean => {
    state.nowMs = NOW;
    return credentials.accepts(mode, token);
  };

  test("get-credentials shows what az shows (contract EP-25)", () => {
    const at = NOW / 1_000;
    expect(showCredentials(data, "key", "house", NOW)).toEqual({
      primaryKey: data.primaryKey,
      secondaryKey: data.secondaryKey,
    });
    expect(showCredentials(data, "aml_token", "house", NOW)).toEqual({
      accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      expiryTimeUtc: at + 8 * 3_600,
      refreshAfterTimeUtc: at + 4 * 3_600,
      tokenType: "Bearer",
    });
    expect(showCredentials(data, "aad_token", "house", NOW)).toEqual({
      accessToken: expect.any(String),
      expiryTimeUtc: at + 3_600,
    });
  });

  test("a token lets in until it expires", () => {
    const token = tokenOf(data, "aml_token");
    expect(accepts("aml_token", token)).toBe(true);
    state.nowMs = NOW + 8 * HOUR_MS - 1;
    expect(credentials.accepts("aml_token", token)).toBe(true);
    state.nowMs = NOW + 8 * HOUR_MS;
    expect(credentials.accepts("aml_token", token)).toBe(false);
    expect(accepts("aml_token", tokenOf(data, "aml_token", "house", NOW - 24 * HOUR_MS))).toBe(false);
  });

  test("a token is for one endpoint, whatever its case, and for one way of getting in", () => {
    expect(accepts("aml_token", tokenOf(data, "aml_token", "HOUSE"))).toBe(true);
    expect(accepts("aml_token", tokenOf(data, "aml_token", "house2"))).toBe(false);
    expect(accepts("aml_token", tokenOf(data, "aad_token"))).toBe(false);
    expect(accepts("aad_token", tokenOf(data, "aad_token"))).toBe(true);
    expect(accepts("key", tokenOf(data, "aml_token"))).toBe(false);
    expect(accepts("aml_token", data.primaryKey)).toBe(false);
    expect(accepts("aml_token", tokenOf(newCredentials(), "aml_token"))).toBe(false);
  });

  test("a token that was tampered with is none, wherever a character is another one", () => {
    const token = tokenOf(data, "aml_token");
    for (let index = 0; index < token.length; index++) {
      // The last character of a part has bits that stand for nothing.
      const next = token[index + 1];
      if (next === "." || next === undefined) continue;
      const other = token[index] === "A" ? "B" : "A";
      expect(accepts("aml_token", token.slice(0, index) + other + token.slice(index + 1))).toBe(false);
    }
    fc.assert(fc.property(fc.string(), (text) => !accepts("aml_token", text)));
  });

  test("a token cannot say how it is to be checked, nor do without a signature", () => {
    const [, claims] = tokenOf(data, "aml_token").split(".");
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
    const [head] = tokenOf(data, "aml_token").split(".");
    for (const token of [`${none}.${claims}.`, `${head}.${claims}.`, `${head}.${claims}`, `${head}.`, ".", ".."]) {
      expect(accepts("aml_token", token)).toBe(false);
    }
  });
});
