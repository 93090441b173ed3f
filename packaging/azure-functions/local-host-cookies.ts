/** A cookie as it stands in a message from the worker. */
export interface CoreCookie {
  readonly name: string;
  readonly value: string;
  readonly domain?: { readonly value: string } | undefined;
  readonly path?: { readonly value: string } | undefined;
  readonly expires?: { readonly value: { readonly seconds: number } } | undefined;
  readonly secure?: { readonly value: boolean } | undefined;
  readonly httpOnly?: { readonly value: boolean } | undefined;
  readonly sameSite?: string | undefined;
  readonly maxAge?: { readonly value: number } | undefined;
}

const SAME_SITE: Readonly<Record<string, string>> = { lax: "Lax", strict: "Strict", explicitNone: "None" };

/** The `Set-Cookie` value that the host makes of it. */
export function cookieHeader(cookie: CoreCookie): string {
  const parts = [`${cookie.name}=${encodeURIComponent(cookie.value)}`];
  if (cookie.maxAge) parts.push(`Max-Age=${cookie.maxAge.value}`);
  if (cookie.domain) parts.push(`Domain=${cookie.domain.value}`);
  if (cookie.path) parts.push(`Path=${cookie.path.value}`);
  if (cookie.expires) parts.push(`Expires=${new Date(cookie.expires.value.seconds * 1000).toUTCString()}`);
  if (cookie.httpOnly?.value) parts.push("HttpOnly");
  if (cookie.secure?.value) parts.push("Secure");
  const sameSite = SAME_SITE[cookie.sameSite ?? ""];
  if (sameSite !== undefined) parts.push(`SameSite=${sameSite}`);
  return parts.join("; ");
}
