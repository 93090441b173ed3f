/** One thing that was measured against a limit of the host. */
export interface SizeLine {
  readonly name: string;
  readonly bytes: number;
  /** Bytes the host takes at the most; undefined: no limit of its own. */
  readonly limit?: number | undefined;
}

/** What a build made, for people and for whatever called it. */
export interface BuildReport {
  /** Absolute. */
  readonly directory: string;
  readonly sizes: readonly SizeLine[];
  /** Sentences for the terminal: what to do next, and what to know. */
  readonly notes: readonly string[];
}

/** The report as lines for the terminal. */
export function formatReport({ directory, sizes, notes }: BuildReport): string {
  const width = Math.max(...sizes.map(({ name }) => name.length));
  const lines = sizes.map(({ name, bytes, limit }) => {
    const share = limit === undefined ? "" : ` of ${formatBytes(limit)} (${((bytes / limit) * 100).toFixed(1)} %)`;
    return `  ${name.padEnd(width)}  ${formatBytes(bytes)}${share}`;
  });
  return [`built ${directory}`, ...lines, ...notes].join("\n");
}

/** The lines that are over their limit. */
export function overLimit(sizes: readonly SizeLine[]): readonly SizeLine[] {
  return sizes.filter(({ bytes, limit }) => limit !== undefined && bytes > limit);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return bytes < 1_000_000_000 ? `${(bytes / 1_000_000).toFixed(1)} MB` : `${(bytes / 1_000_000_000).toFixed(2)} GB`;
}
