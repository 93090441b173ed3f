/** How long requests that run may take when their deployment or endpoint ends, in milliseconds: as when a server of a script stops. */
export const GRACE_MS = 30_000;
