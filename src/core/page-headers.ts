import type { HeaderList } from "./types.ts";

/** Scripts and styles from the server alone, and nobody who shows the page inside another one. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

/** What is sent with every file of a page for browsers, but for its type and how long it is kept.
 *  @param directives of its content security policy, besides those of all pages */
export function pageHeaders(directives: readonly string[]): HeaderList {
  return [
    ["Content-Security-Policy", [...POLICY, ...directives].join("; ")],
    ["X-Content-Type-Options", "nosniff"],
    ["Referrer-Policy", "no-referrer"],
    ["Cross-Origin-Opener-Policy", "same-origin"],
    ["Cross-Origin-Resource-Policy", "same-origin"],
  ];
}
