/** What a test waits for comes within so long, or nothing happens any more: 3 minutes. A test that passes never waits for it,
 *  so it is far more than a machine takes that has eight other processes to run; a tight one would measure that machine. */
export const DEADLINE_MS: number = 3 * 60_000;

/** For a whole test, or what is done before or after it: 5 minutes, so that what it waits for says first what is missing. */
export const TEST_DEADLINE_MS: number = 5 * 60_000;
