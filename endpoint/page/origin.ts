// Whether a browser's request is meant for this machine, and comes from the page that it was given.

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** @param host the header, with or without a port   @param more further names, lower-case */
export function isOwnHost(host: string | undefined, more: readonly string[]): boolean {
  const name = /^(\[[\da-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i.exec(host ?? "")?.[1]?.toLowerCase();
  return name !== undefined && (LOOPBACK_NAMES.includes(name) || more.includes(name));
}

/** Browsers say where a request comes from, programs do not. A page at another port of this machine is foreign, too. */
export function isForeign(headers: Readonly<Record<string, string>>): boolean {
  const { origin, host } = headers;
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return true;
  if (origin === undefined) return false;
  return origin !== `http://${host}` && origin !== `https://${host}`;
}
