import type { ExecFileOptions } from "node:child_process";

/** Milliseconds after which nothing that tests need is waited for. */
export const BUILD_DEADLINE_MS: number;

/** Runs a program. @returns what it wrote to stdout   @throws with `stdout` and `stderr` when it fails */
export function command(file: string, args: readonly string[], options?: ExecFileOptions): Promise<string>;

/** Why a program failed, in one line: pip and npm name the reason in lines of their own, others in the last line. */
export function reasonOf(error: Error & { readonly stdout?: string; readonly stderr?: string }): string;
