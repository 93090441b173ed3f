// What a script may take: time to start, memory, and the size of its model.
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { formatBytes } from "../packaging/report.ts";
import type { CheckResult, Finding } from "./types.ts";

/** Undefined: no limit. */
export interface Limits {
  readonly maxInitMs?: number | undefined;
  /** Of each answer. */
  readonly maxMs?: number | undefined;
  readonly maxMemoryMb?: number | undefined;
  readonly maxModelMb?: number | undefined;
}

interface Measured {
  readonly initMs: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly modelDir: string | undefined;
}

/** As the settings have it. */
const MB = 1_048_576;

/** @returns `result` undefined: there is no limit */
export async function budgetResult(
  limits: Limits,
  measured: Measured,
): Promise<{ result: CheckResult | undefined; modelBytes: number | undefined }> {
  const { maxInitMs, maxMemoryMb, maxModelMb } = limits;
  const { initMs, memoryBytes, modelDir } = measured;
  const from = performance.now();
  const modelBytes = modelDir === undefined ? undefined : await bytesOf(modelDir).catch(() => undefined);
  if (maxInitMs === undefined && maxMemoryMb === undefined && maxModelMb === undefined)
    return { result: undefined, modelBytes };
  const findings: Finding[] = [];
  const facts: string[] = [];
  const judge = (
    rule: Finding["rule"],
    what: string,
    flag: string,
    limit: number | undefined,
    value: number | undefined,
    shown: (value: number) => string,
  ): void => {
    if (limit === undefined) return;
    if (value === undefined) {
      const message = `${what} is not known here, so --${flag} was not checked`;
      findings.push({ rule, level: "warning", message, key: "unknown" });
    } else if (value > limit) {
      findings.push({
        rule,
        level: "error",
        message: `${what} is ${shown(value)}, and may be ${shown(limit)} (--${flag})`,
      });
    } else facts.push(`${what} ${shown(value)} of ${shown(limit)}`);
  };
  const inMs = (value: number): string => `${value.toFixed(0)} ms`;
  judge("init-budget", "the start time", "max_init_ms", maxInitMs, initMs, inMs);
  judge("memory-budget", "the most memory used", "max_memory_mb", inBytes(maxMemoryMb), memoryBytes, formatBytes);
  judge("model-budget", "the size of the model", "max_model_mb", inBytes(maxModelMb), modelBytes, formatBytes);
  const result = {
    name: "what it takes is within the limits",
    facts: facts.join(", ") || undefined,
    ms: performance.now() - from,
    findings,
  };
  return { result, modelBytes };
}

function inBytes(mb: number | undefined): number | undefined {
  return mb === undefined ? undefined : mb * MB;
}

/** All files of a folder, or one file. Links are followed only at the top: what is below may lead around in circles. */
async function bytesOf(path: string): Promise<number> {
  const entry = await stat(path);
  if (!entry.isDirectory()) return entry.size;
  const names = await readdir(path, { recursive: true });
  const sizes = await Promise.all(
    names.map(async (name) => {
      const { size } = await lstat(join(path, name));
      return size;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
