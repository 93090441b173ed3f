import type { LeftOut } from "./files.ts";

/** One thing that was measured against a limit of the host. */
export interface SizeLine {
  readonly name: string;
  readonly bytes: number;
  /** Bytes the host takes at the most; undefined: no limit of its own. */
  readonly limit?: number | undefined;
  /** What to do when it is larger. */
  readonly cure?: string | undefined;
}

/** What a build made, for people and for whatever called it. */
export interface BuildReport {
  /** Absolute. */
  readonly directory: string;
  readonly sizes: readonly SizeLine[];
  /** Sentences for the terminal: what to do next, and what to know. */
  readonly notes: readonly string[];
  /** Files in it that are the user's: edited or added since the last build. */
  readonly kept: readonly string[];
  /** What the build has made in place of those, beside them. */
  readonly news: readonly string[];
  readonly leftOut: readonly LeftOut[];
  /** What is open to everybody once it is deployed. */
  readonly warnings: readonly string[];
}

/** Names of one reason that are shown; the rest is counted. */
const SHOWN = 10;

/** The report as lines for the terminal. */
export function formatReport({ directory, sizes, notes, kept, news, leftOut, warnings }: BuildReport): string {
  const width = Math.max(...sizes.map(({ name }) => name.length));
  const lines = sizes.map(({ name, bytes, limit }) => {
    const share = limit === undefined ? "" : ` of ${formatBytes(limit)} (${((bytes / limit) * 100).toFixed(1)} %)`;
    return `  ${name.padEnd(width)}  ${formatBytes(bytes)}${share}`;
  });
  const byReason = new Map<string, string[]>();
  for (const { path, why } of leftOut) byReason.set(why, [...(byReason.get(why) ?? []), path]);
  return [
    `built ${directory}`,
    ...lines,
    ...[...byReason].map(([why, paths]) => `left out:   ${enumerate(paths)} (${why})`),
    ...(kept.length === 0 ? [] : [`kept:       ${enumerate(kept)} (edited or added by you)`]),
    ...(news.length === 0 ? [] : [`compare:    ${enumerate(news)} (the new version of what you have edited)`]),
    ...warnings.map((warning) => `PUBLIC:     ${warning}`),
    ...notes,
  ].join("\n");
}

function enumerate(names: readonly string[]): string {
  const rest = names.length - SHOWN;
  return names.slice(0, SHOWN).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** The lines that are over their limit. */
export function overLimit(sizes: readonly SizeLine[]): readonly SizeLine[] {
  return sizes.filter(({ bytes, limit }) => limit !== undefined && bytes > limit);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return bytes < 1_000_000_000 ? `${(bytes / 1_000_000).toFixed(1)} MB` : `${(bytes / 1_000_000_000).toFixed(2)} GB`;
}
