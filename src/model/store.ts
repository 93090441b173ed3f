// What the places a model can be fetched from have in common.
import { type ErrorCode, ScoreError } from "../core/errors.ts";

export interface ModelFile {
  /** Below the model directory, with `/`. */
  readonly path: string;
  /** Name of the object in its store. */
  readonly name: string;
  readonly bytes: number;
  /** Changes when the content does. */
  readonly tag: string;
  /** What the list of files already tells of the content. */
  readonly checksum?: Checksum | undefined;
}

export interface Checksum {
  readonly algorithm: "sha256" | "md5";
  readonly hex: string;
}

export interface ModelStore {
  /** All files of the model. @throws ScoreError */
  list(signal: AbortSignal): Promise<readonly ModelFile[]>;
  /** The content from a byte on. @throws ScoreError, ModelChanged when the file's tag is no longer what it was */
  open(file: ModelFile, from: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** What is known of the content; undefined: nothing. Asked once per file that is fetched. @throws as open() */
  checksum(file: ModelFile, signal: AbortSignal): Promise<Checksum | undefined>;
}

/** A file has been replaced since the files were listed. */
export class ModelChanged extends Error {}

export type ModelErrorCode = Extract<ErrorCode, `ERR_MODEL_${string}`>;

/** @param message what happened, and what to do */
export function modelError(code: ModelErrorCode, message: string, cause?: unknown): ScoreError {
  return new ScoreError(code, message, { cause });
}

/** Files below a prefix, or the one object of that name.
 *  @throws ScoreError when a name cannot be that of a file below a folder */
export function relativePath(name: string, prefix: string, shown: string): string {
  const path = name === prefix ? name.slice(name.lastIndexOf("/") + 1) : name.slice(prefix.length);
  const isUsable = path
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== ".." && !UNUSABLE.test(part));
  if (isUsable) return path;
  throw modelError(
    "ERR_MODEL_FETCH",
    `${shown} holds '${name}', which cannot be the name of a file; rename or remove it.`,
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNUSABLE: RegExp = process.platform === "win32" ? /[\u0000-\u001f<>:"\\|?*]/ : /\u0000/;
