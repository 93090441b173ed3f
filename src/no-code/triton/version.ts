// One version of a model: its session, and how its configuration fits.
import { join, sep } from "node:path";
import type { Log } from "../../core/log.ts";
import { messageOf, property } from "../../core/thrown.ts";
import type { Expected } from "../onnx/check-request.ts";
import {
  openSession as openEngineSession,
  type Session,
  type SessionOptions,
  type SessionTensor,
} from "../onnx/session.ts";
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
  /** What requests are held against behind the configuration. */
  readonly expected: Expected;
}

export type OpenSession = (options: SessionOptions) => Promise<Session>;

export interface VersionOptions {
  /** Its path. */
  readonly repository: string;
  readonly folder: ModelFolder;
  readonly config: ModelConfig | undefined;
  readonly version: string;
  /** Undefined: as many as the processors give. */
  readonly threads: number | undefined;
  readonly verbose: boolean | undefined;
  readonly log: Log;
  readonly openSession: OpenSession | undefined;
}

/** What its session holds stays in memory, so that it serves on when its files go away. Never rejects. */
export async function openVersion({
  repository,
  folder,
  config = NO_CONFIG,
  version,
  threads,
  verbose,
  log,
  openSession = openEngineSession,
}: VersionOptions): Promise<Version> {
  let session: Session | undefined;
  try {
    session = await openSession({ path: modelFile(folder, version, config.modelFile), log, threads, verbose });
    const signature = signatureOf(config, session);
    for (const { name, optional, isThere } of signature.inputs) {
      if (optional && isThere) {
        const what = `input '${name}' is optional in its configuration, but the model needs it`;
        log.server.warning(`Model '${folder.name}' version ${version}: ${what}`);
      }
    }
    const expected = { name: folder.name, inputs: session.inputs, outputs: outputsOf(signature, session) };
    return { version, session, signature, expected };
  } catch (error) {
    await session?.release().catch(() => {});
    return { version, failure: reasonOf(error, repository) };
  }
}

/** Those of the configuration, in its order. */
function outputsOf({ outputs }: Signature, session: Session): SessionTensor[] {
  return outputs.map((output) => session.outputs.find(({ name }) => name === output.name)!);
}

/** For whoever asks for the model: without places outside the repository. */
export function reasonOf(error: unknown, repository: string): string {
  const hint = property(property(error, "report"), "hint");
  const reason = `${messageOf(error)}${typeof hint === "string" ? ` (${hint})` : ""}`;
  return reason.replaceAll(join(repository, sep), "");
}
