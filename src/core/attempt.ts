/** What `read` returns, or the fallback when it throws: an error that is looked at may be of any kind. */
export function attempt<T>(read: () => T, fallback: T): T {
  try {
    return read();
  } catch {
    return fallback;
  }
}
