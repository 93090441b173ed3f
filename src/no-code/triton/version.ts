// One version of a model: its session, and how its configuration fits.
import { join, sep } from "node:path";
import type { Log } from "../../core/log.ts";
import { messageOf, property } from "../../core/thrown.ts";
import { openSession as openEngineSession, type Session, type SessionOptions } from "../onnx/session.ts";
import { type ModelConfig, NO_CONFIG } from "./config.ts";
import { type ModelFolder, modelFile } from "./layout.ts";
import { type Signature, signatureOf } from "./signature.ts";

export type Version = FailedVersion | OpenVersion;

export interface FailedVersion {
  readonly version: string;
  /** Why it cannot be served. */
  readonly failure: string;
}

export interface OpenVersion {
  readonly version: string;
  readonly failure?: undefined;
  readonly session: Session;
  readonly signature: Signature;
}

export type OpenSession = (options: SessionOptions) => Promise<Session>;

export interface VersionOptions {
  /** Its path. */
  readonly repository: string;
  readonly folder: ModelFolder;
  readonly config: ModelConfig | undefined;
  readonly version: string;
  /** No other version of any model is open beside it. */
  readonly isAlone: boolean;
  readonly log: Log;
  readonly openSession: OpenSession | undefined;
}

/** What its session holds stays in memory, so that it serves on when its files go away. Never rejects. */
export async function openVersion({
  repository,
  folder,
  config = NO_CONFIG,
  version,
  log,
  openSession = openEngineSession,
}: VersionOptions): Promise<Version> {
  let session: Session | undefined;
  try {
    session = await openSession({ path: modelFile(folder, version, config.modelFile), log });
    const signature = signatureOf(config, session);
    for (const { name, optional, isThere } of signature.inputs) {
      if (optional && isThere) {
        const what = `input '${name}' is optional in its configuration, but the model needs it`;
        log.server.warning(`Model '${folder.name}' version ${version}: ${what}`);
      }
    }
    return { version, session, signature };
  } catch (error) {
    await session?.release().catch(() => {});
    return { version, failure: reasonOf(error, repository) };
  }
}

/** For whoever asks for the model: without places outside the repository. */
export function reasonOf(error: unknown, repository: string): string {
  const hint = property(property(error, "report"), "hint");
  const reason = `${messageOf(error)}${typeof hint === "string" ? ` (${hint})` : ""}`;
  return reason.replaceAll(join(repository, sep), "");
}
