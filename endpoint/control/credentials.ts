import { ConfigError } from "../../src/host.ts";
import {
  type CredentialsData,
  createCredentials,
  isCredentialsData,
  newCredentials,
  regenerateKey,
  showCredentials,
} from "../gateway/credentials.ts";
import type { CredentialsPart, KeptCredentials } from "./types.ts";

/** The gateway's keys and tokens, made from what a file holds. */
export const CREDENTIALS: CredentialsPart = {
  create: () => ({ ...newCredentials() }),
  open(kept, endpoint) {
    const data = whole(kept);
    return createCredentials(() => data, endpoint);
  },
  regenerate: (kept, mode, endpoint, type) => ({ ...regenerateKey(whole(kept), mode, endpoint, type) }),
  issue: (kept, mode, endpoint) => ({ ...showCredentials(whole(kept), mode, endpoint) }),
};

/** @throws ConfigError, which shows nothing of the file */
function whole(kept: KeptCredentials): CredentialsData {
  const data: unknown = kept;
  if (!isCredentialsData(data)) throw new ConfigError("ERR_CONFIG", "the stored keys are incomplete");
  return data;
}
