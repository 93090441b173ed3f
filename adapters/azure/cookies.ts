import type { Cookie } from "@azure/functions";

/** `Set-Cookie` values taken apart for the library, which writes them anew: the value percent-encoded, attributes it does
 *  not know left out.
 *  @returns `lost`: those it would refuse, which would cost the client the whole answer */
export function toCookies(values: readonly string[]): { cookies: Cookie[]; lost: string[] } {
  const cookies: Cookie[] = [];
  const lost: string[] = [];
  for (const value of values) {
    const cookie = parseCookie(value);
    if (cookie === undefined) lost.push(value);
    else cookies.push(cookie);
  }
  return { cookies, lost };
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const DOMAIN = /^\.?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const PATH = /^[\x20-\x3a\x3c-\x7e]*$/;

function parseCookie(text: string): Cookie | undefined {
  const [pair = "", ...attributes] = text.split(";");
  const equals = pair.indexOf("=");
  const name = pair.slice(0, equals).trim();
  if (equals < 0 || !NAME.test(name)) return undefined;
  const cookie: Cookie = { name, value: encodable(pair.slice(equals + 1).trim()) };
  return attributes.every((attribute) => setAttribute(cookie, attribute)) ? cookie : undefined;
}

/** The text that is encoded as the given one; a plain one may have to change. */
function encodable(value: string): string {
  const plain = value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value;
  try {
    const decoded = decodeURIComponent(plain);
    if (encodeURIComponent(decoded) === plain) return decoded;
  } catch {
    // A lone percent sign: it is encoded itself.
  }
  return plain;
}

/** @returns false when the library would refuse the value */
function setAttribute(cookie: Cookie, attribute: string): boolean {
  const equals = attribute.indexOf("=");
  const name = (equals < 0 ? attribute : attribute.slice(0, equals)).trim().toLowerCase();
  const value = equals < 0 ? "" : attribute.slice(equals + 1).trim();
  switch (name) {
    case "domain":
      cookie.domain = value;
      return value === "" || DOMAIN.test(value);
    case "path":
      cookie.path = value;
      return PATH.test(value);
    case "expires":
      cookie.expires = new Date(value);
      return !Number.isNaN(cookie.expires.valueOf());
    case "max-age":
      cookie.maxAge = Number(value);
      return /^-?\d{1,15}$/.test(value);
    case "secure":
      cookie.secure = true;
      return true;
    case "httponly":
      cookie.httpOnly = true;
      return true;
    case "samesite": {
      const sameSite = SAME_SITE.find((known) => known.toLowerCase() === value.toLowerCase());
      if (sameSite !== undefined) cookie.sameSite = sameSite;
      return true;
    }
    default:
      return true;
  }
}

const SAME_SITE = ["Strict", "Lax", "None"] as const;
