import { basename } from "node:path";
import type { ScoreError } from "../core/errors.ts";
import { errorMember } from "../routes/respond.ts";

/** What has become of the last edit. */
export interface ReloadStatus {
  /** How many versions have come to serve: another number, another version. */
  readonly version: number;
  /** `watching`: nothing has been edited since the version that serves. */
  readonly state: "starting" | "watching" | "reloading" | "failed";
  /** Absolute paths; empty for the start. */
  readonly changed: readonly string[];
  /** Of `failed`. */
  readonly failure?: ScoreError;
}

/** Files named in an answer: a thousand may have changed. */
const MAX_NAMED = 10;

/** The member of the ready path's answer. @param detail how much of a failure clients see */
export function statusMember(
  { version, state, changed, failure }: ReloadStatus,
  detail: "none" | "location" | "full",
): Record<string, unknown> {
  const member: Record<string, unknown> = { version, state };
  if (detail === "none") return member;
  if (changed.length > 0) member.changed = changed.slice(0, MAX_NAMED).map((path) => basename(path));
  if (failure === undefined) return member;
  const error = errorMember(failure, detail);
  const { codeFrame, hint } = failure.report ?? {};
  if (codeFrame !== undefined) error.codeFrame = codeFrame;
  if (hint !== undefined) error.hint = hint;
  return { ...member, error };
}
