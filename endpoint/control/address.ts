/** This machine alone. */
export const LOOPBACK: string = "127.0.0.1";

/** Who connects to an endpoint that listens everywhere on this machine. */
const EVERYWHERE: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** @returns `http://host:port`, as those on this machine reach it */
export function addressOf(host: string, port: number): string {
  const shown = EVERYWHERE.has(host) ? LOOPBACK : host;
  return `http://${shown.includes(":") ? `[${shown}]` : shown}:${port}`;
}
