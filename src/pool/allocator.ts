/** How glibc keeps the memory of a Python worker. By itself it gives back to the system, after each request, what a body of a
 *  megabyte has taken, and taking it again costs as much as the request does. With these, blocks of up to 32 MiB (the most
 *  that glibc comes to by itself) are parts of the heap, whose free end is kept up to 64 MiB. */
const SETTINGS = { MALLOC_MMAP_THRESHOLD_: String(32 * 1024 ** 2), MALLOC_TRIM_THRESHOLD_: String(64 * 1024 ** 2) };

type Environment = Readonly<Record<string, string>>;

/** Adds them to an environment that says nothing of it.
 *  @returns the environment, and the names of what the interpreter alone is to see */
export function withAllocator(env: Environment): { readonly env: Environment; readonly own: readonly string[] } {
  const isChosen = Object.keys(env).some((name) => name.startsWith("MALLOC_") || name === "LD_PRELOAD");
  if (process.platform !== "linux" || isChosen) return { env, own: [] };
  return { env: { ...env, ...SETTINGS }, own: Object.keys(SETTINGS) };
}
