/** How long running requests may take when a server is told to stop, in milliseconds: what the reference gives them. */
export const STOP_GRACE_MS = 30_000;

/** How long the last of what was traced may take to leave, in milliseconds. */
export const TELEMETRY_GRACE_MS = 5_000;
