/** Runs `work` while holding `directory` as a lock, so that two processes never do it at a time. A lock whose owner has
 *  died is taken over. */
export function withLock<T>(directory: string, deadlineMs: number, work: () => Promise<T>): Promise<T>;
